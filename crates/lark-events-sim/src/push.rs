//! Handles to a push, which wait for the next attempt or for the end.

use std::fmt;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use lark_events::RawJson;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::attempt::{Attempt, Mode};
use crate::deliver::Deliver;
use crate::document::{Document, Written};
use crate::shared::Shared;

/// Progress of a push.
pub(crate) enum Progress {
    /// Boxed, since a channel reserves room for many items at once.
    Attempted(Box<Attempt>),
    /// No redelivery follows; copies still may.
    Ended,
}

/// A channel has room for 32 items from its start.
const _: () = assert!(size_of::<Progress>() <= 16);

/// An event that is being delivered. Delivery continues even if this is not polled, or dropped.
///
/// As a future, it resolves to the [`Report`] when delivery has ended: the app has acknowledged the
/// event, or the platform has given up, after 7.1 hours by the default schedule, and all copies
/// have ended. Until then, [`next_attempt`](Self::next_attempt) returns each attempt as it ends.
#[must_use = "delivery continues without it, but only this handle has the result"]
pub struct Push {
    event_id: String,
    document: Bytes,
    coming: Attempts,
    attempts: Vec<Attempt>,
}

impl Push {
    pub(crate) fn new(written: &Written, progress: mpsc::UnboundedReceiver<Progress>) -> Self {
        Self {
            event_id: written.event_id.clone(),
            document: written.json.clone(),
            coming: Attempts {
                progress,
                ended: false,
            },
            attempts: Vec::new(),
        }
    }

    /// The id by which receivers recognise duplicates; empty if the document has none.
    #[must_use]
    pub fn event_id(&self) -> &str {
        &self.event_id
    }

    /// The document as it is pushed, before encryption, with everything that the push has set. It contains
    /// the Verification Token.
    #[must_use]
    pub fn document(&self) -> &Bytes {
        &self.document
    }

    /// Waits for the next attempt to end; `None` if no attempt follows.
    ///
    /// # Cancel safety
    ///
    /// This method is cancel safe: dropping the future loses no attempt.
    pub async fn next_attempt(&mut self) -> Option<Attempt> {
        std::future::poll_fn(|cx| self.poll_attempt(cx)).await
    }

    /// The attempts that have not been returned yet, without a report at the end. A tool that keeps many
    /// pushes for hours needs less memory with them: they keep neither the document nor earlier attempts.
    ///
    /// ```
    /// # use lark_events_sim::{Document, Platform};
    /// # async fn follow(platform: Platform) {
    /// let push = platform.push(Document::v2("kitchen.tea.ready_v1", &["green"]).unwrap());
    /// let mut attempts = push.into_attempts();
    /// while let Some(attempt) = attempts.next().await {
    ///     println!("attempt {}: {}", attempt.number, attempt.answer);
    /// }
    /// # }
    /// ```
    pub fn into_attempts(self) -> Attempts {
        self.coming
    }

    fn poll_attempt(&mut self, cx: &mut Context<'_>) -> Poll<Option<Attempt>> {
        let attempt = ready!(self.coming.poll_next(cx));
        self.attempts.extend(attempt.clone());
        Poll::Ready(attempt)
    }
}

/// Omits the document, which contains the Verification Token.
impl fmt::Debug for Push {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Push")
            .field("event_id", &self.event_id)
            .field("document_bytes", &self.document.len())
            .field("attempts", &self.attempts)
            .field("ended", &self.coming.ended)
            .finish_non_exhaustive()
    }
}

impl Future for Push {
    type Output = Report;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Report> {
        while ready!(self.poll_attempt(cx)).is_some() {}
        Poll::Ready(Report {
            event_id: std::mem::take(&mut self.event_id),
            attempts: std::mem::take(&mut self.attempts),
            ended: self.coming.ended,
        })
    }
}

