//! One authenticated, decrypted, untyped event or callback, which every transport passes to the layers
//! and the dispatcher.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use bytestring::ByteString;
use http::Extensions;

use super::envelope::{Document, Header, InnerHeader, Kind, Text};
use super::header::{EventHeader, Schema};
use crate::error::DecodeError;
use crate::generated::tables::V1_EVENTS;
use crate::json::RawJson;

/// An event between its transport and its handler.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Delivery {
    /// The parsed header.
    pub header: EventHeader,
    /// The body as received, a slice of the received bytes.
    pub raw: RawJson,
    /// Whether it is an event or a callback. Set from the type and the envelope on construction;
    /// layers, transports and the dispatcher read it here.
    pub kind: DeliveryKind,
    /// The transport that received it.
    pub transport: Transport,
    /// The time of arrival, by the transport's clock.
    pub received_at: SystemTime,
    /// How long after `received_at` the webhook would still accept the same request, at most: the whole
    /// [window](crate::webhook::WebhookBuilder::freshness) of its signature. De-duplication must
    /// remember the event for longer than this.
    ///
    /// `None` if there was no request, or if no signature limits its age, so that the same request is accepted
    /// forever: [`without_freshness`](crate::webhook::WebhookBuilder::without_freshness), or a webhook without an
    /// Encrypt Key.
    pub replayable_for: Option<Duration>,
    /// Values that layers hand to the handler, which receives them as [`Event::extensions`]. Empty,
    /// without an allocation, until a layer inserts one; they are not part of a
    /// [document](Self::to_document).
    ///
    /// ```
    /// use std::time::Instant;
    ///
    /// use lark_events::{Delivery, Dispatcher};
    /// use tower::ServiceBuilder;
    ///
    /// #[derive(Clone)]
    /// struct Started(Instant);
    ///
    /// let dispatcher = Dispatcher::builder()
    ///     .on_raw("vc.room.created_v1", |event| async move {
    ///         if let Some(Started(at)) = event.extensions.get() {
    ///             println!("{:?} after the layer", at.elapsed());
    ///         }
    ///     })
    ///     .build()?;
    /// let service = ServiceBuilder::new()
    ///     .map_request(|mut delivery: Delivery| {
    ///         delivery.extensions.insert(Started(Instant::now()));
    ///         delivery
    ///     })
    ///     .service(dispatcher);
    /// # Ok::<(), lark_events::error::BuildError>(())
    /// ```
    ///
    /// [`Event::extensions`]: crate::Event::extensions
    pub extensions: Extensions,
}

impl Delivery {
    /// Creates a delivery with [`Transport::Local`] and the current time, for tests of handlers and
    /// layers.
    pub fn new(header: EventHeader, raw: RawJson) -> Self {
        Self {
            kind: DeliveryKind::of(&header.event_type, header.schema),
            header,
            raw,
            transport: Transport::Local,
            received_at: SystemTime::now(),
            replayable_for: None,
            extensions: Extensions::new(),
        }
    }

    /// Parses a whole plain document, envelope and body. For tools, and for transports that do not
    /// authenticate with a signature or token, such as the long connection. **This checks neither a
    /// signature nor a token.**
    ///
    /// ```
    /// use std::time::SystemTime;
    /// use lark_events::{Delivery, Transport};
    ///
    /// let delivery = Delivery::parse_unauthenticated(
    ///     r#"{"schema":"2.0","header":{"event_type":"vc.room.created_v1"},"event":{"room_id":"r"}}"#,
    ///     Transport::LongConnection,
    ///     SystemTime::now(),
    /// )?;
    /// assert_eq!(delivery.header.event_type, "vc.room.created_v1");
    /// assert_eq!(delivery.raw.as_str(), r#"{"room_id":"r"}"#);
    /// # Ok::<(), lark_events::DecodeError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when the text is not one event in an envelope of version 1 or 2.
    pub fn parse_unauthenticated(
        document: impl Into<Bytes>,
        transport: Transport,
        received_at: SystemTime,
    ) -> Result<Self, DecodeError> {
        let text = ByteString::try_from(document.into()).map_err(|_| DecodeError::not_utf8())?;
        let document = Document::parse(&text).map_err(|error| DecodeError::new(&error))?;
        Self::from_document(&text, document, transport, received_at)
    }

