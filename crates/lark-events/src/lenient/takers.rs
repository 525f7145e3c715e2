//! What each kind of lenient field takes, and one visitor for all of them.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::Lenient;

/// What one kind of field takes; every other kind of value is consumed and forgotten.
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

    fn take_f64(self, _: f64) -> Option<Self::Value> {
        None
    }

    fn take_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Option<Self::Value>, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn take_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Option<Self::Value>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
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

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(self.0.take_f64(number))
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

/// Implements `Lenient` for a type through its taker.
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

lenient_by!(<> String => TextTaker);
lenient_by!(<> i64 => IntegerTaker);
lenient_by!(<> f64 => FloatTaker);
lenient_by!(<> bool => BoolTaker);
lenient_by!(<T: Lenient> Vec<T> => ListTaker(PhantomData));
lenient_by!(<T: Lenient> BTreeMap<String, T> => MapTaker(PhantomData));

/// Any JSON value but null.
impl Lenient for serde_json::Value {
    fn deserialize_lenient<'de, D>(deserializer: D) -> Result<Option<Self>, D::Error>
    where
        D: Deserializer<'de>,
    {
        Option::deserialize(deserializer)
    }
}

/// A string; a number or a boolean is taken as its text.
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

    fn take_f64(self, number: f64) -> Option<String> {
        Some(number.to_string())
    }
}

/// A whole number, or its text.
struct IntegerTaker;

impl Taker<'_> for IntegerTaker {
    type Value = i64;
    const EXPECTING: &'static str = "an integer";

    fn take_str(self, text: &str) -> Option<i64> {
        text.parse().ok()
    }

    fn take_i64(self, number: i64) -> Option<i64> {
        Some(number)
    }

    fn take_f64(self, number: f64) -> Option<i64> {
        // Beyond 2^53 a float no longer names one integer.
        const EXACT: f64 = 9_007_199_254_740_992.0;
        #[expect(clippy::cast_possible_truncation, reason = "whole, and within 2^53")]
        let whole = (number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i64);
        whole
    }
}

/// A number, or its text.
struct FloatTaker;

impl Taker<'_> for FloatTaker {
    type Value = f64;
    const EXPECTING: &'static str = "a number";

    fn take_str(self, text: &str) -> Option<f64> {
        text.parse().ok().filter(|number: &f64| number.is_finite())
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "the field is documented as a float"
    )]
    fn take_u64(self, number: u64) -> Option<f64> {
        Some(number as f64)
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "the field is documented as a float"
    )]
    fn take_i64(self, number: i64) -> Option<f64> {
        Some(number as f64)
    }

    fn take_f64(self, number: f64) -> Option<f64> {
        Some(number)
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

/// An object.
pub(super) struct ObjectTaker<T>(pub(super) PhantomData<T>);

impl<'de, T: Deserialize<'de>> Taker<'de> for ObjectTaker<T> {
    type Value = T;
    const EXPECTING: &'static str = "an object";

    fn take_map<A: MapAccess<'de>>(self, map: A) -> Result<Option<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Some)
    }
}

/// A list. An element of another type is left out: nothing is made up in its place.
struct ListTaker<T>(PhantomData<T>);

impl<'de, T: Lenient> Taker<'de> for ListTaker<T> {
    type Value = Vec<T>;
    const EXPECTING: &'static str = "a list";

    fn take_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Option<Vec<T>>, A::Error> {
        let mut list = Vec::new();
        while let Some(Element(element)) = seq.next_element()? {
            list.extend(element);
        }
        Ok(Some(list))
    }
}

/// An object with any keys. A value of another type is left out.
struct MapTaker<T>(PhantomData<T>);

impl<'de, T: Lenient> Taker<'de> for MapTaker<T> {
    type Value = BTreeMap<String, T>;
    const EXPECTING: &'static str = "an object";

    fn take_map<A: MapAccess<'de>>(
        self,
        mut map: A,
    ) -> Result<Option<BTreeMap<String, T>>, A::Error> {
        let mut entries = BTreeMap::new();
        while let Some((key, Element(value))) = map.next_entry()? {
            if let Some(value) = value {
                entries.insert(key, value);
            }
        }
        Ok(Some(entries))
    }
}

/// One lenient value inside a list or a map.
struct Element<T>(Option<T>);

impl<'de, T: Lenient> Deserialize<'de> for Element<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize_lenient(deserializer).map(Self)
    }
}

#[cfg(test)]
mod tests {
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
            ("-9007199254740992.0", Some(-9_007_199_254_740_992)),
            ("9007199254740994.0", None),
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
    fn a_list_leaves_odd_elements_out() {
        assert_eq!(
            read::<Vec<String>>(r#"["a", null, 3, {}]"#).unwrap(),
            ["a", "3"]
        );
        assert_eq!(read::<Vec<i64>>("{}"), None);
        assert_eq!(read::<Vec<i64>>("null"), None);
        assert_eq!(read::<Vec<i64>>("[]"), Some(Vec::new()));
    }

    #[test]
    fn a_map_leaves_odd_values_out() {
        let map = read::<BTreeMap<String, i64>>(r#"{"a": 1, "b": "2", "c": null, "d": {}}"#);
        let expected = [("a".to_owned(), 1), ("b".to_owned(), 2)];
        assert_eq!(map, Some(BTreeMap::from(expected)));
        assert_eq!(read::<BTreeMap<String, i64>>("[1]"), None);
    }

    #[test]
    fn any_value_is_kept_but_null() {
        assert_eq!(read("[1]"), Some(serde_json::json!([1])));
        assert_eq!(read::<serde_json::Value>("null"), None);
    }
}
