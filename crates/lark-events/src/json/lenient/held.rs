//! Which numbers a decoder may hold as floats. The digits decide, because parsing a number half-way
//! between two floats can take a hundred times as long as another.

use crate::json::decimal::Decimal;

/// From this size on (2^53), a float no longer identifies a single integer.
const EXACT_BELOW: f64 = 9_007_199_254_740_992.0;
/// The smallest float that is written in digits: 1e-323 would need 325 characters.
const EXACT_FROM: f64 = 1e-15;

/// Whether a float may become a string or a `Value`. For any other float, the written text is better.
pub(crate) fn is_exact(number: f64) -> bool {
    number == 0.0 || (EXACT_FROM..EXACT_BELOW).contains(&number.abs())
}

/// The numbers that stay numbers in a repaired text. All others become strings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Held {
    /// Numbers whose float is finite.
    Finite,
    /// Numbers whose float [is exact](is_exact).
    Exact,
}

// The bounds at which the nearest float changes its kind. The two bounds of forty digits are cut off: a
// number between the cut and the real bound is not held and keeps its text.

/// 2^-1075: a smaller number is 0 as a float.
const ZERO_BELOW: Decimal<'_> = Decimal::new("2470328229206232720882843964341106861825", -324);
const INEXACT_BELOW: Decimal<'_> = Decimal::new("1", -15);
/// 2^53 - 0.5, whose float is 2^53.
const INEXACT_FROM: Decimal<'_> = Decimal::new("90071992547409915", 15);
/// 2^1024 - 2^970, whose float is infinite.
const INFINITE_FROM: Decimal<'_> = Decimal::new("1797693134862315807937289714053034150799", 308);

impl Held {
    /// Whether a number with these digits stays a number.
    pub(super) fn has(self, number: &Decimal<'_>) -> bool {
        let is_below = |bound: &Decimal<'_>| number.cmp_abs(bound).is_lt();
        match self {
            Self::Finite => is_below(&INFINITE_FROM),
            Self::Exact if is_below(&INEXACT_BELOW) => is_below(&ZERO_BELOW),
            Self::Exact => is_below(&INEXACT_FROM),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn has(held: Held, text: &str) -> bool {
        Decimal::parse(text).is_some_and(|number| held.has(&number))
    }

    /// The decision of a decoder that holds floats.
    fn holds(held: Held, text: &str) -> bool {
        let float = serde_json::from_str::<f64>(text);
        float.is_ok_and(|float| held == Held::Finite || is_exact(float))
    }

    #[test]
    fn the_bounds_are_those_of_floats() {
        for (text, is_finite, is_exact) in [
            ("0", true, true),
            ("-0.0e7", true, true),
            ("1e-400", true, true),
            ("2.4703282292062327e-324", true, true),
            ("2.4703282292062328e-324", true, false),
            ("5e-324", true, false),
            ("9.99999999999999e-16", true, false),
            ("1e-15", true, true),
            ("-9007199254740991.4999", true, true),
            ("9007199254740991.5", true, false),
            ("9007199254740992", true, false),
            ("1.7976931348623157e308", true, false),
            ("1.7976931348623158079e308", true, false),
            ("1.7976931348623158080e308", false, false),
            ("1e309", false, false),
        ] {
            for (held, expected) in [(Held::Finite, is_finite), (Held::Exact, is_exact)] {
                assert_eq!(has(held, text), expected, "{held:?} {text}");
                assert_eq!(holds(held, text), expected, "{held:?} {text}");
            }
        }
    }

    proptest! {
        #[test]
        fn a_text_is_told_as_its_float_would_be(
            digits in "[1-9][0-9]{0,20}",
            near in prop::sample::select(vec![-324_i32, -323, -16, -15, 0, 15, 16, 307, 308]),
            off in -1_i32..=1,
            bound in prop::sample::select(vec![None, Some("24703282292062327208828"),
                Some("9007199254740991"), Some("179769313486231580793")]),
            kept in 1_usize..=20,
        ) {
            // Digits that begin like those of a bound.
            let digits = bound.map_or(digits.clone(), |bound| {
                format!("{}{digits}", &bound[..kept.min(bound.len())])
            });
            let text = format!("{}.{}e{}", &digits[..1], &digits[1..], near + off).replace(".e", ".0e");
            for held in [Held::Finite, Held::Exact] {
                prop_assert_eq!(has(held, &text), holds(held, &text), "{:?} {}", held, text);
            }
        }
    }
}
