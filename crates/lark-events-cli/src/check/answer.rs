//! What a webhook answered, and whether that accepts or refuses.

use std::fmt;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;

use super::finding::Finding;

/// How long the platform waits for the answer to an event.
pub(crate) const ANSWER_LIMIT: Duration = Duration::from_secs(3);

#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) content_type: String,
    pub(crate) body: Bytes,
    pub(crate) took: Duration,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Missing {
    Unreachable(io::Error),
    TimedOut,
    Closed,
}

pub(crate) type Posted = Result<Answer, Missing>;

impl Answer {
    /// Whether somebody who sees both can tell them apart.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        self.status == other.status && self.body == other.body
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MAX_CHARS: usize = 60;
        write!(f, "answered {}", self.status.as_u16())?;
        let body = String::from_utf8_lossy(&self.body);
        let mut shown: String = body.trim().chars().take(MAX_CHARS).collect();
        shown.retain(|char| !char.is_control());
        match shown.as_str() {
            "" => Ok(()),
            _ if shown.len() < body.trim().len() => write!(f, " {shown}…"),
            _ => write!(f, " {shown}"),
        }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(error) => write!(f, "cannot be connected to: {error}"),
            Self::TimedOut => f.write_str("no answer in time"),
            Self::Closed => f.write_str("the connection was closed without an answer"),
        }
    }
}

/// What is wanted of the platform's own: status 200, in time.
pub(crate) fn accepted(posted: &Posted, advice: &'static str) -> Finding {
    match posted {
        Ok(answer) if answer.status == StatusCode::OK => {
            Finding::pass(format!("{answer} in {} ms", answer.took.as_millis()))
        }
        Ok(answer) if answer.status.is_success() => Finding::fail(
            answer.to_string(),
            "answer 200: the platform does not document that it takes any other status",
        ),
        Ok(answer) => Finding::fail(answer.to_string(), advice),
        Err(missing) => Finding::fail(missing.to_string(), advice),
    }
}

/// What is wanted of anything else: any status that is no success. `good` is the answer to a good
/// event, where that is always the same.
pub(crate) fn refused(posted: &Posted, good: Option<&Answer>, advice: &'static str) -> Finding {
    match posted {
        Ok(answer) if !answer.status.is_success() => Finding::pass(answer.to_string()),
        Ok(answer) if good.is_some_and(|good| !good.is_like(answer)) => Finding::warn(
            format!("{answer}, unlike to a good event"),
            "it seems to be dropped; answer 401, or a wrong key shows nowhere and loses events",
        ),
        Ok(answer) => Finding::fail(format!("{answer}, as if it were good"), advice),
        Err(missing @ Missing::Closed) => {
            Finding::warn(missing.to_string(), "answer 401: this looks like a crash")
        }
        Err(missing) => Finding::fail(missing.to_string(), "answer 401 at once"),
    }
}
