//! The messages of a long connection: each binary message is one [`Frame`] in protobuf, with the fields
//! and names of the platform's own clients.
//!
//! ```
//! use lark_events_ws::frame::{Frame, Method, header};
//!
//! let ping = Frame::control(33554678).with_header(header::TYPE, header::PING);
//! let received = Frame::decode(ping.clone().encode())?;
//! assert_eq!(received.method(), Some(Method::Control));
//! assert_eq!(received.header(header::TYPE), Some("ping"));
//! assert_eq!(received, ping);
//! # Ok::<(), lark_events_ws::frame::FrameError>(())
//! ```

use std::fmt;

use bytes::Bytes;
use prost::Message as _;
use prost::encoding::{DecodeContext, decode_key, skip_field};

/// The maximum number of headers of a frame. The platform's frames have fewer than ten, and so have the
/// answers.
pub const MAX_HEADERS: usize = 64;
/// The maximum number of bytes of a frame beside its payload: its headers and its three strings. The
/// platform's frames have a few hundred.
pub const MAX_HEADER_BYTES: usize = 16 * 1024;

/// One message of a long connection.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Frame {
    /// The number of the frame, counted by its sender. An answer repeats it. 0 in a ping.
    pub seq_id: u64,
    /// The id of the frame in the sender's logs. An answer repeats it. 0 in a ping.
    pub log_id: u64,
    /// The platform's service that the connection belongs to: `service_id` of its URL.
    pub service: i32,
    /// The kind of frame: see [`method`](Self::method).
    pub method: i32,
    /// The headers, with the keys of [`header`].
    pub headers: Vec<Header>,
    /// The encoding of the payload, if given.
    pub payload_encoding: Option<String>,
    /// The type of the payload, if given.
    pub payload_type: Option<String>,
    /// A JSON text, or a fragment of one.
    pub payload: Option<Bytes>,
    /// The id of the frame in the sender's logs, as a string.
    pub log_id_new: Option<String>,
}

/// A key and its value in a [`Frame`]. If a key is repeated, the first one counts.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Header {
    /// One of the keys of [`header`], or another.
    pub key: String,
    /// The value.
    pub value: String,
}

/// The kinds of frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Method {
    /// Pings and pongs.
    Control,
    /// Events, callbacks and their answers.
    Data,
}

/// The keys of a frame's headers, and the values of [`TYPE`](header::TYPE).
pub mod header {
    /// The type of the frame: [`EVENT`], [`CARD`], [`PING`] or [`PONG`].
    pub const TYPE: &str = "type";
    /// The id of the message that the frame is a fragment of.
    pub const MESSAGE_ID: &str = "message_id";
    /// The number of fragments of the message, 1 or more.
    pub const SUM: &str = "sum";
    /// The index of the fragment, from 0.
    pub const SEQ: &str = "seq";
    /// The id of the event in the platform's logs.
    pub const TRACE_ID: &str = "trace_id";
    /// The time of sending, in milliseconds since 1970.
    pub const TIMESTAMP: &str = "timestamp";
    /// In an answer: the duration of the handler, in milliseconds.
    pub const BIZ_RT: &str = "biz_rt";
    /// The platform's instance that sent the frame.
    pub const INSTANCE_ID: &str = "instance_id";

    /// An event, or a callback of the current scheme.
    pub const EVENT: &str = "event";
    /// A card callback of the old scheme, which the long connection does not support.
    pub const CARD: &str = "card";
    /// A ping, which the app sends at once and then at every interval.
    pub const PING: &str = "ping";
    /// The answer to a ping; its payload may change the connection's settings.
    pub const PONG: &str = "pong";
}

impl Frame {
    /// A control frame of the service, without headers.
    #[must_use]
    pub fn control(service: i32) -> Self {
        Self {
            service,
            ..Self::default()
        }
    }

    /// A data frame of the service, without headers.
    #[must_use]
    pub fn data(service: i32) -> Self {
        Self {
            service,
            method: 1,
            ..Self::default()
        }
    }

    /// Adds a header.
    #[must_use]
    pub fn with_header(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push(Header {
            key: key.into(),
            value: value.into(),
        });
        self
    }

