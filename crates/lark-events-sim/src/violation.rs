//! What an app does against the protocol of the long connection.

use std::fmt;

/// Something that an app sent on a long connection and that the protocol does not allow.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProtocolViolation {
    /// The connection, by the `device_id` of its URL.
    pub connection: String,
    /// What was wrong.
    pub kind: ProtocolViolationKind,
}

/// The ways to break the protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProtocolViolationKind {
    /// Something that is no WebSocket message, or too large for one. It ends the connection.
    NotAWebSocket,
    /// A text message: frames are binary.
    NotBinary,
    /// A message that is no frame.
    NotAFrame,
    /// A frame without a field that the protocol requires, also where it is 0.
    MissingField(&'static str),
    /// A frame of a method that is neither control nor data.
    UnknownMethod(i32),
    /// A control frame that is neither a ping nor a pong.
    UnknownType(String),
    /// A ping of another service than the connection's.
    OtherService(i32),
    /// An answer without the id of a message.
    NoMessageId,
    /// An answer to a message that was not sent on this connection.
    UnknownMessage(String),
    /// An answer whose `SeqID`, `LogID`, service or headers are not those of any frame of the
    /// message.
    Altered(String),
    /// More answers to a message than the times it was sent whole; also to one that never was.
    AnsweredTwice(String),
    /// An answer whose payload is no JSON with a code, or whose reply is no base64.
    BadAnswer(String),
    /// An answer of success that does not say how long the handler took.
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
            Self::NotAWebSocket => f.write_str("what is no WebSocket message"),
            Self::NotBinary => f.write_str("a text message"),
            Self::NotAFrame => f.write_str("a message that is no frame"),
            Self::MissingField(field) => write!(f, "a frame without {field}"),
            Self::UnknownMethod(method) => write!(f, "a frame of method {method}"),
            Self::UnknownType(kind) => write!(f, "a control frame of type {kind:?}"),
            Self::OtherService(service) => write!(f, "a ping of service {service}"),
            Self::NoMessageId => f.write_str("an answer without a message id"),
            Self::UnknownMessage(id) => write!(f, "an answer to {id}, which was not sent here"),
            Self::Altered(id) => write!(f, "an answer to {id} with other ids or headers"),
            Self::AnsweredTwice(id) => write!(f, "one answer too many to {id}"),
            Self::BadAnswer(id) => write!(f, "an answer to {id} that cannot be read"),
            Self::NoHandlerTime(id) => write!(f, "an answer to {id} without biz_rt"),
        }
    }
}

/// As much of a client's text as is kept.
pub(crate) fn shown(text: &str) -> String {
    const MAX_CHARS: usize = 100;
    text.chars().take(MAX_CHARS).collect()
}
