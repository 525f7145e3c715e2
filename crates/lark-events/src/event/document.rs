//! A delivery as a document again, to store it.

use bytes::Bytes;
use serde::Serialize;

use super::delivery::Delivery;
use super::envelope::InnerHeader;
use super::header::{EventHeader, Schema};

/// Room for a typical envelope, so that most documents take one allocation.
const ENVELOPE_BYTES: usize = 512;

/// A version 2 envelope without its event.
#[derive(Serialize)]
struct Envelope2<'a> {
    schema: &'static str,
    header: &'a EventHeader,
}

/// A version 1 envelope without its event.
#[derive(Serialize)]
struct Envelope1<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    uuid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ts: Option<&'a str>,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    header: Option<Added<'a>>,
}

/// The fields of a version 1 header that the event itself lacks. The platform writes no such header.
#[derive(Serialize)]
struct Added<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    app_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant_key: Option<&'a str>,
}

impl Delivery {
    /// Writes the delivery as one plain document, to store it.
    /// [`parse_unauthenticated`](Self::parse_unauthenticated) reads it again: the header with its
    /// extras, the kind and every byte of the raw text are equal.
    ///
    /// [`transport`](Self::transport), [`received_at`](Self::received_at),
    /// [`replayable_for`](Self::replayable_for) and [`extensions`](Self::extensions) are not part of
    /// the document: store them beside it if you need them. Nor is the Verification Token. A reader cannot authenticate the document, so allow
    /// only trusted programs to write to the store.
    ///
    /// ```
    /// use std::time::SystemTime;
    /// use lark_events::{Delivery, Transport};
    ///
    /// let received = Delivery::parse_unauthenticated(
    ///     r#"{"schema":"2.0","header":{"event_type":"vc.room.created_v1","token":"secret"},
    ///         "event":{"room_id": "r"}}"#,
    ///     Transport::Webhook,
    ///     SystemTime::now(),
    /// )?;
    /// let document = received.to_document();
    /// assert_eq!(
    ///     document,
    ///     r#"{"schema":"2.0","header":{"event_type":"vc.room.created_v1"},"event":{"room_id": "r"}}"#
    /// );
    /// let read =
    ///     Delivery::parse_unauthenticated(document, received.transport, received.received_at)?;
    /// assert_eq!((read.header, read.raw), (received.header, received.raw));
    /// # Ok::<(), lark_events::DecodeError>(())
    /// ```
    ///
    /// # Deliveries built by hand
    ///
    /// A delivery that was [created](Self::new) or changed by hand may have no equal document:
    ///
    /// - In version 1, the event itself contains the type, app and tenant. Its values are read before
    ///   those of the header. A body that lacks `type` gets one as its first member; this is the only
    ///   change to a body.
    /// - An empty header field is read as `None`.
    /// - Left out are extras with the name of a common header field or `token`, and all extras of
    ///   version 1. A reader keeps 64 extras.
    /// - White space around the body is dropped, and a body `null` is read as `{}`.
    /// - The kind is set from the type again.
    ///
    /// A document is not read again if its event type is empty, if a text of its header is longer than
    /// [`MAX_ENVELOPE_TEXT_BYTES`](crate::limits::MAX_ENVELOPE_TEXT_BYTES), or if a version 1 body is
    /// not an object, or has a `type` that is not a text or given twice.
    #[must_use]
    pub fn to_document(&self) -> Bytes {
        let raw = self.raw.as_str();
        let mut document = Vec::with_capacity(raw.len().saturating_add(ENVELOPE_BYTES));
        match self.header.schema {
            Schema::V2 => self.write_version_2(&mut document),
            Schema::V1 => self.write_version_1(&mut document),
        }
        document.push(b'}');
        document.into()
    }

    fn write_version_2(&self, document: &mut Vec<u8>) {
        write_open(
            document,
            &Envelope2 {
                schema: "2.0",
                header: &self.header,
            },
        );
        document.extend_from_slice(self.raw.as_bytes());
    }