    /// Sets the payload.
    #[must_use]
    pub fn with_payload(mut self, payload: impl Into<Bytes>) -> Self {
        self.payload = Some(payload.into());
        self
    }

    /// The kind of frame, or `None` if it is unknown.
    #[must_use]
    pub fn method(&self) -> Option<Method> {
        match self.method {
            0 => Some(Method::Control),
            1 => Some(Method::Data),
            _ => None,
        }
    }

    /// The value of a header, if present.
    #[must_use]
    pub fn header(&self, key: &str) -> Option<&str> {
        let header = self.headers.iter().find(|header| header.key == key)?;
        Some(&header.value)
    }

    /// Reads a frame. Its payload is a slice of `message`, not a copy.
    ///
    /// # Errors
    ///
    /// [`FrameError`] when the message is not a protobuf frame, has more than [`MAX_HEADERS`] or
    /// [`MAX_HEADER_BYTES`], or lacks a field that the platform's protocol requires: the two ids,
    /// service and method, and each header's key and value.
    pub fn decode(message: impl Into<Bytes>) -> Result<Self, FrameError> {
        let message = message.into();
        // A smaller message costs at most one copy.
        if message.len() > MAX_HEADER_BYTES {
            check_headers(&message)?;
        }
        let wire = Wire::decode(message).map_err(|_| FrameError(FrameErrorKind::Malformed))?;
        if wire.headers.len() > MAX_HEADERS {
            return Err(FrameError(FrameErrorKind::TooManyHeaders));
        }
        let headers = wire.headers.into_iter().map(|header| {
            Ok(Header {
                key: required(header.key, "headers.key")?,
                value: required(header.value, "headers.value")?,
            })
        });
        Ok(Self {
            seq_id: required(wire.seq_id, "SeqID")?,
            log_id: required(wire.log_id, "LogID")?,
            service: required(wire.service, "service")?,
            method: required(wire.method, "method")?,
            headers: headers.collect::<Result<_, _>>()?,
            payload_encoding: wire.payload_encoding,
            payload_type: wire.payload_type,
            payload: wire.payload,
            log_id_new: wire.log_id_new,
        })
    }

    /// Encodes the frame, with all fields that the protocol requires, including those that are 0.
    #[must_use]
    pub fn encode(self) -> Bytes {
        let headers = self.headers.into_iter().map(|header| WireHeader {
            key: Some(header.key),
            value: Some(header.value),
        });
        let wire = Wire {
            seq_id: Some(self.seq_id),
            log_id: Some(self.log_id),
            service: Some(self.service),
            method: Some(self.method),
            headers: headers.collect(),
            payload_encoding: self.payload_encoding,
            payload_type: self.payload_type,
            payload: self.payload,
            log_id_new: self.log_id_new,
        };
        wire.encode_to_vec().into()
    }
}

/// Shows the frame without its payload, which is not for logs, but with the payload's length.
impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frame")
            .field("seq_id", &self.seq_id)
            .field("log_id", &self.log_id)
            .field("service", &self.service)
            .field("method", &self.method)
            .field("headers", &self.headers)
            .field("payload_bytes", &self.payload.as_ref().map(Bytes::len))
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.value)
    }
}

/// A message is not a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameError(FrameErrorKind);

/// The kinds of [`FrameError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FrameErrorKind {
    /// The message is not a protobuf frame.
    Malformed,
    /// A required field is missing, given by its name in the protocol.
    Missing(&'static str),
    /// The frame has more than [`MAX_HEADERS`] headers, or more than [`MAX_HEADER_BYTES`] of them.
    TooManyHeaders,
}

impl FrameError {
    /// The reason.
    #[must_use]
    pub fn kind(&self) -> FrameErrorKind {
        self.0
    }
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            FrameErrorKind::Malformed => f.write_str("the message is not a frame"),
            FrameErrorKind::Missing(field) => write!(f, "the frame has no {field}"),
            FrameErrorKind::TooManyHeaders => write!(
                f,
                "the frame has more than {MAX_HEADERS} headers, or more than {MAX_HEADER_BYTES} bytes of headers"
            ),
        }
    }
}

