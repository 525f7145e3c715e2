//! The kinds of lenient fields: one visitor for all of them, and the scalar values.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::Deserializer;
use serde::de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{Lenient, is_exact};
use crate::json::decimal::Decimal;

/// The values that one kind of field accepts; all others are consumed and dropped.
pub(super) trait Taker<'de>: Sized {
    type Value;
    const EXPECTING: &'static str;

    fn take_str(self, _: &str) -> Option<Self::Value> {
        None
    }

    fn take_bool(self, _: bool) -> Option<Self::Value> {
        None
    }

    fn take_u64(self, number: u64) -> Option<Self::Value> {
        i64::try_from(number)
            .ok()
            .and_then(|number| self.take_i64(number))
    }

    fn take_i64(self, _: i64) -> Option<Self::Value> {
        None
    }

    fn take_f64<E: Error>(self, _: f64) -> Result<Option<Self::Value>, E> {
        Ok(None)
    }

    fn take_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Option<Self::Value>, A::Error> {
        skip_elements(seq).map(|()| None)
    }

    fn take_map<A: MapAccess<'de>>(self, map: A) -> Result<Option<Self::Value>, A::Error> {
        skip_members(map).map(|()| None)
    }
}

/// Skips the rest of a list.
pub(super) fn skip_elements<'de, A: SeqAccess<'de>>(mut seq: A) -> Result<(), A::Error> {
    while seq.next_element::<IgnoredAny>()?.is_some() {}
    Ok(())
}

/// Skips the rest of an object.
pub(super) fn skip_members<'de, A: MapAccess<'de>>(mut map: A) -> Result<(), A::Error> {
    while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
    Ok(())
}

pub(super) struct LenientVisitor<T>(pub(super) T);

impl<'de, T: Taker<'de>> Visitor<'de> for LenientVisitor<T> {
    type Value = Option<T::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTING)
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(self.0.take_str(text))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(self.0.take_bool(value))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(self.0.take_u64(number))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(self.0.take_i64(number))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        self.0.take_f64(number)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        self.0.take_seq(seq)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        self.0.take_map(map)
    }
}

/// Implements `Lenient` for a type with its taker.
macro_rules! lenient_by {
    (<$($item:ident: $bound:ident)?> $value:ty => $taker:expr) => {
        impl<$($item: $bound)?> Lenient for $value {
            fn deserialize_lenient<'de, D>(deserializer: D) -> Result<Option<Self>, D::Error>
            where
                D: Deserializer<'de>,
            {
                deserializer.deserialize_any(LenientVisitor($taker))
            }
        }
    };
}

pub(super) use lenient_by;

lenient_by!(<> String => TextTaker);
lenient_by!(<> i64 => IntegerTaker(PhantomData));
lenient_by!(<> i32 => IntegerTaker(PhantomData));
lenient_by!(<> u64 => IntegerTaker(PhantomData));
lenient_by!(<> u32 => IntegerTaker(PhantomData));
lenient_by!(<> f64 => FloatTaker);
lenient_by!(<> bool => BoolTaker);

/// A number that is not [exact](is_exact) is an error: a second pass provides its text.
pub(super) fn exact<E: Error>(number: f64) -> Result<f64, E> {
    if is_exact(number) {
        Ok(number)
    } else {
        Err(E::custom("a number that a float cannot represent"))
    }
}

/// A string. A number or a boolean becomes its text.
struct TextTaker;

impl Taker<'_> for TextTaker {
    type Value = String;
    const EXPECTING: &'static str = "a string";

    fn take_str(self, text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    fn take_bool(self, value: bool) -> Option<String> {
        Some(value.to_string())
    }

    fn take_u64(self, number: u64) -> Option<String> {
        Some(number.to_string())
    }

    fn take_i64(self, number: i64) -> Option<String> {
        Some(number.to_string())
    }

    fn take_f64<E: Error>(self, number: f64) -> Result<Option<String>, E> {
        exact(number).map(|number| Some(number.to_string()))
    }
}

/// A whole number in the range of the type, or its text.
struct IntegerTaker<T>(PhantomData<T>);

impl<T: FromStr + TryFrom<i64> + TryFrom<u64>> Taker<'_> for IntegerTaker<T> {
    type Value = T;
    const EXPECTING: &'static str = "an integer";

    fn take_str(self, text: &str) -> Option<T> {
        text.parse().ok()
    }

    fn take_u64(self, number: u64) -> Option<T> {
        number.try_into().ok()
    }

    fn take_i64(self, number: i64) -> Option<T> {
        number.try_into().ok()
    }

    fn take_f64<E: Error>(self, number: f64) -> Result<Option<T>, E> {
        #[expect(clippy::cast_possible_truncation, reason = "whole, and within 2^53")]
        let whole = (number.fract() == 0.0 && is_exact(number)).then_some(number as i64);
        Ok(whole.and_then(|whole| whole.try_into().ok()))
    }
}

/// A number, or its text.
struct FloatTaker;