    fn write_version_1(&self, document: &mut Vec<u8>) {
        let header = &self.header;
        let raw = self.raw.as_str();
        let event = InnerHeader::parse(raw);
        let lacks_type = matches!(&event, Ok(event) if event.event_type.as_str().is_none());
        let event = event.unwrap_or_default();
        let unless = |inner: Option<String>, outer| inner.is_none().then_some(outer).flatten();
        let added = Added {
            app_id: unless(event.app_id.into_string(), header.app_id.as_deref()),
            tenant_key: unless(event.tenant_key.into_string(), header.tenant_key.as_deref()),
        };
        let is_needed = added.app_id.is_some() || added.tenant_key.is_some();
        write_open(
            document,
            &Envelope1 {
                uuid: header.event_id.as_deref(),
                ts: header.create_time.as_deref(),
                kind: "event_callback",
                header: is_needed.then_some(added),
            },
        );
        let members = raw.trim_ascii_start().strip_prefix('{');
        match members.filter(|_| lacks_type) {
            None => document.extend_from_slice(raw.as_bytes()),
            Some(members) => {
                document.extend_from_slice(br#"{"type":"#);
                write(document, &header.event_type);
                if !members.trim_ascii_start().starts_with('}') {
                    document.push(b',');
                }
                document.extend_from_slice(members.as_bytes());
            }
        }
    }
}

/// Writes the members of an envelope, and the name of the event that follows.
fn write_open(document: &mut Vec<u8>, envelope: &impl Serialize) {
    write(document, envelope);
    document.pop();
    document.extend_from_slice(br#","event":"#);
}

fn write(document: &mut Vec<u8>, value: &impl Serialize) {
    serde_json::to_writer(document, value).expect("texts and valid JSON serialise into memory");
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::error::DecodeError;
    use crate::event::Transport;
    use crate::json::RawJson;
    use crate::limits::MAX_ENVELOPE_TEXT_BYTES;

    fn read(document: impl Into<Bytes>) -> Result<Delivery, DecodeError> {
        Delivery::parse_unauthenticated(document, Transport::Local, SystemTime::UNIX_EPOCH)
    }

    fn built(schema: Schema, raw: &'static str) -> Delivery {
        let mut header = EventHeader::new("message");
        header.schema = schema;
        Delivery::new(header, RawJson::parse(raw).unwrap())
    }

    #[test]
    fn a_version_1_document_has_the_form_of_the_platform() {
        let event =
            r#"{"type": "message", "app_id":"a","tenant_key":"t","x":[1.50,"\ud800"],"x":0}"#;
        let received = format!(
            r#"{{"event":{event},"uuid":"u","type":"event_callback","token":"secret","ts":"1.7"}}"#
        );
        let delivery = read(received).unwrap();
        let document = delivery.to_document();
        let expected =
            format!(r#"{{"uuid":"u","ts":"1.7","type":"event_callback","event":{event}}}"#);
        assert_eq!(document, expected);
        assert_eq!(read(document).unwrap().header, delivery.header);
    }

    #[test]
    fn an_app_and_tenant_that_a_version_1_event_lacks_are_beside_it() {
        for event in [
            r#"{"type":"message"}"#,
            r#"{"type":"message","app_id":"","tenant_key":[]}"#,
        ] {
            let received = format!(r#"{{"type":"event_callback","event":{event}}}"#);
            let mut delivery = read(received).unwrap();
            delivery.header.app_id = Some("cli_a".to_owned());
            let document = delivery.to_document();
            let expected = format!(
                r#"{{"type":"event_callback","header":{{"app_id":"cli_a"}},"event":{event}}}"#
            );
            assert_eq!(document, expected);
            assert_eq!(read(document).unwrap().header, delivery.header);

            delivery.header.tenant_key = Some("t".to_owned());
            let read = read(delivery.to_document()).unwrap();
            assert_eq!(read.header, delivery.header);
            assert_eq!(read.raw.as_str(), event);
        }
    }

    #[test]
    fn a_version_1_event_decides_on_its_own_app() {
        let read = read(
            r#"{"type":"event_callback","header":{"app_id":"b","tenant_key":"t2","event_id":"e"},
                "event":{"type":"message","app_id":"a"}}"#,
        );
        let header = read.unwrap().header;
        assert_eq!(header.app_id.as_deref(), Some("a"));
        assert_eq!(header.tenant_key.as_deref(), Some("t2"));
        assert_eq!(header.event_id, None);

        let mut changed = built(Schema::V1, r#"{"type":"other","app_id":"a"}"#);
        changed.header.app_id = Some("b".to_owned());
        let read = super::tests::read(changed.to_document()).unwrap();
        assert_eq!(read.header.event_type, "other");
        assert_eq!(read.header.app_id.as_deref(), Some("a"));
    }

    #[test]
    fn a_version_1_body_without_a_type_gets_one() {
        for (raw, expected) in [
            ("{}", r#"{"type":"message"}"#),
            (" {\n} ", "{\"type\":\"message\"\n}"),
            (r#"{ "a":1}"#, r#"{"type":"message", "a":1}"#),
            (r#"{"\ud800":{}}"#, r#"{"type":"message","\ud800":{}}"#),
            (r#"{"t\u0079pe":"message"}"#, r#"{"t\u0079pe":"message"}"#),
        ] {
            let read = read(built(Schema::V1, raw).to_document()).unwrap();
            assert_eq!(read.header.event_type, "message", "{raw}");
            assert_eq!(read.header.schema, Schema::V1);
            assert_eq!(read.raw.as_str(), expected);
        }
    }

    #[test]
    fn extras_stand_for_no_other_field() {
        let value = || RawJson::parse(r#""other""#).unwrap();
        let mut delivery = built(Schema::V2, " {} ");
        for name in [
            "event_id",
            "event_type",
            "app_id",
            "token",
            "a\"",
            "schema",
            "a\"",
        ] {
            delivery.header = delivery.header.with_extra(name, value());
        }
        delivery.header.create_time = Some(String::new());
        let read = read(delivery.to_document()).unwrap();
        assert_eq!(read.header.event_type, "message");
        assert_eq!((read.header.event_id, read.header.app_id), (None, None));
        assert_eq!(read.header.create_time, None);
        let extras: Vec<_> = read.header.extras.iter().map(|(name, _)| &**name).collect();
        assert_eq!(extras, ["a\"", "schema", "a\""]);
        assert_eq!(read.raw.as_str(), "{}");
    }

    #[test]
    fn what_cannot_be_read_again_is_an_error() {
        let mut no_type = built(Schema::V2, "{}");
        no_type.header.event_type.clear();
        let mut long = built(Schema::V2, "{}");
        long.header.event_id = Some("x".repeat(MAX_ENVELOPE_TEXT_BYTES + 1));
        for delivery in [
            no_type,
            long,
            built(Schema::V1, "7"),
            built(Schema::V1, r#"{"type":[]}"#),
            built(Schema::V1, r#"{"type":""}"#),
            built(Schema::V1, r#"{"type":"message","type":"message"}"#),
        ] {
            assert!(read(delivery.to_document()).is_err(), "{delivery:?}");
        }
        let null = read(built(Schema::V2, "null").to_document()).unwrap();
        assert_eq!(null.raw.as_str(), "{}");
    }
}
