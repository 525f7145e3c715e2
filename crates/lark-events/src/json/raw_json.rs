//! JSON text kept as received, a slice of the request's bytes.

use std::fmt;
use std::str::FromStr;

use bytes::Bytes;
use bytestring::ByteString;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize, Serializer, ser};
use serde_json::value::RawValue;

use super::lenient::{Held, Lenient, bounded, repair};
use super::object::from_object;
use super::unread::unread;
use crate::error::{DecodeError, EncodeError};

/// The text of one JSON value, validated on construction. It shares the received bytes, so cloning
/// copies nothing.
///
/// `Display` writes the text. `Debug` shows only the length, so that no payload reaches a log by
/// accident.
///
/// ```
/// use lark_events::RawJson;
///
/// let raw = RawJson::parse(r#"{"scope_type":2}"#)?;
/// assert_eq!(raw.as_str(), r#"{"scope_type":2}"#);
/// assert_eq!(format!("{raw:?}"), "RawJson(16 bytes)");
/// # Ok::<(), lark_events::DecodeError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct RawJson(ByteString);

impl RawJson {
    /// Creates a `RawJson` from bytes that are one JSON value in UTF-8, optionally surrounded by white
    /// space.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when the bytes are not one JSON value.
    pub fn parse(json: impl Into<Bytes>) -> Result<Self, DecodeError> {
        let text = ByteString::try_from(json.into()).map_err(|_| DecodeError::not_utf8())?;
        serde_json::from_str::<IgnoredAny>(&text).map_err(|error| DecodeError::new(&error))?;
        Ok(Self(text))
    }

    /// Serialises `value` as JSON.
    ///
    /// # Errors
    ///
    /// [`EncodeError`] when its `Serialize` fails.
    pub fn encode(value: &impl Serialize) -> Result<Self, EncodeError> {
        match serde_json::to_string(value) {
            Ok(json) => Ok(Self(json.into())),
            Err(error) => Err(EncodeError::new(error)),
        }
    }

    /// Creates a `RawJson` from a text that a parser has already validated.
    pub(crate) fn parsed(json: ByteString) -> Self {
        Self(json)
    }

    /// The text as bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text as its shared buffer.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.0.into_bytes()
    }

    /// Decodes the text into a type.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when the JSON does not fit the type. The error names the place, never the value.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, DecodeError> {
        serde_json::from_str(&self.0)
            .map_err(|error| DecodeError::within::<T>(self.as_str(), &error))
    }

    /// Decodes the text like the body of an event. The text must be an object, not a list of its
    /// members. A value that no decoder accepts leaves only its own member empty, if the type allows
    /// that member to be missing. The same holds for a list, map or value of a lenient field beyond
    /// [`MAX_NODE_BYTES`](crate::lenient::MAX_NODE_BYTES).
    ///
    /// ```
    /// use lark_events::{RawJson, UserId};
    ///
    /// let raw = RawJson::parse(r#"{"open_id": "ou_1", "user_id": "\ud83d", "more": 1e400}"#)?;
    /// assert!(raw.decode::<UserId>().is_err());
    /// assert_eq!(raw.decode_leniently::<UserId>()?.open_id.as_deref(), Some("ou_1"));
    /// # Ok::<(), lark_events::DecodeError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when the rest does not fit the type either.
    pub fn decode_leniently<T: DeserializeOwned>(&self) -> Result<T, DecodeError> {
        let text = self.as_str();
        let repaired = |held| {
            let repaired = repair(text, held);
            bounded(|| from_object(&repaired))
        };
        bounded(|| from_object(text)).or_else(|error| {
            // Plain fields keep their numbers, unless a lenient field needs the text of its own number.
            let last = match repaired(Held::Finite).or_else(|_| repaired(Held::Exact)) {
                Ok(body) => return Ok(body),
                Err(last) => last,
            };
            Err(if error.is_data() {
                bounded(|| DecodeError::within::<T>(text, &error))
            } else {
                let repaired = repair(text, Held::Exact);
                bounded(|| DecodeError::within::<T>(&repaired, &last)).without_place()
            })
        })
    }

    /// The parts of this text that are missing in `typed`, a value decoded from it: JSON pointers (RFC
    /// 6901) in the order of the text. The comparison follows the rules of
    /// [`Event::unread`](crate::Event::unread). Use it for JSON inside bodies.
    ///
    /// ```
    /// use lark_events::{RawJson, UserId};
    ///
    /// let raw = RawJson::parse(r#"{"open_id": "ou_1", "user_id": [], "name": "Tom"}"#)?;
    /// let user: UserId = raw.decode_leniently()?;
    /// assert_eq!(raw.unread(&user), ["/user_id", "/name"]);
    /// # Ok::<(), lark_events::DecodeError>(())
    /// ```
    #[must_use]
    pub fn unread<T: Serialize>(&self, typed: &T) -> Vec<String> {
        match Self::encode(typed) {
            Ok(typed) => unread(self, &typed),
            Err(_) => vec![String::new()],
        }
    }
}

/// An empty object, which stands for a missing body.
impl Default for RawJson {
    fn default() -> Self {
        Self(ByteString::from_static("{}"))
    }
}

impl AsRef<str> for RawJson {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

/// [`parse`](RawJson::parse) with a copy of the text.
impl FromStr for RawJson {
    type Err = DecodeError;

    fn from_str(json: &str) -> Result<Self, DecodeError> {
        Self::parse(json.to_owned())
    }
}

impl fmt::Display for RawJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for RawJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawJson({} bytes)", self.0.len())
    }
}

impl Serialize for RawJson {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(self.as_str()).map_err(ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for RawJson {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Ok(Self(Box::<str>::from(raw).into()))
    }
}

/// Any value except null, as received; if the body needs a second pass, as repaired for it.
impl Lenient for RawJson {
    fn deserialize_lenient<'de, D: serde::Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Self>, D::Error> {
        let raw = Self::deserialize(deserializer)?;
        Ok((raw.as_bytes() != b"null").then_some(raw))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_json_value_in_utf8_is_taken() {
        for good in ["{}", " [1, 2]\n", "null", r#""\ud800""#] {
            assert_eq!(RawJson::parse(good).unwrap().as_str(), good);
        }
        for bad in [&b""[..], b"{", b"{} {}", b"\"\xff\"", b"nul", b"{}\0"] {
            assert!(RawJson::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn it_is_read_from_a_text_and_shown_as_one() {
        let raw: RawJson = r#"{"a": "secret"}"#.parse().unwrap();
        assert_eq!(raw.to_string(), r#"{"a": "secret"}"#);
        assert_eq!(AsRef::<str>::as_ref(&raw), raw.as_str());
        assert!(!format!("{raw:?}").contains("secret"));
        assert!("{".parse::<RawJson>().is_err());
    }

    #[test]
    fn it_serialises_as_the_json_that_it_holds() {
        let raw = RawJson::parse(r#"{"b": 1e400}"#).unwrap();
        let outer = serde_json::to_string(&[&raw]).unwrap();
        assert_eq!(outer, r#"[{"b": 1e400}]"#);
        let back: Vec<RawJson> = serde_json::from_str(&outer).unwrap();
        assert_eq!(back, [raw]);
    }
}