impl std::error::Error for FrameError {}

fn required<T>(field: Option<T>, name: &'static str) -> Result<T, FrameError> {
    field.ok_or(FrameError(FrameErrorKind::Missing(name)))
}

/// Counts the headers and the bytes beside the payload before copying any of them: an empty header
/// takes two bytes of a message and 48 bytes of memory.
#[expect(clippy::arithmetic_side_effects, reason = "counts no more than the bytes of the message")]
fn check_headers(mut message: &[u8]) -> Result<(), FrameError> {
    let malformed = |_| FrameError(FrameErrorKind::Malformed);
    let (mut headers, mut bytes) = (0, 0);
    while !message.is_empty() {
        let (tag, wire_type) = decode_key(&mut message).map_err(malformed)?;
        let before = message.len();
        skip_field(wire_type, tag, &mut message, DecodeContext::default()).map_err(malformed)?;
        if matches!(tag, HEADERS | PAYLOAD_ENCODING | PAYLOAD_TYPE | LOG_ID_NEW) {
            headers += usize::from(tag == HEADERS);
            bytes += before - message.len();
        }
        if headers > MAX_HEADERS || bytes > MAX_HEADER_BYTES {
            return Err(FrameError(FrameErrorKind::TooManyHeaders));
        }
    }
    Ok(())
}

// The tags of the fields that are copied out of a message.
const HEADERS: u32 = 5;
const PAYLOAD_ENCODING: u32 = 6;
const PAYLOAD_TYPE: u32 = 7;
const LOG_ID_NEW: u32 = 9;

/// A frame on the wire. The protocol's required fields are optional here, so that encoding writes them
/// even if they are 0, and decoding detects missing ones.
#[derive(prost::Message)]
struct Wire {
    #[prost(uint64, optional, tag = "1")]
    seq_id: Option<u64>,
    #[prost(uint64, optional, tag = "2")]
    log_id: Option<u64>,
    #[prost(int32, optional, tag = "3")]
    service: Option<i32>,
    #[prost(int32, optional, tag = "4")]
    method: Option<i32>,
    #[prost(message, repeated, tag = "5")]
    headers: Vec<WireHeader>,
    #[prost(string, optional, tag = "6")]
    payload_encoding: Option<String>,
    #[prost(string, optional, tag = "7")]
    payload_type: Option<String>,
    #[prost(bytes = "bytes", optional, tag = "8")]
    payload: Option<Bytes>,
    #[prost(string, optional, tag = "9")]
    log_id_new: Option<String>,
}

#[derive(prost::Message)]
struct WireHeader {
    #[prost(string, optional, tag = "1")]
    key: Option<String>,
    #[prost(string, optional, tag = "2")]
    value: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A ping in the protocol's layout: four numbers, then one header.
    const PING: &[u8] =
        b"\x08\x00\x10\x00\x18\xf6\x82\x80\x10\x20\x00\x2a\x0c\x0a\x04type\x12\x04ping";

    fn ping() -> Frame {
        Frame::control(33_554_806).with_header(header::TYPE, header::PING)
    }

    #[test]
    fn required_fields_are_written_even_when_0() {
        assert_eq!(ping().encode(), PING);
    }

    #[test]
    fn every_field_comes_back_as_it_was() {
        let frame = Frame {
            seq_id: u64::MAX,
            log_id: 1,
            service: -1,
            method: 7,
            payload_encoding: Some("gzip".into()),
            payload_type: Some(String::new()),
            log_id_new: Some("log".into()),
            ..Frame::default()
        }
        .with_header("a", "")
        .with_header("a", "2")
        .with_payload("{}");
        let received = Frame::decode(frame.clone().encode()).unwrap();
        assert_eq!(received, frame);
        assert_eq!(received.header("a"), Some(""), "the first one counts");
        assert_eq!((received.header("b"), received.method()), (None, None));
    }

    #[test]
    fn the_payload_is_not_copied() {
        let message = Frame::data(1).with_payload(vec![b'x'; 100]).encode();
        let payload = Frame::decode(message.clone()).unwrap().payload.unwrap();
        assert!(message.as_ptr_range().contains(&payload.as_ptr()));
    }

