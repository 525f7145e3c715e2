//! The header of an event, the same for both envelope versions.

use std::fmt;
use std::time::SystemTime;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::json::RawJson;
use crate::time::parse_time;

/// The header of an event, the same for both envelope versions. A field is `None` if the platform did
/// not send it or sent it empty.
///
/// It serialises with the platform's names for the fields that it has, [extras](Self::extras) included.
/// An extra with the name of a common field, or of the token, is left out.
///
/// The header does not keep the Verification Token, which the platform sends beside these fields and
/// the webhook has checked already.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct EventHeader {
    /// The version of the envelope that the event came in.
    pub schema: Schema,
    /// Identifies the event. A redelivery has the same id (version 1: `uuid`).
    pub event_id: Option<String>,
    /// The event type, such as `vc.reserve_config.updated_v1`.
    pub event_type: String,
    /// When the event happened, as sent (version 1: `ts`). The unit differs between events;
    /// [`created_at`](Self::created_at) understands all of them.
    pub create_time: Option<String>,
    /// The id of the app that the event is for.
    pub app_id: Option<String>,
    /// The tenant in which the event happened.
    pub tenant_key: Option<String>,
    pub(crate) extras: Vec<(String, RawJson)>,
}

impl EventHeader {
    /// A version 2 header with only an event type, for tests of handlers. Set other fields as needed.
    pub fn new(event_type: impl Into<String>) -> Self {
        Self {
            schema: Schema::V2,
            event_id: None,
            event_type: event_type.into(),
            create_time: None,
            app_id: None,
            tenant_key: None,
            extras: Vec::new(),
        }
    }

    /// A header field beyond the common ones. The drive events have `resource_id` and `user_list`.
    ///
    /// ```
    /// use lark_events::{EventHeader, RawJson};
    ///
    /// let header = EventHeader::new("drive.file.edit_v1")
    ///     .with_extra("resource_id", RawJson::parse("\"doccn1\"")?);
    /// let id: Option<String> = header.extra("resource_id").map(RawJson::decode).transpose()?;
    /// assert_eq!(id.as_deref(), Some("doccn1"));
    /// # Ok::<(), lark_events::DecodeError>(())
    /// ```
    #[must_use]
    pub fn extra(&self, name: &str) -> Option<&RawJson> {
        let mut extras = self.extras.iter();
        extras.find_map(|(known, value)| (known == name).then_some(value))
    }

    /// All header fields beyond the common ones, in the order received.
    pub fn extras(&self) -> impl Iterator<Item = (&str, &RawJson)> {
        self.extras
            .iter()
            .map(|(name, value)| (name.as_str(), value))
    }

    /// Adds a header field beyond the common ones, for tests of handlers.
    #[must_use]
    pub fn with_extra(mut self, name: impl Into<String>, value: RawJson) -> Self {
        self.extras.push((name.into(), value));
        self
    }

    /// [`create_time`](Self::create_time) as a point in time. The magnitude decides between seconds
    /// (with a fraction in version 1), milliseconds and microseconds: each unit covers dates up to the
    /// year 5138.
    ///
    /// ```
    /// use std::time::{Duration, SystemTime};
    /// use lark_events::EventHeader;
    ///
    /// let mut header = EventHeader::new("vc.reserve_config.updated_v1");
    /// for same in ["1608725989", "1608725989.0", "1608725989000", "1608725989000000"] {
    ///     header.create_time = Some(same.to_owned());
    ///     let expected = SystemTime::UNIX_EPOCH + Duration::from_secs(1_608_725_989);
    ///     assert_eq!(header.created_at(), Some(expected));
    /// }
    /// ```
    #[must_use]
    pub fn created_at(&self) -> Option<SystemTime> {
        parse_time(self.create_time.as_deref()?)
    }
}

impl Serialize for EventHeader {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let known = [
            ("event_id", self.event_id.as_deref()),
            ("event_type", Some(self.event_type.as_str())),
            ("create_time", self.create_time.as_deref()),
            ("app_id", self.app_id.as_deref()),
            ("tenant_key", self.tenant_key.as_deref()),
        ];
        let mut map = serializer.serialize_map(None)?;
        for (name, text) in known {
            if let Some(text) = text {
                map.serialize_entry(name, text)?;
            }
        }
        let is_extra = |name| name != "token" && known.iter().all(|(known, _)| *known != name);
        for (name, value) in self.extras().filter(|(name, _)| is_extra(*name)) {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// The version of an envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Schema {
    /// `{"uuid", "ts", "token", "type": "event_callback", "event"}`.
    V1,
    /// `{"schema": "2.0", "header", "event"}`.
    V2,
}

impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V1 => "1.0",
            Self::V2 => "2.0",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_extra_is_found_by_its_whole_name() {
        let value = |json: &'static str| RawJson::parse(json).unwrap();
        let header = EventHeader::new("x")
            .with_extra("a", value("1"))
            .with_extra("ab", value("2"));
        assert_eq!(header.extra("ab"), Some(&value("2")));
        assert_eq!(header.extra("b"), None);
        let names: Vec<_> = header.extras().map(|(name, _)| name).collect();
        assert_eq!(names, ["a", "ab"]);
    }

    #[test]
    fn schemas_print_as_the_platform_writes_them() {
        assert_eq!(Schema::V1.to_string(), "1.0");
        assert_eq!(Schema::V2.to_string(), "2.0");
    }
}
