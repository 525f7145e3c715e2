//! The members of a JSON object in the order of their text, so that a document that a person edits or
//! copies keeps its order.

use std::fmt;

use lark_events::RawJson;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::{Serialize, Serializer};

/// The members of an object, each value with every digit. Duplicates are kept; the last one counts.
#[derive(Debug, Default)]
pub(crate) struct Members(Vec<(String, RawJson)>);

impl Members {
    /// Reads an object; `None` if the text is anything else.
    pub(crate) fn parse(json: &str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }

    /// The value of a member; the last one of duplicates, which decoders take.
    pub(crate) fn get(&self, name: &str) -> Option<&RawJson> {
        let mut members = self.0.iter();
        let (_, value) = members.rfind(|(known, _)| known == name)?;
        Some(value)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    pub(crate) fn remove(&mut self, names: &[&str]) {
        self.0.retain(|(name, _)| !names.contains(&name.as_str()));
    }

    /// Changes a member that is an object; does nothing if there is none.
    pub(crate) fn change(&mut self, name: &str, change: impl FnOnce(&mut Self)) {
        let member = self.0.iter_mut().rfind(|(known, _)| known == name);
        let Some((_, value)) = member else { return };
        let Some(mut members) = Self::parse(value.as_str()) else {
            return;
        };
        change(&mut members);
        *value = members.json();
    }

    /// Replaces the value of a member; `false` if there is none.
    pub(crate) fn replace(&mut self, name: &str, new: RawJson) -> bool {
        let member = self.0.iter_mut().rfind(|(known, _)| known == name);
        match member {
            Some((_, value)) => {
                *value = new;
                true
            }
            None => false,
        }
    }

    /// Sets the value of a member, which is the last one if it is new.
    pub(crate) fn set(&mut self, name: &str, new: RawJson) {
        if self.get(name).is_some() {
            self.replace(name, new);
        } else {
            self.0.push((name.to_owned(), new));
        }
    }

    /// The object again.
    pub(crate) fn json(&self) -> RawJson {
        RawJson::encode(self).expect("JSON values can be written")
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;

        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Members::default();
                while let Some(member) = map.next_entry()? {
                    members.0.push(member);
                }
                Ok(members)
            }
        }

        deserializer.deserialize_map(MembersVisitor)
    }
}

impl Serialize for Members {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let members = self.0.iter().map(|(name, value)| (name, value));
        serializer.collect_map(members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_and_every_digit_are_kept() {
        let json = r#"{"b":1e400,"a":{"d":[1.0],"c":"\u4f60"},"b":2}"#;
        let mut members = Members::parse(json).unwrap();
        assert_eq!(members.json().as_str(), json);
        members.change("a", |inner| inner.remove(&["d", "x"]));
        members.change("b", |_| unreachable!("it is a number"));
        members.change("x", |_| unreachable!("there is none"));
        assert!(members.replace("b", RawJson::parse("[]").unwrap()));
        assert!(!members.replace("x", RawJson::default()));
        assert_eq!(
            members.json().as_str(),
            r#"{"b":1e400,"a":{"c":"\u4f60"},"b":[]}"#
        );
        assert_eq!(members.get("b").unwrap().as_str(), "[]");
        assert_eq!(members.names().collect::<Vec<_>>(), ["b", "a", "b"]);
        assert!(Members::parse("[]").is_none());
    }
}
