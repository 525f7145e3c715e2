//! The argument of a handler: a typed body with its header.

use http::Extensions;
use serde::de::DeserializeOwned;
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use super::delivery::Delivery;
use super::event_type::EventType;
use super::header::{EventHeader, Schema};
use super::unread::unread;
use crate::error::DecodeError;
use crate::json::RawJson;

/// An event, as a handler receives it.
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
/// Serialise it as JSON: the result has the form of a version 2 envelope, even if the event arrived in
/// version 1. The body is the typed one; [`raw`](Self::raw) keeps the received text:
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
    /// The event's header: its id, type, app, tenant and time.
    pub header: EventHeader,
    /// The event's body.
    pub body: E,
    /// Values that layers handed over in [`Delivery::extensions`](crate::Delivery::extensions). They are
    /// not serialised.
    pub extensions: Extensions,
    raw: RawJson,
}

impl<E> Event<E> {
    /// Creates an event whose raw text is the serialised body, without extensions.
    ///
    /// # Panics
    ///
    /// When the body's `Serialize` fails, as it does for a map whose keys are not strings.
    pub fn new(header: EventHeader, body: E) -> Self
    where
        E: Serialize,
    {
        let raw = RawJson::encode(&body).expect("the body serialises as JSON");
        Self {
            header,
            body,
            extensions: Extensions::new(),
            raw,
        }
    }

    /// The body as received, a slice of the received bytes.
    #[must_use]
    pub fn raw(&self) -> &RawJson {
        &self.raw
    }

    /// The parts of the received body that are missing in [`body`](Self::body): fields that the type
    /// does not know, and values that did not fit. Each is a JSON pointer (RFC 6901) into
    /// [`raw`](Self::raw), in the order of the text.
    ///
    /// The comparison runs on each call: it serialises the body as JSON and compares the two texts. If
    /// the body's `Serialize` fails, the whole body counts as unread.
    ///
    /// - A number and its text are equal, and so are a boolean and 0 or 1. Numbers must match in every
    ///   digit.
    /// - A null is never listed.
    /// - An object or list that did not fit is listed as one pointer, without its contents.
    /// - Lists are compared in order, without the elements that were left out.
    ///
    /// The time grows with the length of the text times its nesting depth. The pointers take at most
    /// one mebibyte together; beyond that, an object or list is listed instead of its contents.
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
    /// Decodes the body directly into its type.
    pub(crate) fn decode(delivery: Delivery) -> Result<Self, DecodeError> {
        let Delivery {
            header,
            raw,
            extensions,
            ..
        } = delivery;
        let body = raw.decode_leniently()?;
        Ok(Self {
            header,
            body,
            extensions,
            raw,
        })
    }
}

impl Event<RawJson> {
    pub(crate) fn undecoded(delivery: Delivery) -> Self {
        Self {
            header: delivery.header,
            body: delivery.raw.clone(),
            extensions: delivery.extensions,
            raw: delivery.raw,
        }
    }

    /// Decodes the received body into a type, like the dispatcher does for a typed handler.
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
    /// [`DecodeError`] when the body does not fit the type.
    pub fn typed<E: EventType>(self) -> Result<Event<E>, DecodeError> {
        Ok(Event {
            body: self.raw.decode_leniently()?,
            header: self.header,
            extensions: self.extensions,
            raw: self.raw,
        })
    }
}
