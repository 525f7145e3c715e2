//! A delivery as a CloudEvent, so that programs in other languages can read events that this one received.
//!
//! Only the mapping and the two content modes are here. Sending is left to the caller.

use std::borrow::Cow;

use bytes::Bytes;
use bytestring::ByteString;
use serde::Serialize;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use super::delivery::Delivery;
use super::percent::{as_header_value, as_uri_part};
use crate::json::RawJson;
use crate::time::rfc_3339;

/// The type of an event that has none, as a CloudEvent must have one.
const NO_TYPE: &str = "unknown";

/// An event as a [CloudEvent], version 1.0: attributes that any program can read, and the event itself as
/// data. [`Delivery::to_cloud_event`] creates it.
///
/// The specification has two content modes:
///
/// - Binary: the attributes are headers, and [`data`](Self::data) is the body.
///   [`http_headers`](Self::http_headers) and [`nats_headers`](Self::nats_headers) return the headers.
/// - Structured: [`to_json`](Self::to_json) writes one document with attributes and data.
///
/// [CloudEvent]: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CloudEvent {
    /// `id`: the [id](crate::EventHeader::event_id) of the event, which is the `uuid` in version 1. Never
    /// empty: see [`Delivery::to_cloud_event`].
    pub id: String,
    /// `source`: `feishu://<app>/<tenant>`, a URI.
    pub source: String,
    /// `type`: the event type, such as `im.message.receive_v1`.
    pub event_type: String,
    /// `time`: when the event happened, in RFC 3339 and UTC, such as `2020-12-23T12:19:49.123Z`. `None`
    /// for a time outside the years 1 to 9999.
    pub time: Option<String>,
    /// `data`: the [document](Delivery::to_document), JSON.
    pub data: RawJson,
}

impl CloudEvent {
    /// `specversion`: the version of the specification.
    pub const SPEC_VERSION: &'static str = "1.0";

    /// `datacontenttype`: the media type of [`data`](Self::data).
    pub const DATA_CONTENT_TYPE: &'static str = "application/json";

    /// The media type of the document that [`to_json`](Self::to_json) writes.
    pub const MEDIA_TYPE: &'static str = "application/cloudevents+json";

    /// All attributes by their names in the specification, without any encoding.
    pub fn attributes(&self) -> impl Iterator<Item = (&'static str, &str)> {
        Name::ALL
            .into_iter()
            .filter_map(|name| Some((name.as_str(), self.attribute(name)?)))
    }

    /// The headers of a message in binary mode over HTTP, such as `ce-id`. `datacontenttype` becomes
    /// `content-type`, as the [HTTP binding] says. Values are percent-encoded: spaces, `"`, `%`, and all
    /// characters except printable ASCII. The body is [`data`](Self::data).
    ///
    /// [HTTP binding]: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md
    pub fn http_headers(&self) -> impl Iterator<Item = (&'static str, Cow<'_, str>)> {
        self.headers(Name::in_http)
    }

    /// The headers of a message in binary mode over NATS. As [`http_headers`](Self::http_headers), but
    /// `datacontenttype` is `ce-datacontenttype`. The [NATS binding] has a binary mode in the draft of
    /// version 1.0.3, and none in version 1.0.2.
    ///
    /// [NATS binding]: https://github.com/cloudevents/spec/blob/main/cloudevents/bindings/nats-protocol-binding.md
    pub fn nats_headers(&self) -> impl Iterator<Item = (&'static str, Cow<'_, str>)> {
        self.headers(Name::in_nats)
    }