    /// Creates a delivery from the parts that `document` found in `text`.
    pub(crate) fn from_document(
        text: &ByteString,
        document: Document<'_>,
        transport: Transport,
        received_at: SystemTime,
    ) -> Result<Self, DecodeError> {
        let event = document.event;
        let parsed = |event: &str| RawJson::parsed(text.slice_ref(event));
        let raw = event.map(parsed).unwrap_or_default();
        let header = match document.kind() {
            Kind::Event(Schema::V2) => outer_header(text, document.header.unwrap_or_default()),
            Kind::Event(Schema::V1) => {
                let event = InnerHeader::parse(event.unwrap_or("{}"));
                let event = event.map_err(|error| DecodeError::new(&error))?;
                // Only documents of `to_document` have this header. It is as authentic as the rest of
                // the document, and names an app or tenant only where the event names none. An event
                // without an app belongs to the app that received it, so this can only make it
                // foreign.
                let header = document.header.unwrap_or_default();
                let or = |inner: Text<'_>, outer: Option<Text<'_>>| {
                    inner.into_string().or_else(|| outer?.into_string())
                };
                EventHeader {
                    schema: Schema::V1,
                    event_id: document.uuid.into_string(),
                    event_type: event.event_type.into_string().unwrap_or_default(),
                    create_time: document.ts.into_string(),
                    app_id: or(event.app_id, header.app_id),
                    tenant_key: or(event.tenant_key, header.tenant_key),
                    extras: Vec::new(),
                }
            }
            Kind::UrlCheck | Kind::Unknown => return Err(DecodeError::no_envelope()),
        };
        if header.event_type.is_empty() {
            return Err(DecodeError::no_event_type());
        }
        Ok(Self {
            kind: DeliveryKind::of(&header.event_type, header.schema),
            header,
            raw,
            transport,
            received_at,
            replayable_for: None,
            extensions: Extensions::new(),
        })
    }

    /// Whether this is a callback: see [`DeliveryKind::Callback`].
    #[must_use]
    pub fn is_callback(&self) -> bool {
        self.kind == DeliveryKind::Callback
    }
}

/// The old card callback, whose name looks like an event's.
pub(crate) const OLD_CARD_CALLBACK: &str = "card.action.trigger_v1";

/// How the platform uses the answer to a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DeliveryKind {
    /// A notification, which the app acknowledges or the platform redelivers.
    Notification,
    /// A request whose reply the platform shows to a user. It is never redelivered.
    Callback,
}

impl DeliveryKind {
    /// The kind of an event type. Everything in a version 1 envelope is an event. In a version 2
    /// envelope, events are the version 1 event types of the catalogue and the types whose name ends in
    /// `_v` and a number, except the old card callback `card.action.trigger_v1`.
    pub(crate) fn of(event_type: &str, schema: Schema) -> Self {
        let name = event_type.trim_end_matches(|last: char| last.is_ascii_digit());
        let versioned = name.len() < event_type.len() && name.ends_with("_v");
        let is_event =
            schema == Schema::V1 || versioned || V1_EVENTS.binary_search(&event_type).is_ok();
        if is_event && event_type != OLD_CARD_CALLBACK {
            Self::Notification
        } else {
            Self::Callback
        }
    }
}

fn outer_header(document: &ByteString, header: Header<'_>) -> EventHeader {
    let owned = |text: Option<Text<'_>>| text.and_then(Text::into_string);
    let extra = |(name, value): (Cow<'_, str>, &str)| {
        let value = RawJson::parsed(document.slice_ref(value));
        (name.into_owned(), value)
    };
    EventHeader {
        schema: Schema::V2,
        event_id: owned(header.event_id),
        event_type: owned(header.event_type).unwrap_or_default(),
        create_time: owned(header.create_time),
        app_id: owned(header.app_id),
        tenant_key: owned(header.tenant_key),
        extras: header.extras.into_iter().map(extra).collect(),
    }
}

