//! Violations of the protocol of the long connection.

use std::fmt;

/// A message of an app on a long connection that the protocol does not allow.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProtocolViolation {
    /// The connection, by the `device_id` of its URL.
    pub connection: String,
    /// The kind of violation.
    pub kind: ProtocolViolationKind,
}

/// The ways to break the protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProtocolViolationKind {
    /// Bytes that are not a WebSocket message, or a message that is too large. Ends the connection.
    NotAWebSocket,
    /// A text message: frames are binary.
    NotBinary,
    /// A message that is not a frame.
    NotAFrame,
    /// A frame without a required field. The protocol requires the field even if its value is 0.
    MissingField(&'static str),
    /// A frame of a method that is neither control nor data.
    UnknownMethod(i32),
    /// A control frame that is neither a ping nor a pong.
    UnknownType(String),
    /// A ping with a service other than the connection's.
    OtherService(i32),
    /// An answer without the id of a message.
    NoMessageId,
    /// An answer to a message that was not sent on this connection.
    UnknownMessage(String),
    /// An answer whose `SeqID`, `LogID`, service or headers differ from those of every frame of the
    /// message.
    Altered(String),
    /// More answers to a message than the number of times it was sent completely, which may be 0.
    AnsweredTwice(String),
    /// An answer with a payload that is not JSON with a code, or a reply that is not base64.
    BadAnswer(String),
    /// An answer of success without the time of the handler.
    NoHandlerTime(String),
}

impl fmt::Display for ProtocolViolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "connection {}: {}", self.connection, self.kind)
    }
}

impl fmt::Display for ProtocolViolationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAWebSocket => f.write_str("bytes that are not a WebSocket message"),
            Self::NotBinary => f.write_str("a text message"),
            Self::NotAFrame => f.write_str("a message that is not a frame"),
            Self::MissingField(field) => write!(f, "a frame without {field}"),
            Self::UnknownMethod(method) => write!(f, "a frame of method {method}"),
            Self::UnknownType(kind) => write!(f, "a control frame of type {kind:?}"),
            Self::OtherService(service) => write!(f, "a ping of service {service}"),
            Self::NoMessageId => f.write_str("an answer without a message id"),
            Self::UnknownMessage(id) => write!(
                f,
                "an answer to {id}, which was not sent on this connection"
            ),
            Self::Altered(id) => write!(f, "an answer to {id} with changed ids or headers"),
            Self::AnsweredTwice(id) => write!(f, "too many answers to {id}"),
            Self::BadAnswer(id) => write!(f, "an answer to {id} with an invalid payload"),
            Self::NoHandlerTime(id) => write!(f, "an answer to {id} without biz_rt"),
        }
    }
}

/// The start of a client's text, for a violation.
pub(crate) fn shown(text: &str) -> String {
    const MAX_CHARS: usize = 100;
    text.chars().take(MAX_CHARS).collect()
}
