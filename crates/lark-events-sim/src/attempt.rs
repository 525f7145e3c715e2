//! One attempt to deliver, and its answer.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use lark_events::RawJson;

use crate::fault::Fault;
use crate::omitted::Names;
use crate::sent::Sent;

/// A way of delivery. The developer console has separate settings for events and callbacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mode {
    /// The platform posts to the app's URL.
    Webhook,
    /// The app holds one or more WebSocket connections open.
    LongConnection,
}

/// One attempt to deliver an event or callback.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempt {
    /// Counts from 1; a higher number is a redelivery.
    pub number: usize,
    /// Whether it is an additional copy: [`Fault::Duplicate`](crate::Fault::Duplicate).
    pub copy: bool,
    /// The way of delivery.
    pub mode: Mode,
    /// The time from the push until it was sent; if fragmented, until the last fragment was sent.
    pub after: Duration,
    /// The time from the end of sending until the answer.
    pub took: Duration,
    /// The answer of the app.
    pub answer: Answer,
    /// The cause of a missing answer, if it is known, such as `Connection refused (os error 111)`. The text of
    /// [`answer`](Self::answer) does not contain it.
    pub error: Option<String>,
    /// What was sent; `None` if there was nowhere to send it.
    pub sent: Option<Sent>,
    /// The faults that happened to it. A copy has none.
    pub faults: Vec<Fault>,
    /// The time from the push until the next attempt, which faults can delay; `None` if no attempt follows.
    /// A copy has none: the attempt of the same number has it.
    pub next: Option<Duration>,
}

impl Attempt {
    /// Whether the platform counts it as delivered, by status 200 or an acknowledgement of 200.
    #[must_use]
    pub fn accepted(&self) -> bool {
        self.answer.accepted()
    }
}

/// The answer of an app.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// The response of a webhook.
    #[non_exhaustive]
    Response {
        /// Its status.
        status: StatusCode,
        /// Its headers.
        headers: HeaderMap,
        /// Its whole body.
        body: Bytes,
    },
    /// The acknowledgement of a long connection.
    #[non_exhaustive]
    Ack {
        /// 200, or 500 for a failure.
        code: i64,
        /// A callback's reply, decoded from base64.
        reply: Option<Bytes>,
        /// The time of the handler as the app reports it, in milliseconds; the official Node SDK
        /// reports it as a negative number.
        biz_rt: Option<i64>,
    },
    /// There was no answer.
    Missing(Missing),
}

/// The reason of a missing answer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Missing {
    /// The app did not answer within the limit.
    TimedOut,
    /// No webhook is set, or no long connection is open.
    NowhereToSend,
    /// The connection was lost, or the answer was not HTTP.
    ConnectionLost,
    /// The connection to the webhook failed.
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

    /// A callback's reply, if it is JSON.
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

/// An answer, or why there was none.
pub(crate) struct Answered {
    pub(crate) answer: Answer,
    /// The cause of a missing answer, without the text of the answer.
    pub(crate) error: Option<String>,
}

impl From<Answer> for Answered {
    fn from(answer: Answer) -> Self {
        let error = None;
        Self { answer, error }
    }
}

impl From<Missing> for Answered {
    fn from(missing: Missing) -> Self {
        Answer::from(missing).into()
    }
}

impl From<Missing> for Answer {
    fn from(missing: Missing) -> Self {
        Self::Missing(missing)
    }
}

/// Omits bodies, replies and the values of headers, which contain data of the app's users.
impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Response {
                status,
                headers,
                body,
            } => f
                .debug_struct("Response")
                .field("status", status)
                .field("headers", &Names(headers))
                .field("body_bytes", &body.len())
                .finish(),
            Self::Ack {
                code,
                reply,
                biz_rt,
            } => f
                .debug_struct("Ack")
                .field("code", code)
                .field("reply_bytes", &reply.as_ref().map(Bytes::len))
                .field("biz_rt", biz_rt)
                .finish(),
            Self::Missing(missing) => f.debug_tuple("Missing").field(missing).finish(),
        }
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
            Self::NowhereToSend => "no webhook is set and no long connection is open",
            Self::ConnectionLost => "the connection was lost",
            Self::Unreachable => "cannot connect to the webhook",
            Self::TooLarge => "the answer is too large",
        })
    }
}
