//! Messages in fragments, as the platform sends them.

use std::collections::BTreeMap;

use bytes::Bytes;
use tokio::time::Instant;

use super::LARGE;

/// The messages that are sent in fragments.
#[derive(Debug, Default)]
pub(super) struct LargeMessages {
    messages: BTreeMap<String, Large>,
    /// How often messages were given up for others.
    generation: u64,
}

/// What has come of one message since something of it was there.
#[derive(Debug, Default)]
struct Large {
    /// The payloads that count, by place.
    parts: BTreeMap<usize, Bytes>,
    /// When the first of those came.
    began: Option<Instant>,
    /// Whether there may be other parts, which came before.
    has_unknown: bool,
}

impl Large {
    fn joined(&self) -> Bytes {
        let parts: Vec<&[u8]> = self.parts.values().map(AsRef::as_ref).collect();
        parts.concat().into()
    }
}

impl LargeMessages {
    /// The id under which a message comes now.
    pub(super) fn id(&self, kind: &str, of: usize) -> String {
        let of = of % LARGE;
        match of % 2 {
            0 => format!("{kind}-{of}-{}", self.generation),
            _ => format!("{kind}-{of}"),
        }
    }

    /// A fragment is about to come, one of `sum`. Returns when the message began, at the latest; whether all
    /// that is there of it is known; and the event, where it is known and whole.
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
        // Of what comes twice the first counts.
        large.parts.entry(seq).or_insert(payload);
        let is_known = !large.has_unknown;
        let whole = (is_known && large.parts.len() == sum).then(|| large.joined());
        (began, is_known, whole)
    }

    /// A message is whole: what still comes of it begins another.
    pub(super) fn end(&mut self, id: &str) {
        self.messages.remove(id);
    }

    /// Something was dropped, or can have been. The platform gives half of the messages up and sends
    /// others; of the rest it goes on to send fragments.
    pub(super) fn forget(&mut self) {
        self.generation += 1;
        for message in self.messages.values_mut() {
            *message = Large {
                has_unknown: true,
                ..Large::default()
            };
        }
    }

    /// A connection begins, on which nothing has come.
    pub(super) fn clear(&mut self) {
        self.messages.clear();
    }
}