/// How a delivery arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Transport {
    /// An HTTP request of the platform.
    Webhook,
    /// The WebSocket that the app opened.
    LongConnection,
    /// Created in this process.
    Local,
}

impl Transport {
    /// The name used in spans and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::LongConnection => "long_connection",
            Self::Local => "local",
        }
    }

    /// The transport of this name; `None` if there is none.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let mut known = [Self::Webhook, Self::LongConnection, Self::Local].into_iter();
        known.find(|known| known.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::MAX_ENVELOPE_TEXT_BYTES;

    fn parse(text: &str) -> Result<Delivery, DecodeError> {
        Delivery::parse_unauthenticated(text.to_owned(), Transport::Webhook, SystemTime::UNIX_EPOCH)
    }

    #[test]
    fn version_1_keeps_type_app_and_tenant_inside_the_event() {
        let delivery = parse(
            r#"{"ts":"1502199207.7171419","uuid":"u-1","token":"t","type":"event_callback",
                "event":{"tenant_key":"k","x":[{}],"type":"message","app_id":"a"}}"#,
        )
        .unwrap();
        assert_eq!(delivery.header.schema, Schema::V1);
        assert_eq!(delivery.header.event_id.as_deref(), Some("u-1"));
        assert_eq!(delivery.header.event_type, "message");
        let create_time = delivery.header.create_time.as_deref();
        assert_eq!(create_time, Some("1502199207.7171419"));
        assert_eq!(delivery.header.app_id.as_deref(), Some("a"));
        assert_eq!(delivery.header.tenant_key.as_deref(), Some("k"));
        assert!(delivery.raw.as_str().starts_with(r#"{"tenant_key":"k""#));
        assert!(!delivery.is_callback());
    }

    #[test]
    fn an_odd_field_of_the_envelope_costs_that_field_at_most() {
        let delivery = parse(
            r#"{"type":"event_callback","header":{},"uuid":[],"ts":1e400,
                "event":{"type":"message","app_id":7,"tenant_key":false}}"#,
        )
        .unwrap();
        assert_eq!(delivery.header.event_type, "message");
        assert_eq!(delivery.header.event_id, None);
        assert_eq!(delivery.header.create_time.as_deref(), Some("1e400"));
        assert_eq!(delivery.header.created_at(), None);
        assert_eq!(delivery.header.app_id.as_deref(), Some("7"));
        assert_eq!(delivery.header.tenant_key, None);
    }

    #[test]
    fn an_odd_key_costs_its_own_member() {
        for document in [
            r#"{"type":"event_callback","event":{"type":"x_v1","text":"x","\ud800":1}}"#,
            r#"{"type":"event_callback","\ud800":[],"event":{"\ud800":{},"type":"x_v1"}}"#,
            r#"{"schema":"2.0","header":{"event_type":"x_v1","\ud800":1},"event":{}}"#,
            r#"{"schema":"2.0","header":{"event_type":"x_v1"},"event":{},"\ud800":1}"#,
            r#"{"header":{"event_id":{"\ud800":1},"event_type":"x_v1"},"uuid":{"a":{"\ud800":1}}}"#,
            r#"{"header":{"event_type":"x_v1"},"\ud800":1,"new":{"\ud800":1}}"#,
        ] {
            let delivery = parse(document).unwrap();
            assert_eq!(delivery.header.event_type, "x_v1", "{document}");
            assert_eq!(delivery.header.extras().count(), 0);
        }
        for twice in [
            r#"{"type":"event_callback","event":{"type":"a","\ud800":1,"\u0074ype":"b"}}"#,
            r#"{"header":{"event_type":"a_v1","\ud800":1,"event_type":"b_v1"}}"#,
            r#"{"header":{"event_type":"a_v1"},"\ud800":1,"header":{}}"#,
        ] {
            assert!(parse(twice).is_err(), "{twice}");
        }
    }

    #[test]
    fn version_1_may_lack_a_tenant() {
        let delivery = parse(
            r#"{"type":"event_callback","event":{"type":"app_ticket","app_id":"a","app_ticket":"x"}}"#,
        )
        .unwrap();
        assert_eq!(delivery.header.event_type, "app_ticket");
        assert_eq!(delivery.header.tenant_key, None);
    }

    #[test]
    fn a_missing_body_is_an_empty_one() {
        for document in [
            r#"{"schema":"2.0","header":{"event_type":"x_v1"}}"#,
            r#"{"schema":"2.0","header":{"event_type":"x_v1"},"event":null}"#,
        ] {
            assert_eq!(parse(document).unwrap().raw.as_str(), "{}", "{document}");
        }
    }

    #[test]
    fn what_is_no_event_is_an_error_that_says_so() {
        let long_id = "x".repeat(MAX_ENVELOPE_TEXT_BYTES + 1);
        let long_id = format!(r#"{{"header":{{"event_type":"x_v1","event_id":"{long_id}"}}}}"#);
        for (document, why) in [
            (
                "{}",
                "the document has neither a version 1 nor a version 2 envelope",
            ),
            (r#"{"type":"url_verification"}"#, "envelope"),
            (r#"{"header":{}}"#, "envelope"),
            (r#"{"header":{"event_type":""}}"#, "no event type"),
            (r#"{"type":"event_callback"}"#, "no event type"),
            (
                r#"{"type":"event_callback","event":7}"#,
                "expected an object",
            ),
            (&long_id, "does not fit the type"),
            ("[]", "expected an object"),
            ("{}{}", "not JSON at line 1 column 3"),
        ] {
            let error = parse(document).unwrap_err().to_string();
            assert!(error.contains(why), "{document}: {error}");
        }
    }

    #[test]
    fn raw_text_and_extras_are_slices_of_the_received_bytes() {
        let bytes = Bytes::from_static(
            br#"{"header":{"event_type":"drive.file.edit_v1","resource_id":"r"},"event":{"a":1}}"#,
        );
        let range = bytes.as_ptr_range();
        let delivery =
            Delivery::parse_unauthenticated(bytes, Transport::Webhook, SystemTime::UNIX_EPOCH)
                .unwrap();
        assert!(range.contains(&delivery.raw.as_bytes().as_ptr()));
        let extra = delivery.header.extra("resource_id").unwrap();
        assert!(range.contains(&extra.as_bytes().as_ptr()));
    }

    #[test]
    fn callbacks_are_known_by_type_and_envelope() {
        let delivery = |event_type: &str| {
            let raw = RawJson::parse("{}").unwrap();
            Delivery::new(EventHeader::new(event_type), raw)
        };
        for callback in [
            "card.action.trigger",
            "url.preview.get",
            "card.action.trigger_v1",
            "x_v",
            "x_vz",
        ] {
            assert!(delivery(callback).is_callback(), "{callback}");
        }
        for event in ["im.message.receive_v1", "vc.room.created_v12"] {
            assert!(!delivery(event).is_callback(), "{event}");
        }
        for old in V1_EVENTS {
            // The platform may also send it in the new envelope.
            assert!(!delivery(old).is_callback(), "{old}");
        }
        let mut own = EventHeader::new("of_my_own");
        own.schema = Schema::V1;
        assert!(!Delivery::new(own, RawJson::default()).is_callback());
    }

    #[test]
    fn the_table_of_old_events_is_sorted_and_has_no_callback() {
        assert!(V1_EVENTS.is_sorted());
        assert!(V1_EVENTS.contains(&"approval_instance"));
        assert!(!V1_EVENTS.iter().any(|name| name.contains('.')));
    }

    #[test]
    fn transports_have_names() {
        assert_eq!(Transport::Webhook.as_str(), "webhook");
        assert_eq!(Transport::LongConnection.as_str(), "long_connection");
        assert_eq!(Transport::Local.as_str(), "local");
    }
}
