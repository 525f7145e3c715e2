//! Numbers as written, compared digit for digit without a float.

use std::cmp::Ordering;

use super::steps;

/// A finite number in its written form.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Decimal<'a> {
    is_negative: bool,
    /// The digits from the first to the last non-zero one, perhaps with the point among them. Empty for
    /// zero.
    digits: &'a str,
    /// The power of ten of the first digit.
    magnitude: i64,
}

impl<'a> Decimal<'a> {
    /// A positive number: its digits without a point, and the power of ten of the first.
    pub(crate) const fn new(digits: &'a str, magnitude: i64) -> Self {
        Self {
            is_negative: false,
            digits,
            magnitude,
        }
    }

    /// Reads a finite number, in JSON's syntax or Rust's. `None` if the exponent is out of range.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        steps::read(text.len());
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if (whole.is_empty() && fraction.is_empty()) || !are_digits(whole) || !are_digits(fraction)
        {
            return None;
        }
        let exponent: i64 = exponent.parse().ok()?;
        let digits = mantissa.trim_start_matches(['0', '.']);
        if digits.is_empty() {
            return Some(Self::new("", 0));
        }
        // The place of the first digit, counted from the point: 1 is just before it, -1 just after it.
        let start = mantissa.len().checked_sub(digits.len())?;
        let place = i64::try_from(whole.len().checked_signed_diff(start)?).ok()?;
        let shift = if place > 0 {
            place.checked_sub(1)?
        } else {
            place
        };
        Some(Self {
            is_negative: text.starts_with('-'),
            digits: digits.trim_end_matches(['0', '.']),
            magnitude: exponent.checked_add(shift)?,
        })
    }

    /// Compares two numbers without their signs.
    pub(crate) fn cmp_abs(&self, other: &Self) -> Ordering {
        match (self.is_zero(), other.is_zero()) {
            (false, false) => {
                let magnitudes = self.magnitude.cmp(&other.magnitude);
                magnitudes.then_with(|| self.digits().cmp(other.digits()))
            }
            (is_zero, other_is_zero) => other_is_zero.cmp(&is_zero),
        }
    }

    fn is_zero(&self) -> bool {
        self.digits.is_empty()
    }

    /// The nearest float, unless it is infinite. The parser of `serde_json` takes time linear in the
    /// digits; the one in the standard library can take fifty times as long.
    pub(crate) fn to_float(self) -> Option<f64> {
        steps::read(self.digits.len());
        let sign = if self.is_negative { "-" } else { "" };
        let digits: String = self.digits().map(char::from).collect();
        let exponent = self.magnitude.saturating_add(1);
        serde_json::from_str(&format!("{sign}0.{digits}0e{exponent}")).ok()
    }

    fn digits(&self) -> impl Iterator<Item = u8> {
        self.digits.bytes().filter(|byte| *byte != b'.')
    }
}

impl PartialEq for Decimal<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.is_negative == other.is_negative && self.cmp_abs(other).is_eq()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same_number(a: &str, b: &str) -> bool {
        Decimal::parse(a).is_some_and(|a| Decimal::parse(b) == Some(a))
    }

    #[test]
    fn one_number_has_many_texts() {
        for (a, b) in [
            ("7", "7.0"),
            ("7", "+7"),
            ("-7", "-7."),
            ("0.5", ".5"),
            ("1e2", "100"),
            ("1E+2", "0100"),
            ("120e-1", "12"),
            ("0.0012", "1.2e-3"),
            ("0", "-0.000e99"),
            ("1e400", "10E399"),
            (
                "123456789012345678901234567890",
                "1.23456789012345678901234567890e29",
            ),
        ] {
            assert!(same_number(a, b) && same_number(b, a), "{a} {b}");
        }
    }

    #[test]
    fn numbers_with_other_digits_are_others() {
        for (a, b) in [
            ("7", "-7"),
            ("7", "70"),
            ("7", "0.7"),
            ("0", "1e-400"),
            ("0.1", "0.1000000000000000055511151231257827"),
            ("9007199254740993", "9007199254740992"),
            ("1e400", "1e401"),
        ] {
            assert!(!same_number(a, b) && !same_number(b, a), "{a} {b}");
        }
    }

    #[test]
    fn what_is_no_number_is_like_nothing() {
        for odd in [
            "",
            ".",
            "-",
            "e1",
            "1e",
            "1e1.5",
            "1.2.3",
            "--1",
            "inf",
            "NaN",
            " 1",
            "0x1",
            "1e99999999999999999999",
        ] {
            assert!(!same_number(odd, odd), "{odd}");
        }
    }

    #[test]
    fn numbers_are_ordered_without_their_signs() {
        let ordered = [
            "-0e5", "1e-400", "0.0999", "-0.1", "1", "1.00001", "1.5", "9", "10", "-10.01", "1e400",
        ];
        for (at, a) in ordered.iter().enumerate() {
            for (other_at, b) in ordered.iter().enumerate() {
                let [a, b] = [a, b].map(|text| Decimal::parse(text).unwrap());
                assert_eq!(a.cmp_abs(&b), at.cmp(&other_at), "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn a_float_is_the_nearest_one() {
        for text in [
            "0",
            "+7",
            "-7.",
            ".5",
            "0.1",
            "-123.456e-7",
            "100",
            "9007199254740993",
            "1.7976931348623157e308",
            "1.7976931348623158079e308",
            "2.4703282292062327208e-324",
            "2.4703282292062328e-324",
            "1e-400",
            "123456789012345678901234567890",
        ] {
            let float = Decimal::parse(text).unwrap().to_float();
            assert_eq!(float, Some(text.parse().unwrap()), "{text}");
        }
        for endless in ["1e400", "-1.7976931348623159e308", "1e9223372036854775807"] {
            assert_eq!(
                Decimal::parse(endless).unwrap().to_float(),
                None,
                "{endless}"
            );
        }
    }
}