    #[test]
    fn a_frame_without_a_required_field_is_refused_by_its_name() {
        // Each field of the ping is removed in turn; lengths are those of its key and value.
        for (field, at, len) in [
            ("SeqID", 0, 2),
            ("LogID", 2, 2),
            ("service", 4, 5),
            ("method", 9, 2),
        ] {
            let mut cut = PING.to_vec();
            cut.drain(at..at + len);
            let error = Frame::decode(cut).unwrap_err();
            assert_eq!(error.kind(), FrameErrorKind::Missing(field));
            assert_eq!(error.to_string(), format!("the frame has no {field}"));
        }
        let no_value = [&PING[..11], b"\x2a\x06\x0a\x04type"].concat();
        let no_key = [&PING[..11], b"\x2a\x06\x12\x04ping"].concat();
        for (frame, field) in [(no_value, "headers.value"), (no_key, "headers.key")] {
            let error = Frame::decode(frame).unwrap_err();
            assert_eq!(error.kind(), FrameErrorKind::Missing(field));
        }
    }

    #[test]
    fn what_is_no_protobuf_is_refused_and_unknown_fields_are_passed_over() {
        for garbage in [&b"\xff"[..], b"\x0a\x00", b"not a frame", &PING[..20]] {
            let error = Frame::decode(Bytes::copy_from_slice(garbage)).unwrap_err();
            assert_eq!(error.to_string(), "the message is not a frame");
            assert_eq!(error.kind(), FrameErrorKind::Malformed);
        }
        let later = [PING, b"\x52\x03new"].concat();
        assert_eq!(Frame::decode(later).unwrap(), ping());
    }

    /// A length-delimited field of the given size.
    fn field(tag: u8, bytes: usize) -> Vec<u8> {
        let mut field = vec![tag << 3 | 2];
        prost::encode_length_delimiter(bytes, &mut field).unwrap();
        field.resize(field.len() + bytes, b'x');
        field
    }

    #[test]
    fn a_frame_has_so_many_headers_and_no_more() {
        let with = |count| {
            let more = (1..count).fold(ping(), |frame, _| frame.with_header("", ""));
            Frame::decode(more.encode())
        };
        assert_eq!(with(MAX_HEADERS).unwrap().headers.len(), MAX_HEADERS);
        let error = with(MAX_HEADERS + 1).unwrap_err();
        assert_eq!(error.kind(), FrameErrorKind::TooManyHeaders);
        assert_eq!(
            error.to_string(),
            "the frame has more than 64 headers, or more than 16384 bytes of headers"
        );
    }

    #[test]
    fn what_is_copied_out_of_a_frame_is_bounded_and_its_payload_is_not() {
        // What a ping's own header takes, and the length of a field that fills the rest.
        let room = MAX_HEADER_BYTES - 13 - 2;
        for tag in [6, 7, 9] {
            let with = |bytes| [PING, &field(tag, bytes)].concat();
            assert!(Frame::decode(with(room)).is_ok(), "{tag}");
            let error = Frame::decode(with(room + 1)).unwrap_err();
            assert_eq!(error, FrameError(FrameErrorKind::TooManyHeaders), "{tag}");
            let twice = [with(room), field(tag, 1)].concat();
            assert!(
                Frame::decode(twice).is_err(),
                "{tag}: what counts is all of them"
            );
        }
        let header = ping().with_header("a", "x".repeat(MAX_HEADER_BYTES));
        let error = Frame::decode(header.encode()).unwrap_err();
        assert_eq!(error, FrameError(FrameErrorKind::TooManyHeaders));
        for tag in [8, 10] {
            let frame = [PING, &field(tag, 1 << 20)].concat();
            assert!(Frame::decode(frame).is_ok(), "{tag}");
        }
    }

    #[test]
    fn debug_shows_no_payload() {
        let shown = format!("{:?}", ping().with_payload("marked"));
        assert!(shown.contains("payload_bytes: Some(6)"), "{shown}");
        assert!(shown.contains("type: ping") && !shown.contains("marked"));
    }
}
