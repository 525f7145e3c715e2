//! What a webhook answered, or why it did not.

use std::fmt;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;

/// How long the platform waits for the answer to an event.
pub(crate) const ANSWER_LIMIT: Duration = Duration::from_secs(3);

#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) content_type: String,
    pub(crate) body: Bytes,
    pub(crate) took: Duration,
}

/// Why there is no answer that can be judged.
#[derive(Debug)]
pub(crate) enum Missing {
    Unreachable(io::Error),
    TimedOut,
    /// Without an answer, or within it.
    Closed,
    TooLarge,
    NotHttp,
}

pub(crate) type Posted = Result<Answer, Missing>;

impl Answer {
    /// Whether somebody who sees both can tell them apart.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        self.status == other.status && self.body == other.body
    }
}

/// Whether nothing came in time, so that more of the same would only take its time again.
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

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(error) => write!(f, "cannot be connected to: {error}"),
            Self::TimedOut => f.write_str("no answer in time"),
            Self::Closed => f.write_str("the connection was closed without an answer"),
            Self::TooLarge => f.write_str("an answer larger than any to an event"),
            Self::NotHttp => f.write_str("an answer that is no HTTP"),
        }
    }
}
