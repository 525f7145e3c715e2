//! What a push gives back: a handle to wait on, attempt by attempt or to the end.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use lark_events::RawJson;
use tokio::sync::mpsc;

use crate::attempt::Attempt;

/// How a push goes on.
pub(crate) enum Progress {
    Attempted(Attempt),
    /// There will be no redelivery. What still comes is copies.
    Ended,
}

/// An event on its way. It goes on being delivered whether this is waited on, polled or dropped.
///
/// As a future it resolves to the [`Report`] once there is no attempt to come: the app has
/// acknowledged the event, or the platform has given up, which by the default schedule is after 7.1
/// hours, and copies have been answered. Until then [`next_attempt`](Self::next_attempt) has what
/// happened so far.
#[derive(Debug)]
#[must_use = "delivery goes on by itself, but what comes of it is in here"]
pub struct Push {
    event_id: String,
    progress: mpsc::UnboundedReceiver<Progress>,
    attempts: Vec<Attempt>,
    ended: bool,
}

impl Push {
    pub(crate) fn new(event_id: String, progress: mpsc::UnboundedReceiver<Progress>) -> Self {
        Self {
            event_id,
            progress,
            attempts: Vec::new(),
            ended: false,
        }
    }

    /// The id by which receivers tell duplicates; empty where the document has none.
    #[must_use]
    pub fn event_id(&self) -> &str {
        &self.event_id
    }

    /// Waits for the next attempt to have come to its end; `None` when there is none to come.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the future is dropped.
    pub async fn next_attempt(&mut self) -> Option<Attempt> {
        std::future::poll_fn(|cx| self.poll_attempt(cx)).await
    }

    fn poll_attempt(&mut self, cx: &mut Context<'_>) -> Poll<Option<Attempt>> {
        loop {
            match ready!(self.progress.poll_recv(cx)) {
                Some(Progress::Attempted(attempt)) => {
                    self.attempts.push(attempt.clone());
                    return Poll::Ready(Some(attempt));
                }
                Some(Progress::Ended) => self.ended = true,
                None => return Poll::Ready(None),
            }
        }
    }
}

impl Future for Push {
    type Output = Report;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Report> {
        while ready!(self.poll_attempt(cx)).is_some() {}
        Poll::Ready(Report {
            event_id: std::mem::take(&mut self.event_id),
            attempts: std::mem::take(&mut self.attempts),
            ended: self.ended,
        })
    }
}

/// What became of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// The id by which receivers tell duplicates; empty where the document has none.
    pub event_id: String,
    /// All attempts, in the order in which they came to their ends.
    pub attempts: Vec<Attempt>,
    /// Whether no redelivery was to come; otherwise the platform was stopped.
    pub ended: bool,
}

impl Report {
    /// Whether the app acknowledged the event.
    #[must_use]
    pub fn acknowledged(&self) -> bool {
        self.attempts.iter().any(Attempt::accepted)
    }
}

/// A callback on its way: a future of its reply. A callback is sent once.
#[derive(Debug)]
#[must_use = "the reply is in here"]
pub struct PushCallback(Push);

impl PushCallback {
    pub(crate) fn new(push: Push) -> Self {
        Self(push)
    }
}

impl Future for PushCallback {
    type Output = Result<RawJson, CallbackError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // A copy on top does not count.
        let first = loop {
            match ready!(self.0.poll_attempt(cx)) {
                Some(attempt) if attempt.copy => {}
                ended => break ended,
            }
        };
        let reply = first.as_ref().and_then(|attempt| attempt.answer.reply());
        Poll::Ready(reply.ok_or(CallbackError { attempt: first }))
    }
}

/// A callback without a reply: its user sees an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallbackError {
    attempt: Option<Attempt>,
}

impl CallbackError {
    /// The attempt; `None` when the platform was stopped before its end.
    #[must_use]
    pub fn attempt(&self) -> Option<&Attempt> {
        self.attempt.as_ref()
    }
}

impl fmt::Display for CallbackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.attempt {
            Some(attempt) if attempt.accepted() => f.write_str("the callback's reply is no JSON"),
            Some(attempt) => write!(f, "the callback got no reply: {}", attempt.answer),
            None => f.write_str("the platform was stopped"),
        }
    }
}

impl std::error::Error for CallbackError {}
