//! The answer of a webhook, or why there is none.

use std::error::Error as _;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Response, StatusCode};
use lark_events_sim::{PostError, PostErrorKind};

#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) content_type: String,
    pub(crate) body: Bytes,
    pub(crate) took: Duration,
}

/// Why there is no answer to judge.
#[derive(Debug)]
pub(crate) enum Missing {
    TimedOut,
    Failed(PostError),
}

pub(crate) type Posted = Result<Answer, Missing>;

impl Answer {
    pub(crate) fn new(response: Response<Bytes>, took: Duration) -> Self {
        let (parts, body) = response.into_parts();
        let content_type = parts.headers.get(CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok());
        Self {
            status: parts.status,
            content_type: content_type.unwrap_or_default().to_owned(),
            body,
            took,
        }
    }

    /// Whether both answers look the same to the sender.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        self.status == other.status && self.body == other.body
    }
}

/// Whether no answer came in time, so that a similar request would time out too.
pub(crate) fn hangs(posted: &Posted) -> bool {
    matches!(posted, Err(Missing::TimedOut))
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MAX_CHARS: usize = 60;
        write!(f, "answered {}", self.status.as_u16())?;
        let body = String::from_utf8_lossy(&self.body);
        let body = body.trim();
        match body.char_indices().nth(MAX_CHARS) {
            _ if body.is_empty() => Ok(()),
            Some((end, _)) => write!(f, " {}…", &body[..end]),
            None => write!(f, " {body}"),
        }
    }
}

impl Missing {
    /// Whether the connection was closed before the end of the answer.
    pub(crate) fn is_closed(&self) -> bool {
        matches!(self, Self::Failed(error) if error.kind() == PostErrorKind::Closed)
    }
}

impl From<PostError> for Missing {
    fn from(error: PostError) -> Self {
        Self::Failed(error)
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut => f.write_str("no answer in time"),
            Self::Failed(error) => match error.source() {
                Some(reason) if error.kind() == PostErrorKind::Unreachable => {
                    write!(f, "{error}: {reason}")
                }
                _ => error.fmt(f),
            },
        }
    }
}