    /// A text as the value of a header in binary mode, for headers of your own beside those of an event.
    #[must_use]
    pub fn header_value(text: &str) -> Cow<'_, str> {
        as_header_value(text)
    }

    fn headers(
        &self,
        header: fn(Name) -> &'static str,
    ) -> impl Iterator<Item = (&'static str, Cow<'_, str>)> {
        Name::ALL
            .into_iter()
            .filter_map(move |name| Some((header(name), as_header_value(self.attribute(name)?))))
    }

    /// Writes attributes and data as one document in structured mode: the [JSON format] of CloudEvents. Its
    /// media type is [`MEDIA_TYPE`](Self::MEDIA_TYPE). Every byte of the data is kept.
    ///
    /// [JSON format]: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
    #[must_use]
    pub fn to_json(&self) -> Bytes {
        #[derive(Serialize)]
        struct Structured<'a> {
            specversion: &'static str,
            id: &'a str,
            source: &'a str,
            #[serde(rename = "type")]
            event_type: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            time: Option<&'a str>,
            datacontenttype: &'static str,
            data: &'a RawValue,
        }

        let data = self.data.as_str();
        let structured = Structured {
            specversion: Self::SPEC_VERSION,
            id: &self.id,
            source: &self.source,
            event_type: &self.event_type,
            time: self.time.as_deref(),
            datacontenttype: Self::DATA_CONTENT_TYPE,
            data: serde_json::from_str(data).expect("a RawJson is one JSON value"),
        };
        serde_json::to_vec(&structured)
            .expect("texts and valid JSON serialise into memory")
            .into()
    }

    fn attribute(&self, name: Name) -> Option<&str> {
        match name {
            Name::SpecVersion => Some(Self::SPEC_VERSION),
            Name::Id => Some(&self.id),
            Name::Source => Some(&self.source),
            Name::Type => Some(&self.event_type),
            Name::Time => self.time.as_deref(),
            Name::DataContentType => Some(Self::DATA_CONTENT_TYPE),
        }
    }
}

/// An attribute of the specification that our events have.
#[derive(Clone, Copy)]
enum Name {
    SpecVersion,
    Id,
    Source,
    Type,
    Time,
    DataContentType,
}

impl Name {
    const ALL: [Self; 6] = [
        Self::SpecVersion,
        Self::Id,
        Self::Source,
        Self::Type,
        Self::Time,
        Self::DataContentType,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::SpecVersion => "specversion",
            Self::Id => "id",
            Self::Source => "source",
            Self::Type => "type",
            Self::Time => "time",
            Self::DataContentType => "datacontenttype",
        }
    }

    fn in_nats(self) -> &'static str {
        match self {
            Self::SpecVersion => "ce-specversion",
            Self::Id => "ce-id",
            Self::Source => "ce-source",
            Self::Type => "ce-type",
            Self::Time => "ce-time",
            Self::DataContentType => "ce-datacontenttype",
        }
    }

    fn in_http(self) -> &'static str {
        match self {
            Self::DataContentType => "content-type",
            other => other.in_nats(),
        }
    }
}

impl Delivery {
    /// The delivery as a [`CloudEvent`], for programs in other languages.
    ///
    /// The data is the whole document that [`to_document`](Self::to_document) writes, not only the body of
    /// the event: a reader finds the header fields under the platform's names, and
    /// [`parse_unauthenticated`](Self::parse_unauthenticated) reads the data as a delivery again. As with
    /// the document, the Verification Token is left out, and a reader cannot authenticate the event.
    ///
    /// ```
    /// use std::time::SystemTime;
    /// use lark_events::{Delivery, Transport};
    ///
    /// let document = r#"{"schema":"2.0","header":{"event_id":"5e3702a84e847582be8db7fb73283c02","event_type":"vc.room.created_v1","create_time":"1608725989123","app_id":"cli_9f5343c580712544","tenant_key":"2ca1d211f64f6438"},"event":{"room_id":"r"}}"#;
    /// let delivery =
    ///     Delivery::parse_unauthenticated(document, Transport::Webhook, SystemTime::now())?;
    /// let event = delivery.to_cloud_event();
    ///
    /// let headers: Vec<_> = event.http_headers().collect();
    /// assert_eq!(
    ///     headers.iter().map(|(name, value)| (*name, &**value)).collect::<Vec<_>>(),
    ///     [
    ///         ("ce-specversion", "1.0"),
    ///         ("ce-id", "5e3702a84e847582be8db7fb73283c02"),
    ///         ("ce-source", "feishu://cli_9f5343c580712544/2ca1d211f64f6438"),
    ///         ("ce-type", "vc.room.created_v1"),
    ///         ("ce-time", "2020-12-23T12:19:49.123Z"),
    ///         ("content-type", "application/json"),
    ///     ]
    /// );
    /// assert_eq!(event.data.as_str(), document);
    /// assert!(event.to_json().starts_with(br#"{"specversion":"1.0","id":"5e37"#));
    /// # Ok::<(), lark_events::DecodeError>(())
    /// ```
    ///
    /// # Attributes
    ///
    /// The specification requires `id`, `source` and `type`, and forbids control characters and
    /// noncharacters of Unicode in them. Every delivery has valid attributes:
    ///
    /// - `id` is the event id. If there is none, or if it contains a forbidden character, it is `sha256:`
    ///   and the SHA-256 of the data in hexadecimal digits. A redelivery has the same data, and therefore
    ///   the same `id`. Two events without an id whose data is equal also have the same `id`.
    /// - `source` names app and tenant, percent-encoded except for letters, digits and `-._~`. A missing
    ///   name is left empty: `feishu:///2ca1d211f64f6438`, `feishu://cli_9f5343c580712544/` or
    ///   `feishu:///`. Events of Lark also have `feishu`, because an event does not say which of the two
    ///   platforms sent it.
    /// - `type` is the event type, with U+FFFD in place of a forbidden character. The type of a delivery
    ///   that was built by hand without one is `unknown`.
    /// - `time` is the time of the [header](crate::EventHeader::created_at), with all its digits, or
    ///   [`received_at`](Self::received_at) if the header has none.
    #[must_use]
    pub fn to_cloud_event(&self) -> CloudEvent {
        let header = &self.header;
        let document = ByteString::try_from(self.to_document()).expect("JSON is UTF-8");
        let id = header.event_id.as_deref().filter(|id| is_valid(id));
        let part =
            |part: &Option<String>| as_uri_part(part.as_deref().unwrap_or_default()).into_owned();
        CloudEvent {
            id: id.map_or_else(|| digest(&document), str::to_owned),
            source: format!(
                "feishu://{}/{}",
                part(&header.app_id),
                part(&header.tenant_key)
            ),
            event_type: valid_type(&header.event_type),
            time: rfc_3339(header.created_at().unwrap_or(self.received_at)),
            data: RawJson::parsed(document),
        }
    }
}

