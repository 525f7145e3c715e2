//! What a handler is given: a typed body with the header that came with it.

use serde::de::DeserializeOwned;
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use super::event_type::EventType;
use super::header::{EventHeader, Schema};
use super::unread::unread;
use crate::error::DecodeError;
use crate::json::RawJson;

/// An event as its handler receives it.
///
/// Build one in a test of your handler with [`Event::new`]:
///
/// ```
/// use lark_events::callback::CardActionTrigger;
/// use lark_events::{Event, EventHeader};
///
/// let event = Event::new(
///     EventHeader::new("card.action.trigger"),
///     CardActionTrigger::default(),
/// );
/// assert_eq!(event.raw().as_str(), "{}");
/// ```
///
/// Print it as JSON, in the shape of the version 2 envelope whatever it came in. The body is the typed
/// one; [`raw`](Self::raw) has it as it was received:
///
/// ```
/// # use lark_events::callback::CardActionTrigger;
/// # use lark_events::{Event, EventHeader};
/// # let event = Event::new(
/// #     EventHeader::new("card.action.trigger"),
/// #     CardActionTrigger::default(),
/// # );
/// assert_eq!(
///     serde_json::to_string(&event)?,
///     r#"{"schema":"2.0","header":{"event_type":"card.action.trigger"},"event":{}}"#
/// );
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Event<E> {
    /// Who sent what, and when.
    pub header: EventHeader,
    /// The event itself.
    pub body: E,
    raw: RawJson,
}

impl<E> Event<E> {
    /// Makes an event; its raw text is the body's own serialisation.
    ///
    /// # Panics
    ///
    /// When the body's `Serialize` fails, as it does for a map whose keys are not strings.
    pub fn new(header: EventHeader, body: E) -> Self
    where
        E: Serialize,
    {
        let raw = RawJson::encode(&body).expect("the body serialises as JSON");
        Self { header, body, raw }
    }

    /// The body as it was received: a slice of the received bytes, not a copy.
    #[must_use]
    pub fn raw(&self) -> &RawJson {
        &self.raw
    }

    /// What of the received body is not in [`body`](Self::body): fields that the type does not know,
    /// and values that it could not take. Each is a JSON pointer (RFC 6901) into
    /// [`raw`](Self::raw), in the order of the text.
    ///
    /// It is worked out when asked, by writing the body as JSON again and comparing; a body whose
    /// `Serialize` fails counts as unread altogether. A number and its text are the same, so are
    /// a boolean and 0 or 1, and a null is nothing lost. An object or list that was not taken is
    /// listed itself, without what it holds. Lists are compared in order, without the elements that
    /// were left out. A number is only the same with all its digits. The time it takes grows with
    /// the length of the text times the depth of its nesting; the paths take a mebibyte at most, as
    /// past that an object or list is listed in the stead of what it holds.
    ///
    /// ```
    /// use lark_events::callback::UrlPreviewGet;
    /// use lark_events::{Event, EventHeader, RawJson};
    ///
    /// let raw = RawJson::parse(
    ///     r#"{"host": 7, "context": {"url": ["odd"], "a/b": 1}, "operator": null, "host2": "x"}"#,
    /// )?;
    /// let event = Event::new(EventHeader::new("url.preview.get"), raw).typed::<UrlPreviewGet>()?;
    /// assert_eq!(event.body.host.as_deref(), Some("7"));
    /// assert_eq!(event.unread(), ["/context/url", "/context/a~1b", "/host2"]);
    /// # Ok::<(), lark_events::DecodeError>(())
    /// ```
    #[must_use]
    pub fn unread(&self) -> Vec<String>
    where
        E: Serialize,
    {
        match RawJson::encode(&self.body) {
            Ok(typed) => unread(&self.raw, &typed, self.header.schema),
            Err(_) => vec![String::new()],
        }
    }
}

impl<E: Serialize> Serialize for Event<E> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut event = serializer.serialize_struct("Event", 3)?;
        event.serialize_field("schema", &Schema::V2.to_string())?;
        event.serialize_field("header", &self.header)?;
        event.serialize_field("event", &self.body)?;
        event.end()
    }
}

impl<E: DeserializeOwned> Event<E> {
    /// Decodes the body straight into its type.
    pub(crate) fn decode(header: EventHeader, raw: RawJson) -> Result<Self, DecodeError> {
        let body = raw.decode_leniently()?;
        Ok(Self { header, body, raw })
    }
}

impl Event<RawJson> {
    pub(crate) fn undecoded(header: EventHeader, raw: RawJson) -> Self {
        let body = raw.clone();
        Self { header, body, raw }
    }

    /// Decodes the received body into a type, as the dispatcher does for a handler of that type.
    ///
    /// ```
    /// use lark_events::callback::UrlPreviewGet;
    /// use lark_events::{Dispatcher, EventType};
    ///
    /// let dispatcher = Dispatcher::builder()
    ///     .fallback(|event| async move {
    ///         if event.header.event_type == UrlPreviewGet::EVENT_TYPE {
    ///             println!("{:?}", event.typed::<UrlPreviewGet>()?.body.host);
    ///         }
    ///         Ok::<(), lark_events::DecodeError>(())
    ///     })
    ///     .build()?;
    /// # Ok::<(), lark_events::error::BuildError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when the type does not take the body.
    pub fn typed<E: EventType>(self) -> Result<Event<E>, DecodeError> {
        Event::decode(self.header, self.raw)
    }
}