/// The attempts of an event that is being delivered, as they end: [`Push::into_attempts`]. Delivery continues
/// even if this is dropped.
#[must_use = "delivery continues without it, but only this handle has the attempts"]
pub struct Attempts {
    progress: mpsc::UnboundedReceiver<Progress>,
    ended: bool,
}

impl Attempts {
    /// Waits for the next attempt to end; `None` if no attempt follows.
    ///
    /// # Cancel safety
    ///
    /// This method is cancel safe: dropping the future loses no attempt.
    pub async fn next(&mut self) -> Option<Attempt> {
        std::future::poll_fn(|cx| self.poll_next(cx)).await
    }

    /// Whether delivery has ended; otherwise the platform was stopped first, or an attempt follows.
    #[must_use]
    pub fn ended(&self) -> bool {
        self.ended
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Attempt>> {
        loop {
            match ready!(self.progress.poll_recv(cx)) {
                Some(Progress::Attempted(attempt)) => return Poll::Ready(Some(*attempt)),
                Some(Progress::Ended) => self.ended = true,
                None => return Poll::Ready(None),
            }
        }
    }
}

impl fmt::Debug for Attempts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempts")
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}

/// The result of delivering an event.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// The id by which receivers recognise duplicates; empty if the document has none.
    pub event_id: String,
    /// All attempts, in the order in which they ended.
    pub attempts: Vec<Attempt>,
    /// Whether delivery ended. `false` if the platform was stopped first.
    pub ended: bool,
}

impl Report {
    /// Whether the app acknowledged the event.
    #[must_use]
    pub fn acknowledged(&self) -> bool {
        self.attempts.iter().any(Attempt::accepted)
    }
}

/// A callback that is being delivered: a future of its reply. A callback is sent once.
#[derive(Debug)]
#[must_use = "only this handle has the reply"]
pub struct PushCallback(Push);

impl PushCallback {
    pub(crate) fn new(push: Push) -> Self {
        Self(push)
    }
}

impl Future for PushCallback {
    type Output = Result<RawJson, CallbackError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // An additional copy does not count.
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

/// The error of a callback without a reply. On the platform, its user would see an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallbackError {
    attempt: Option<Attempt>,
}

impl CallbackError {
    /// The attempt; `None` if the platform was stopped before its end.
    #[must_use]
    pub fn attempt(&self) -> Option<&Attempt> {
        self.attempt.as_ref()
    }
}

impl fmt::Display for CallbackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.attempt {
            Some(attempt) if attempt.accepted() => f.write_str("the callback's reply is not JSON"),
            Some(attempt) => write!(f, "the callback got no reply: {}", attempt.answer),
            None => f.write_str("the platform was stopped"),
        }
    }
}

impl std::error::Error for CallbackError {}

impl Shared {
    /// Delivers a document by `mode`, and redelivers it after each of these delays until the app
    /// acknowledges it.
    pub(crate) fn push(
        self: &Arc<Self>,
        mode: Mode,
        document: Document,
        redeliver_after: impl IntoIterator<Item = Duration>,
    ) -> Push {
        let (progress, receiver) = mpsc::unbounded_channel();
        let document = document.written(&self.app, &self.clock, &self.random);
        let push = Push::new(&document, receiver);
        if let Some(token) = &document.card_token {
            self.api.pushed_card(token);
        }
        let deliver = Deliver {
            shared: Arc::clone(self),
            number: self.pushes.fetch_add(1, Ordering::Relaxed),
            document,
            mode,
            redeliver_after: redeliver_after.into_iter().collect(),
            progress,
            pushed: Instant::now(),
            parcel: OnceLock::new(),
        };
        self.spawn(Arc::new(deliver).run());
        push
    }

    /// Issues a ticket of a store app, and sends the event that has it.
    pub(crate) fn push_ticket(self: &Arc<Self>) -> Push {
        let schedule = self.redeliver_after.clone();
        self.push(self.events_by, self.new_ticket(), schedule)
    }
}
