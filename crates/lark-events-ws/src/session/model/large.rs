//! Fragmented messages, as the platform sends them.

use std::collections::BTreeMap;

use bytes::Bytes;
use tokio::time::Instant;

use super::LARGE;

/// The messages that are sent in fragments.
#[derive(Debug, Default)]
pub(super) struct LargeMessages {
    messages: BTreeMap<String, Large>,
    /// The number of times that messages were given up for others.
    generation: u64,
}

/// The fragments of one message since its first one.
#[derive(Debug, Default)]
struct Large {
    /// The accepted payloads, by index.
    parts: BTreeMap<usize, Bytes>,
    /// When the first of them arrived.
    began: Option<Instant>,
    /// Whether the session may hold other parts, which arrived before.
    has_unknown: bool,
}

impl Large {
    fn joined(&self) -> Bytes {
        let parts: Vec<&[u8]> = self.parts.values().map(AsRef::as_ref).collect();
        parts.concat().into()
    }
}

impl LargeMessages {
    /// The current id of a message.
    pub(super) fn id(&self, kind: &str, of: usize) -> String {
        let of = of % LARGE;
        match of % 2 {
            0 => format!("{kind}-{of}-{}", self.generation),
            _ => format!("{kind}-{of}"),
        }
    }

    /// Records a fragment, one of `sum`, before it arrives. Returns the latest possible start of the
    /// message; whether all of its held parts are known; and the event, if it is known and complete.
    pub(super) fn add(
        &mut self,
        id: &str,
        sum: usize,
        seq: usize,
        payload: Bytes,
        now: Instant,
    ) -> (Instant, bool, Option<Bytes>) {
        let large = self.messages.entry(id.to_owned()).or_default();
        let began = *large.began.get_or_insert(now);
        // Of a repeated fragment the first counts.
        large.parts.entry(seq).or_insert(payload);
        let is_known = !large.has_unknown;
        let whole = (is_known && large.parts.len() == sum).then(|| large.joined());
        (began, is_known, whole)
    }

    /// Records that a message is complete: a further fragment begins another.
    pub(super) fn end(&mut self, id: &str) {
        self.messages.remove(id);
    }

    /// Records that something was, or may have been, dropped. The platform gives up half of the
    /// messages and sends others; of the rest it continues to send fragments.
    pub(super) fn forget(&mut self) {
        self.generation += 1;
        for message in self.messages.values_mut() {
            *message = Large {
                has_unknown: true,
                ..Large::default()
            };
        }
    }

    /// Begins a connection without fragments.
    pub(super) fn clear(&mut self) {
        self.messages.clear();
    }
}
