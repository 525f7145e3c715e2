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

/// The hash of no type, or of one in 2⁵⁶.
const FREE: u64 = u64::MAX;

/// The number of sets of types, by the first byte of their hashes.
const SETS: usize = 1 << u8::BITS;

/// The number of types of a set that are known at once. Few apps have so many types that one displaces
/// another.
const SET: usize = 4;

/// What is known of the event types: an entry has the hash of a type and how many prompt polls it still
/// takes.
#[derive(Debug)]
pub(super) struct Prompt {
    hashes: RandomState,
    types: [[AtomicU64; SET]; SETS],
}

/// The hash of an event type.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key(u64);

impl Prompt {
    pub(super) fn key(&self, event_type: &str) -> Key {
        Key(self.hashes.hash_one(event_type) & !COUNT)
    }

    /// The entry of a type, or the one that it gets.
    #[expect(clippy::indexing_slicing, reason = "there are as many as a byte has values")]
    fn entry(&self, Key(hash): Key) -> &AtomicU64 {
        let [first, ..] = hash.to_be_bytes();
        let set = &self.types[usize::from(first)];
        let of = |hash| {
            let mut entries = set.iter();
            entries.find(|entry| entry.load(Ordering::Relaxed) & !COUNT == hash)
        };
        let [.., last] = set;
        of(hash).or_else(|| of(FREE & !COUNT)).unwrap_or(last)
    }

    /// Whether the last first polls of handlers of this type were prompt.
    pub(super) fn is_known(&self, key: Key) -> bool {
        self.entry(key).load(Ordering::Relaxed) == key.0
    }

    /// Notes how long the first poll of a handler took.
    pub(super) fn polled(&self, key: Key, took: Duration) {
        let update = |known| {
            let remaining = match known & !COUNT {
                hash if hash == key.0 => known & COUNT,
                _ if known == FREE => 1,
                // The type may have lost its entry after it was slow.
                _ => AFTER_A_SLOW_ONE,
            };
            let remaining = if took < PROMPT {
                remaining.saturating_sub(1)
            } else {
                AFTER_A_SLOW_ONE
            };
            let noted = key.0 | remaining;
            (known != noted).then_some(noted)
        };
        let entry = self.entry(key);
        // An error is an entry that remains as it was.
        let _ = entry.fetch_update(Ordering::Relaxed, Ordering::Relaxed, update);
    }
}

impl Default for Prompt {
    fn default() -> Self {
        Self {
            hashes: RandomState::new(),
            types: [const { [const { AtomicU64::new(FREE) }; SET] }; SETS],
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

    /// A key of the first set.
    fn colliding(number: u64) -> Key {
        Key(number << u8::BITS)
    }

    #[test]
    fn types_of_one_set_are_known_at_once() {
        let prompt = Prompt::default();
        for number in 0..SET as u64 {
            prompt.polled(colliding(number), QUICK);
        }
        for number in 0..SET as u64 {
            assert!(prompt.is_known(colliding(number)));
        }
    }

    #[test]
    fn a_type_that_was_slow_is_not_forgotten_when_another_displaces_it() {
        let prompt = Prompt::default();
        let [slow, other] = [SET as u64, SET as u64 + 1].map(colliding);
        for number in 1..SET as u64 {
            prompt.polled(colliding(number), QUICK);
        }
        prompt.polled(slow, PROMPT);
        prompt.polled(other, QUICK);
        prompt.polled(slow, QUICK);
        assert!(!prompt.is_known(slow));
        for _ in 1..AFTER_A_SLOW_ONE {
            prompt.polled(slow, QUICK);
        }
        assert!(prompt.is_known(slow));
        assert!(prompt.is_known(colliding(1)));
    }

    #[test]
    fn a_slow_poll_counts_beside_prompt_ones_on_other_threads() {
        let prompt = Prompt::default();
        let key = prompt.key("a_v1");
        prompt.polled(key, QUICK);
        std::thread::scope(|threads| {
            for _ in 0..2 {
                threads.spawn(|| (0..AFTER_A_SLOW_ONE / 3).for_each(|_| prompt.polled(key, QUICK)));
            }
            prompt.polled(key, PROMPT);
        });
        assert!(!prompt.is_known(key));
    }
}
