//! A delivery as it is kept: what was pushed, its attempts and its progress.

use std::time::SystemTime;

use bytes::Bytes;
use http::HeaderMap;
use lark_events_sim::{Answer, Attempt, Document, Mode, Sent};

/// A pushed event or callback.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    /// Counts from 1.
    pub(crate) number: usize,
    pub(crate) event_type: String,
    pub(crate) event_id: String,
    pub(crate) mode: Mode,
    pub(crate) is_callback: bool,
    /// The delivery that this one repeats.
    pub(crate) replay_of: Option<usize>,
    /// Pushed again, it is a new event.
    pub(crate) template: Document,
    /// The plain document as it was pushed. It contains the Verification Token.
    pub(crate) document: Bytes,
    pub(crate) pushed_at: SystemTime,
    /// In the order in which they ended.
    pub(crate) attempts: Vec<Attempt>,
    /// Whether the app has acknowledged the event; rejecting a later copy does not undo that.
    pub(crate) acknowledged: bool,
    /// Whether no attempt follows.
    pub(crate) ended: bool,
    /// The revision of its last change.
    pub(crate) revision: u64,
}

/// The progress of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Not acknowledged yet; an attempt is under way or follows.
    Pending,
    Acknowledged,
    /// Not acknowledged, and no attempt follows.
    GivenUp,
}

impl Delivery {
    pub(crate) fn progress(&self) -> Progress {
        match (self.acknowledged, self.ended) {
            (true, _) => Progress::Acknowledged,
            (false, true) => Progress::GivenUp,
            (false, false) => Progress::Pending,
        }
    }

    /// When the platform sends the event again. It does so even after a copy was acknowledged, if the attempt
    /// itself was not.
    pub(crate) fn next_attempt(&self) -> Option<SystemTime> {
        if self.ended {
            return None;
        }
        self.pushed_at.checked_add(self.last_attempt()?.next?)
    }

    /// Whether its first attempt is under way, though a copy of it may have ended.
    pub(crate) fn is_first_under_way(&self) -> bool {
        !self.ended && self.last_attempt().is_none()
    }

    /// The attempt that ended last and is no copy.
    fn last_attempt(&self) -> Option<&Attempt> {
        self.attempts.iter().rfind(|attempt| !attempt.copy)
    }

    /// Whether its document has ids, so that it can be pushed as a new event.
    pub(crate) fn has_ids(&self) -> bool {
        // A document that is pushed unchanged has no envelope to change.
        self.template.event_type().is_some()
    }

    /// Why it cannot be pushed as a new event.
    pub(crate) fn without_ids(&self) -> String {
        format!(
            "expected an event with an id, got {}, whose document has none: resend it as the same one",
            self.event_type
        )
    }

    /// Whether its last attempt is the one that acknowledged the event.
    pub(in crate::serve) fn is_newly_acknowledged(&self) -> bool {
        let Some((last, before)) = self.attempts.split_last() else {
            return false;
        };
        last.accepted() && !before.iter().any(Attempt::accepted)
    }

    /// About the bytes that keeping it takes: redeliveries share the body of the first attempt.
    pub(super) fn bytes(&self) -> usize {
        let of_headers = |headers: &HeaderMap| -> usize {
            let sizes = headers.iter();
            let sizes = sizes.map(|(name, value)| name.as_str().len() + value.len());
            sizes.sum()
        };
        let attempts = self.attempts.iter().map(|attempt| {
            let sent = match &attempt.sent {
                Some(Sent::Request { headers, .. }) => of_headers(headers),
                _ => 0,
            };
            let answer = match &attempt.answer {
                Answer::Response { headers, body, .. } => of_headers(headers) + body.len(),
                Answer::Ack { reply, .. } => reply.as_ref().map_or(0, Bytes::len),
                _ => 0,
            };
            size_of::<Attempt>() + sent + answer
        });
        self.first_bytes() + attempts.sum::<usize>()
    }

    /// About the bytes that it takes before its first attempt.
    pub(super) fn first_bytes(&self) -> usize {
        // The document is kept plain, as a template, and encrypted in base64.
        size_of::<Self>() + self.document.len() * 4
    }
}
