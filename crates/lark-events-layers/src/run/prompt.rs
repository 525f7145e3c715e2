//! Which event types have handlers that do not block: the first poll of these may happen in the task of
//! the request, which needs that task to answer at the ack deadline.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A poll that takes less than this does not block: decoding a body takes a millisecond or less.
const PROMPT: Duration = Duration::from_millis(1);

/// How many prompt polls in tasks it takes after one that was not, so that a handler that blocks now
/// and then stays in tasks.
const AFTER_A_SLOW_ONE: u64 = COUNT;

/// The bits of an entry that count the prompt polls that it takes; the others are the hash of the type.
const COUNT: u64 = 0xff;

/// The number of types that are known at once. An app has fewer, and a type that another displaces runs
/// in a task once more.
const TYPES: usize = 1 << u8::BITS;

/// What is known of the event types: an entry has the hash of a type and how many prompt polls it still
/// takes.
#[derive(Debug)]
pub(super) struct Prompt {
    hashes: RandomState,
    types: [AtomicU64; TYPES],
}

/// The hash of an event type.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key(u64);

impl Prompt {
    pub(super) fn key(&self, event_type: &str) -> Key {
        Key(self.hashes.hash_one(event_type) & !COUNT)
    }

    #[expect(clippy::indexing_slicing, reason = "there are as many as a byte has values")]
    fn entry(&self, Key(hash): Key) -> &AtomicU64 {
        let [first, ..] = hash.to_be_bytes();
        &self.types[usize::from(first)]
    }

    /// Whether the last first polls of handlers of this type were prompt.
    pub(super) fn is_known(&self, key: Key) -> bool {
        self.entry(key).load(Ordering::Relaxed) == key.0
    }

    /// Notes how long the first poll of a handler took.
    pub(super) fn polled(&self, key: Key, took: Duration) {
        let entry = self.entry(key);
        let known = entry.load(Ordering::Relaxed);
        let remaining = if known & !COUNT == key.0 {
            known & COUNT
        } else {
            1
        };
        let remaining = if took < PROMPT {
            remaining.saturating_sub(1)
        } else {
            AFTER_A_SLOW_ONE
        };
        if known != key.0 | remaining {
            entry.store(key.0 | remaining, Ordering::Relaxed);
        }
    }
}

impl Default for Prompt {
    fn default() -> Self {
        Self {
            hashes: RandomState::new(),
            // The hash of no type, or of one in 2⁵⁶.
            types: [const { AtomicU64::new(u64::MAX) }; TYPES],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUICK: Duration = Duration::from_micros(10);

    #[test]
    fn a_type_is_known_after_one_prompt_poll() {
        let prompt = Prompt::default();
        let (one, other) = (prompt.key("a_v1"), prompt.key("b_v1"));
        assert!(!prompt.is_known(one));
        prompt.polled(one, QUICK);
        assert!(prompt.is_known(one));
        assert!(!prompt.is_known(other));
    }

    #[test]
    fn a_type_that_was_slow_once_is_known_after_many_prompt_polls() {
        let prompt = Prompt::default();
        let key = prompt.key("a_v1");
        prompt.polled(key, QUICK);
        prompt.polled(key, PROMPT);
        for _ in 0..AFTER_A_SLOW_ONE {
            assert!(!prompt.is_known(key));
            prompt.polled(key, QUICK);
        }
        assert!(prompt.is_known(key));
    }
}
