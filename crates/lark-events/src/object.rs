//! Decoding objects and nothing else: derived types would also take a list of their members.
//!
//! A key can be JSON and no Unicode: half of a surrogate pair. A body with one is decoded a second
//! time; of an envelope, such members are passed over at once.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::{BorrowedStrDeserializer, MapAccessDeserializer, StringDeserializer};
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::raw_json::unescaped;

/// Decodes an object, of which all keys that the type looks at must be Unicode.
pub(crate) fn from_object<'a, T: Deserialize<'a>>(text: &'a str) -> serde_json::Result<T> {
    let mut bytes = text.bytes();
    if bytes.find(|byte| !b" \t\r\n".contains(byte)) != Some(b'{') {
        return Err(serde_json::Error::custom("not an object"));
    }
    serde_json::from_str(text)
}

/// Decodes an object without the members whose key is no Unicode. Looking at each key twice is left
/// to texts that cannot be decoded otherwise.
pub(crate) fn from_named<'a, T: Deserialize<'a>>(text: &'a str) -> serde_json::Result<T> {
    from_object(text).or_else(|_| {
        let Named(value) = serde_json::from_str(text)?;
        Ok(value)
    })
}

/// A value made of the named members of an object.
struct Named<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Named<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NamedVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for NamedVisitor<T> {
            type Value = Named<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Named<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(NamedMembers(map))).map(Named)
            }
        }

        deserializer.deserialize_map(NamedVisitor(PhantomData))
    }
}

/// The members of `A` that have a name.
pub(crate) struct NamedMembers<A>(pub(crate) A);

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
        self.0.next_value_seed(seed)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_member_without_a_name_is_as_good_as_absent() {
        let text = r#"{"\ud800":["\udc00",{}],"a":1,"\u0062":2,"\udc00\ud800":{"a":3}}"#;
        let members: BTreeMap<String, u8> = from_named(text).unwrap();
        assert_eq!(
            members,
            BTreeMap::from([("a".to_owned(), 1), ("b".to_owned(), 2)])
        );
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
