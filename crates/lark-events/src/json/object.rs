//! Decoding objects only: derived types would also accept a list of their members.
//!
//! A key or a string can be valid JSON but not Unicode: half of a surrogate pair. A body with one is
//! decoded a second time; an envelope is decoded part by part.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::{BorrowedStrDeserializer, StringDeserializer};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::value::RawValue;

use super::string::unescaped;
use crate::error::NOT_AN_OBJECT;

/// Decodes an object. All keys that the type looks at must be Unicode.
pub(crate) fn from_object<'a, T: Deserialize<'a>>(text: &'a str) -> serde_json::Result<T> {
    let mut bytes = text.bytes();
    if bytes.find(|byte| !b" \t\r\n".contains(byte)) != Some(b'{') {
        return Err(serde_json::Error::custom(NOT_AN_OBJECT));
    }
    serde_json::from_str(text)
}

/// Decodes an object. If it does not fit the type, decodes it [part by part](Parts), which takes
/// longer.
pub(crate) fn from_named<'a, T: Deserialize<'a>>(text: &'a str) -> serde_json::Result<T> {
    from_object(text).or_else(|error| {
        let object: &RawValue = from_object(text)?;
        T::deserialize(Parts::<serde_json::Error>(object, PhantomData)).map_err(|_| error)
    })
}

/// A value whose objects only have members with a Unicode name, whose numbers are their own text, and
/// whose strings are `()` if they are not Unicode.
struct Parts<'de, E>(&'de RawValue, PhantomData<E>);

impl<'de, E: Error> Deserializer<'de> for Parts<'de, E> {
    type Error = E;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        let json = self.0.get();
        match json.as_bytes() {
            [b'"', ..] => match unescaped(json) {
                Some(Cow::Borrowed(text)) => visitor.visit_borrowed_str(text),
                Some(Cow::Owned(text)) => visitor.visit_string(text),
                None => visitor.visit_unit(),
            },
            [b'-' | b'0'..=b'9', ..] => visitor.visit_borrowed_str(json),
            [b'{', ..] => self.deserialize_map(visitor),
            _ => self.0.deserialize_any(visitor).map_err(E::custom),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        match self.0.get() {
            "null" => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        let named = NamedVisitor(visitor);
        self.0.deserialize_map(named).map_err(E::custom)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, E> {
        self.deserialize_map(visitor)
    }

    /// The text is known to be JSON, and its own objects may have keys that are not Unicode.
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        visitor.visit_unit()
    }

    /// Raw values request this to get their text.
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, E> {
        let raw = self.0.deserialize_newtype_struct(name, visitor);
        raw.map_err(E::custom)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf unit unit_struct
        seq tuple tuple_struct enum identifier
    }
}

/// Passes only the members with a Unicode name to a map visitor.
struct NamedVisitor<V>(V);

impl<'de, V: Visitor<'de>> Visitor<'de> for NamedVisitor<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        self.0.visit_map(NamedMembers(map))
    }
}

/// The members of `A` with a Unicode name.
struct NamedMembers<A>(A);

impl<'de, A: MapAccess<'de>> MapAccess<'de> for NamedMembers<A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        while let Some(key) = self.0.next_key::<&RawValue>()? {
            let name = match unescaped(key.get()) {
                Some(Cow::Borrowed(name)) => seed.deserialize(BorrowedStrDeserializer::new(name)),
                Some(Cow::Owned(name)) => seed.deserialize(StringDeserializer::new(name)),
                None => {
                    self.0.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            return name.map(Some);
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        let value = self.0.next_value()?;
        seed.deserialize(Parts(value, PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_member_without_a_name_is_as_good_as_absent() {
        let text = r#"{"\ud800":["\udc00",{}],"a":"1","c":2,"\udc00\ud800":{"a":3}}"#;
        let members: BTreeMap<&str, &str> = from_named(text).unwrap();
        assert_eq!(members, BTreeMap::from([("a", "1"), ("c", "2")]));
    }

    #[test]
    fn only_one_object_is_taken() {
        for odd in [
            "[]",
            "7",
            "null",
            "{}{}",
            "{",
            r#"{"a":1,}"#,
            r#"{"a" 1}"#,
            r#"{a:1}"#,
        ] {
            assert!(from_named::<IgnoredAny>(odd).is_err(), "{odd}");
            assert!(from_object::<IgnoredAny>(odd).is_err(), "{odd}");
        }
    }
}
