//! Numbers as they are written, compared digit for digit: no float stands between.

/// Whether two texts are the same number.
pub(crate) fn same_number(a: &str, b: &str) -> bool {
    Decimal::parse(a).is_some_and(|a| Decimal::parse(b) == Some(a))
}

/// A number without what can be left out of its text.
#[derive(Debug, PartialEq)]
struct Decimal {
    is_negative: bool,
    /// Those between the first and the last that is not zero; none of zero itself.
    digits: String,
    /// The power of ten that the last of them counts.
    exponent: i64,
}

impl Decimal {
    /// Reads what JSON, and Rust beyond it, takes for a finite number. `None` also where the exponent
    /// has no end.
    fn parse(text: &str) -> Option<Self> {
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = [whole, fraction].concat();
        if all.is_empty() || !all.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let exponent: i64 = exponent.parse().ok()?;
        let digits = all.trim_end_matches('0');
        let shift = whole.len().checked_signed_diff(digits.len())?;
        let exponent = exponent.checked_add(i64::try_from(shift).ok()?)?;
        let digits = digits.trim_start_matches('0').to_owned();
        let is_zero = digits.is_empty();
        Some(Self {
            is_negative: text.starts_with('-') && !is_zero,
            digits,
            exponent: if is_zero { 0 } else { exponent },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
