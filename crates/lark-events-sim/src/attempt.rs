//! One try to deliver, and what came of it.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use lark_events::RawJson;

/// A way of delivery. The developer console sets it apart for events and for callbacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mode {
    /// The platform posts to the app's URL.
    Webhook,
    /// The app holds a WebSocket open, or several.
    LongConnection,
}

/// One sending of an event or callback.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempt {
    /// Counts from 1; above that it is a redelivery.
    pub number: usize,
    /// Whether it is a copy on top: [`Fault::Duplicate`](crate::Fault::Duplicate).
    pub copy: bool,
    /// How it was sent.
    pub mode: Mode,
    /// When it was sent, from the push; in fragments, the last of them.
    pub after: Duration,
    /// How long the answer took.
    pub took: Duration,
    /// What the app answered.
    pub answer: Answer,
}

impl Attempt {
    /// Whether the platform counts it as delivered: status 200, or an acknowledgement of 200.
    #[must_use]
    pub fn accepted(&self) -> bool {
        self.answer.accepted()
    }
}

/// What an app answered.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// The response of a webhook.
    #[non_exhaustive]
    Response {
        /// Its status.
        status: StatusCode,
        /// Its body, whole.
        body: Bytes,
    },
    /// The acknowledgement of a long connection.
    #[non_exhaustive]
    Ack {
        /// 200, or 500 for a failure.
        code: i64,
        /// A callback's reply, out of its base64.
        reply: Option<Bytes>,
        /// How long the handler took by its own account, in milliseconds; the official Node SDK
        /// says it as a negative number.
        biz_rt: Option<i64>,
    },
    /// There was none.
    Missing(Missing),
}

/// Why there was no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Missing {
    /// None within the limit.
    TimedOut,
    /// No webhook is set, or no long connection is open.
    NowhereToSend,
    /// The connection was lost, or what came was no HTTP.
    ConnectionLost,
    /// The webhook could not be connected to.
    Unreachable,
    /// The response is larger than [`MAX_ANSWER_BYTES`](crate::MAX_ANSWER_BYTES).
    TooLarge,
}

impl Answer {
    /// The status of a response.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Response { status, .. } => Some(*status),
            _ => None,
        }
    }

    pub(crate) fn accepted(&self) -> bool {
        match self {
            Self::Response { status, .. } => *status == StatusCode::OK,
            Self::Ack { code, .. } => *code == 200,
            Self::Missing(_) => false,
        }
    }

    /// What a callback was answered with, if that is JSON.
    pub(crate) fn reply(&self) -> Option<RawJson> {
        let body = match self {
            _ if !self.accepted() => return None,
            Self::Response { body, .. } => body.clone(),
            Self::Ack { reply, .. } => reply.clone()?,
            Self::Missing(_) => return None,
        };
        RawJson::parse(body).ok()
    }
}

impl From<Missing> for Answer {
    fn from(missing: Missing) -> Self {
        Self::Missing(missing)
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Response { status, .. } => write!(f, "status {status}"),
            Self::Ack { code, .. } => write!(f, "acknowledged with {code}"),
            Self::Missing(missing) => missing.fmt(f),
        }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TimedOut => "no answer in time",
            Self::NowhereToSend => "neither a webhook nor a connection to send to",
            Self::ConnectionLost => "the connection was lost",
            Self::Unreachable => "the webhook cannot be connected to",
            Self::TooLarge => "the answer is too large",
        })
    }
}