impl Taker<'_> for FloatTaker {
    type Value = f64;
    const EXPECTING: &'static str = "a number";

    fn take_str(self, text: &str) -> Option<f64> {
        Decimal::parse(text)?.to_float()
    }

    #[expect(clippy::cast_precision_loss, reason = "the field is documented as a float")]
    fn take_u64(self, number: u64) -> Option<f64> {
        Some(number as f64)
    }

    #[expect(clippy::cast_precision_loss, reason = "the field is documented as a float")]
    fn take_i64(self, number: i64) -> Option<f64> {
        Some(number as f64)
    }

    fn take_f64<E: Error>(self, number: f64) -> Result<Option<f64>, E> {
        Ok(Some(number))
    }
}

/// A boolean, its text, or 0 and 1.
struct BoolTaker;

impl Taker<'_> for BoolTaker {
    type Value = bool;
    const EXPECTING: &'static str = "a boolean";

    fn take_str(self, text: &str) -> Option<bool> {
        match text {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        }
    }

    fn take_bool(self, value: bool) -> Option<bool> {
        Some(value)
    }

    fn take_i64(self, number: i64) -> Option<bool> {
        match number {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::containers::Element;
    use super::*;

    fn read<T: Lenient>(json: &str) -> Option<T> {
        let Element(value) = serde_json::from_str(json).unwrap();
        value
    }

    #[test]
    fn a_string_is_also_taken_from_a_number() {
        for (json, expected) in [
            (r#""a""#, Some("a")),
            (r#""""#, Some("")),
            (r#""\u0061""#, Some("a")),
            ("7", Some("7")),
            ("-7", Some("-7")),
            ("18446744073709551615", Some("18446744073709551615")),
            ("1.5", Some("1.5")),
            ("true", Some("true")),
            ("null", None),
            ("[1, [2]]", None),
            (r#"{"a": {"b": 1}}"#, None),
        ] {
            assert_eq!(read::<String>(json).as_deref(), expected, "{json}");
        }
    }

    #[test]
    fn an_integer_is_also_taken_from_its_text() {
        for (json, expected) in [
            ("7", Some(7)),
            ("-7", Some(-7)),
            (r#""7""#, Some(7)),
            (r#""-9223372036854775808""#, Some(i64::MIN)),
            ("7.0", Some(7)),
            ("-9007199254740991.0", Some(-9_007_199_254_740_991)),
            ("9007199254740992.0", None),
            ("9223372036854775807", Some(i64::MAX)),
            ("9223372036854775808", None),
            ("7.5", None),
            (r#""seven""#, None),
            (r#""""#, None),
            ("true", None),
            ("null", None),
            ("[]", None),
            ("{}", None),
        ] {
            assert_eq!(read::<i64>(json), expected, "{json}");
        }
    }

    #[test]
    fn an_integer_is_taken_where_its_type_has_it() {
        assert_eq!(read::<u64>("18446744073709551615"), Some(u64::MAX));
        assert_eq!(read::<u64>(r#""18446744073709551615""#), Some(u64::MAX));
        assert_eq!(read::<u32>("4294967295.0"), Some(u32::MAX));
        assert_eq!(read::<i32>("-2147483648"), Some(i32::MIN));
        for odd in ["-1", "4294967296", "-1.0", r#""-1""#, "1.5", "1e300", "[]"] {
            assert_eq!(read::<u32>(odd), None, "{odd}");
        }
        assert_eq!(read::<u64>("-1"), None);
        assert_eq!(read::<i32>("2147483648"), None);
    }

    #[test]
    fn a_float_is_also_taken_from_its_text() {
        for (json, expected) in [
            ("1", Some(1.0)),
            ("-1", Some(-1.0)),
            ("18446744073709551615", Some(18_446_744_073_709_551_615.0)),
            ("0.5", Some(0.5)),
            (r#""0.5""#, Some(0.5)),
            (r#""inf""#, None),
            (r#""""#, None),
            ("null", None),
            ("false", None),
        ] {
            assert_eq!(read::<f64>(json), expected, "{json}");
        }
    }

    #[test]
    fn a_boolean_is_also_taken_from_zero_and_one() {
        for (json, expected) in [
            ("true", Some(true)),
            ("false", Some(false)),
            ("1", Some(true)),
            ("0", Some(false)),
            (r#""true""#, Some(true)),
            (r#""1""#, Some(true)),
            (r#""false""#, Some(false)),
            (r#""0""#, Some(false)),
            ("2", None),
            ("-1", None),
            (r#""yes""#, None),
            ("null", None),
        ] {
            assert_eq!(read::<bool>(json), expected, "{json}");
        }
    }

    #[test]
    fn a_number_that_is_better_told_by_its_text_is_left_to_a_second_pass() {
        fn fails<T: Lenient>(json: &str) -> bool {
            serde_json::from_str::<Element<T>>(json).is_err()
        }
        for number in [
            "9007199254740992.0",
            "-1e300",
            "123456789012345678901234567890",
            "1e-16",
            "-1e-323",
        ] {
            assert!(fails::<String>(number), "{number}");
            assert!(!fails::<f64>(number), "{number}");
            assert!(!fails::<i64>(number), "{number}");
        }
        for held in [
            "9007199254740991.0",
            "1e-15",
            "-0.000000000000001",
            "0.0",
            "-0.0",
        ] {
            assert!(!fails::<String>(held), "{held}");
        }
    }
}