/// The id of an event that has none.
fn digest(document: &str) -> String {
    let mut id = String::from("sha256:");
    for byte in Sha256::digest(document) {
        for digit in [byte >> 4, byte & 0xf] {
            id.extend(char::from_digit(digit.into(), 16));
        }
    }
    id
}

fn valid_type(event_type: &str) -> String {
    match event_type {
        "" => NO_TYPE.to_owned(),
        valid if is_valid(valid) => valid.to_owned(),
        other => other
            .chars()
            .map(|char| match is_allowed(char) {
                true => char,
                false => char::REPLACEMENT_CHARACTER,
            })
            .collect(),
    }
}

/// Whether an attribute may have this value.
fn is_valid(text: &str) -> bool {
    !text.is_empty() && text.chars().all(is_allowed)
}

/// Whether the specification allows this character in a String: neither a control character nor a
/// noncharacter. A `char` is never a surrogate.
fn is_allowed(char: char) -> bool {
    let code = u32::from(char);
    let is_noncharacter = matches!(code, 0xfdd0..=0xfdef) || code & 0xfffe == 0xfffe;
    !char.is_control() && !is_noncharacter
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::event::{EventHeader, Transport};

    /// A delivery that arrived a second and a nanosecond after the epoch.
    fn received(document: &'static str) -> Delivery {
        let at = SystemTime::UNIX_EPOCH + Duration::new(1, 1);
        Delivery::parse_unauthenticated(document, Transport::Webhook, at).unwrap()
    }

    fn built(header: EventHeader) -> CloudEvent {
        Delivery::new(header, RawJson::default()).to_cloud_event()
    }

    #[test]
    fn a_version_1_event_has_its_uuid_and_its_time() {
        let event = received(
            r#"{"uuid":"41b5f371157e3d5341b38b20396e77e3","ts":"1502199207.7171419","token":"v-token",
                "type":"event_callback","event":{"type":"message","app_id":"cli_a","tenant_key":"2d"}}"#,
        )
        .to_cloud_event();
        let attributes: Vec<_> = event.attributes().collect();
        assert_eq!(
            attributes,
            [
                ("specversion", "1.0"),
                ("id", "41b5f371157e3d5341b38b20396e77e3"),
                ("source", "feishu://cli_a/2d"),
                ("type", "message"),
                ("time", "2017-08-08T13:33:27.717141900Z"),
                ("datacontenttype", "application/json"),
            ]
        );
        let data = r#"{"uuid":"41b5f371157e3d5341b38b20396e77e3","ts":"1502199207.7171419","type":"event_callback","event":{"type":"message","app_id":"cli_a","tenant_key":"2d"}}"#;
        assert_eq!(event.data.as_str(), data);
    }

    #[test]
    fn an_event_without_an_id_has_the_digest_of_its_data() {
        let bare = r#"{"schema":"2.0","header":{"event_type":"x_v1"},"event":{"a":1}}"#;
        let event = received(bare).to_cloud_event();
        assert_eq!(event.data.as_str(), bare);
        // From sha256sum.
        let id = "sha256:989ed22bb1a749627c6ea91fa272febba7ff3bccaae1a805fbab9f2660e7ca4e";
        assert_eq!(event.id, id);
        assert_eq!(received(bare).to_cloud_event().id, event.id);
        assert_eq!(event.source, "feishu:///");
        assert_eq!(
            event.time.as_deref(),
            Some("1970-01-01T00:00:01.000000001Z")
        );

        let forbidden = received(
            r#"{"schema":"2.0","header":{"event_id":"a\nb","event_type":"x_v1"},"event":{"a":1}}"#,
        );
        let other = forbidden.to_cloud_event().id;
        assert!(other.starts_with("sha256:") && other != event.id, "{other}");
    }

    #[test]
    fn a_missing_app_or_tenant_is_left_empty() {
        let mut header = EventHeader::new("x_v1");
        header.tenant_key = Some("t/1 茶".to_owned());
        assert_eq!(built(header.clone()).source, "feishu:///t%2F1%20%E8%8C%B6");
        header.app_id = header.tenant_key.take();
        assert_eq!(built(header).source, "feishu://t%2F1%20%E8%8C%B6/");
    }

    #[test]
    fn a_type_has_only_allowed_characters() {
        for (given, expected) in [
            ("", "unknown"),
            ("x_v1 茶\u{fffd}", "x_v1 茶\u{fffd}"),
            (
                "\0x\u{9f}\u{fdd0}\u{1fffe}\u{10ffff}",
                "\u{fffd}x\u{fffd}\u{fffd}\u{fffd}\u{fffd}",
            ),
        ] {
            assert_eq!(built(EventHeader::new(given)).event_type, expected);
        }
    }

    #[test]
    fn a_time_that_cannot_be_written_is_left_out() {
        let mut delivery = received(r#"{"header":{"event_type":"x_v1"}}"#);
        delivery.received_at = SystemTime::UNIX_EPOCH + Duration::from_secs(253_402_300_800);
        let event = delivery.to_cloud_event();
        assert_eq!(event.time, None);
        assert!(event.attributes().all(|(name, _)| name != "time"));
        assert!(event.nats_headers().all(|(name, _)| name != "ce-time"));
        assert!(!event.to_json().windows(6).any(|part| part == b"\"time\""));
    }

    #[test]
    fn headers_differ_in_the_content_type() {
        let mut header = EventHeader::new("x_v1");
        header.event_id = Some("100% \"é\"".to_owned());
        let event = built(header);
        let with_id = |name| (name, "100%25%20%22%C3%A9%22".into());
        let http: Vec<_> = event.http_headers().collect();
        assert!(http.contains(&with_id("ce-id")), "{http:?}");
        assert_eq!(http[5], ("content-type", "application/json".into()));
        let nats: Vec<_> = event.nats_headers().collect();
        assert_eq!(nats[5], ("ce-datacontenttype", "application/json".into()));
        assert_eq!(nats[..5], http[..5]);
    }

    #[test]
    fn the_structured_document_holds_the_data_byte_for_byte() {
        let event = received(
            r#"{"schema":"2.0","header":{"event_id":"\"1\"","event_type":"x_v1","create_time":"1608725989000"},
                "event":{"a": 1.50, "a": "\ud800"}}"#,
        )
        .to_cloud_event();
        let expected = r#"{"specversion":"1.0","id":"\"1\"","source":"feishu:///","type":"x_v1","time":"2020-12-23T12:19:49Z","datacontenttype":"application/json","data":{"schema":"2.0","header":{"event_id":"\"1\"","event_type":"x_v1","create_time":"1608725989000"},"event":{"a": 1.50, "a": "\ud800"}}}"#;
        assert_eq!(event.to_json(), expected);
    }
}
