//! Event types for tools, which know them by name only.

use serde::Serialize;

use super::event_type::EventType;
use super::info::EventInfo;
use super::unread::unread;
use crate::error::DecodeError;
use crate::json::RawJson;

/// An event type without its Rust type: its facts, its sample, and a decoder of its bodies. Tools that
/// show, check or replay any event keep a list of these.
///
/// ```
/// use lark_events::RawJson;
/// use lark_events::callback::UrlPreviewGet;
/// use lark_events::event::KnownEvent;
///
/// let events = [KnownEvent::of::<UrlPreviewGet>()];
/// assert_eq!(events[0].info.event_type, "url.preview.get");
///
/// let raw = RawJson::parse(r#"{"host": "im_message", "later": [1]}"#)?;
/// let typed = events[0].decode(&raw)?;
/// assert_eq!(typed.json.as_str(), r#"{"host":"im_message"}"#);
/// assert_eq!(typed.unread, ["/later"]);
/// # Ok::<(), lark_events::error::DecodeError>(())
/// ```
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct KnownEvent {
    /// The documented facts of the event.
    pub info: &'static EventInfo,
    /// Its documented [sample](EventType::SAMPLE).
    pub sample: Option<&'static str>,
    retype: fn(&RawJson) -> Result<RawJson, DecodeError>,
}

/// A body decoded into its type; see [`KnownEvent::decode`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TypedBody {
    /// The typed body, serialised as JSON again.
    pub json: RawJson,
    /// The parts that did not fit the type, as [`Event::unread`](crate::Event::unread) lists them.
    pub unread: Vec<String>,
}

impl KnownEvent {
    /// The event of a Rust type.
    #[must_use]
    pub const fn of<E: EventType + Serialize>() -> Self {
        Self {
            info: const { &E::INFO },
            sample: E::SAMPLE,
            retype: retype::<E>,
        }
    }

    /// Decodes a body into the event's type, like for a handler, and serialises it as JSON again.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when the body does not fit the type, or cannot be serialised.
    pub fn decode(&self, raw: &RawJson) -> Result<TypedBody, DecodeError> {
        let json = (self.retype)(raw)?;
        let unread = unread(raw, &json, self.info.schema);
        Ok(TypedBody { json, unread })
    }
}

fn retype<E: EventType + Serialize>(raw: &RawJson) -> Result<RawJson, DecodeError> {
    let body: E = raw.decode_leniently()?;
    RawJson::encode(&body).map_err(|_| DecodeError::unwritable())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::callback::UrlPreviewGet;
    use crate::event::Schema;

    #[test]
    fn a_body_with_a_type_is_decoded_leniently_and_never_from_a_list() {
        let known = KnownEvent::of::<UrlPreviewGet>();
        let raw = RawJson::parse(r#"{"host": 7, "context": {"url": "\ud800"}}"#).unwrap();
        let typed = known.decode(&raw).unwrap();
        assert_eq!(typed.json.as_str(), r#"{"host":"7","context":{}}"#);
        assert_eq!(typed.unread, ["/context/url"]);
        assert!(known.decode(&RawJson::parse("[]").unwrap()).is_err());
    }

    #[test]
    fn what_the_header_of_version_1_has_is_not_lost() {
        #[derive(serde::Serialize, serde::Deserialize)]
        struct Old {}
        impl EventType for Old {
            const EVENT_TYPE: &'static str = "x";
            const INFO: EventInfo = EventInfo::new(Self::EVENT_TYPE).schema(Schema::V1);
            type Reply = ();
        }
        let raw = RawJson::parse(r#"{"type": "x", "app_id": "a", "tenant_key": "t", "b": 1}"#);
        let raw = raw.unwrap();
        let unread = |known: KnownEvent| known.decode(&raw).unwrap().unread;
        assert_eq!(unread(KnownEvent::of::<UrlPreviewGet>()).len(), 4);
        assert_eq!(unread(KnownEvent::of::<Old>()), ["/b"]);
    }

    #[test]
    fn a_type_that_cannot_be_written_is_an_error_that_says_so() {
        #[derive(serde::Deserialize)]
        struct Odd {}
        impl serde::Serialize for Odd {
            fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
                Err(serde::ser::Error::custom("odd"))
            }
        }
        impl EventType for Odd {
            const EVENT_TYPE: &'static str = "odd_v1";
            type Reply = ();
        }
        let error = KnownEvent::of::<Odd>()
            .decode(&RawJson::default())
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "the typed body cannot be written as JSON"
        );
    }
}
