//! Joining the fragments of large events, in whatever order they come, within bounds.

use std::collections::HashMap;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use lark_events::limits::MAX_EVENT_BYTES;
use tokio::time::Instant;

/// Most fragments of one event: 4 KiB each for the largest event.
pub(crate) const MAX_FRAGMENTS: usize = 1024;
/// Most events that are joined at once. Fragments of one come close together, so what is older than
/// this many others has lost one.
pub(crate) const MAX_ASSEMBLING: usize = 128;
/// How long the fragments of one event may take: three times what the platform waits for an answer.
pub(crate) const MAX_FRAGMENT_AGE: Duration = Duration::from_secs(10);

/// The events of which some fragments are there.
#[derive(Debug, Default)]
pub(crate) struct Assembler {
    partial: HashMap<String, Partial>,
    bytes: usize,
}

#[derive(Debug)]
struct Partial {
    began: Instant,
    /// None at all when it was given up: what still comes of it is dropped, and does not begin
    /// another that never gets whole.
    parts: Vec<Option<Bytes>>,
    missing: usize,
    /// Of the payloads, and of the messages that they are slices of.
    payload_bytes: usize,
    bytes: usize,
}

/// A fragment's payload.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) payload: Bytes,
    /// All of the message that it is a slice of.
    pub(crate) bytes: usize,
}

/// Where a fragment belongs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) message_id: &'a str,
    pub(crate) sum: usize,
    pub(crate) seq: usize,
}

/// What a fragment led to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Joined {
    /// Others are still to come.
    Waiting,
    /// It was the last one: here is the event, and when its first one came.
    Whole { payload: Bytes, began: Instant },
    /// It is dropped, with all that was there of its event.
    Dropped(&'static str),
}

impl Assembler {
    /// Takes a fragment, where all fragments together may have `max_bytes`. Says what it led to, and
    /// how many fragments were dropped.
    #[expect(
        clippy::arithmetic_side_effects,
        clippy::indexing_slicing,
        reason = "a place is looked at once it is one of so many, and what is added up is in memory"
    )]
    pub(crate) fn take(
        &mut self,
        place: Place<'_>,
        part: Part,
        max_bytes: usize,
        now: Instant,
    ) -> (Joined, usize) {
        let Place {
            message_id,
            sum,
            seq,
        } = place;
        let known = self.partial.get(message_id);
        if known.is_some_and(Partial::is_given_up) {
            return (Joined::Dropped("a fragment of an event given up"), 1);
        }
        if seq >= sum || sum > MAX_FRAGMENTS {
            return self.give_up(message_id, "a fragment of no possible place", now);
        }
        if known.is_some_and(|partial| partial.parts.len() != sum) {
            return self.give_up(message_id, "fragments that contradict each other", now);
        }
        let is_there = known.is_some_and(|partial| partial.parts[seq].is_some());
        if is_there {
            return (Joined::Waiting, 0);
        }
        let payload_bytes = known.map_or(0, |partial| partial.payload_bytes) + part.payload.len();
        if payload_bytes > MAX_EVENT_BYTES {
            return self.give_up(message_id, "an event that is too large", now);
        }
        if self.bytes + part.bytes > max_bytes {
            return self.give_up(message_id, "too much in flight", now);
        }

        let (partial, dropped) = self.partial(message_id, sum, now);
        partial.payload_bytes = payload_bytes;
        partial.bytes += part.bytes;
        partial.parts[seq] = Some(part.payload);
        partial.missing -= 1;
        let is_whole = partial.missing == 0;
        self.bytes += part.bytes;
        let whole = is_whole.then(|| self.remove(message_id));
        let Some(whole) = whole.flatten() else {
            return (Joined::Waiting, dropped);
        };
        let mut payload = BytesMut::with_capacity(whole.payload_bytes);
        for part in whole.parts.into_iter().flatten() {
            payload.extend_from_slice(&part);
        }
        let joined = Joined::Whole {
            payload: payload.freeze(),
            began: whole.began,
        };
        (joined, dropped)
    }

    /// All bytes that wait for others.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// When the next event is given up.
    pub(crate) fn next_expiry(&self) -> Option<Instant> {
        self.partial.values().map(Partial::expiry).min()
    }

    /// Gives up what has waited for too long, and says how many fragments that were.
    #[expect(clippy::arithmetic_side_effects, reason = "what was counted when it came")]
    pub(crate) fn expire(&mut self, now: Instant) -> usize {
        let mut dropped = 0;
        self.partial.retain(|_, partial| {
            let keep = now < partial.expiry();
            if !keep {
                dropped += partial.there();
                self.bytes -= partial.bytes;
            }
            keep
        });
        dropped
    }

    /// The event of a fragment, which may be its first one; and how many fragments had to be dropped
    /// for it.
    fn partial(&mut self, message_id: &str, sum: usize, now: Instant) -> (&mut Partial, usize) {
        let is_new = !self.partial.contains_key(message_id);
        let dropped = if is_new && self.partial.len() == MAX_ASSEMBLING {
            self.drop_oldest()
        } else {
            0
        };
        let partial = self.partial.entry(message_id.to_owned());
        let partial = partial.or_insert_with(|| Partial {
            began: now,
            parts: vec![None; sum],
            missing: sum,
            payload_bytes: 0,
            bytes: 0,
        });
        (partial, dropped)
    }

    /// Drops a fragment with all that is there of its event, of which no more is taken.
    #[expect(clippy::arithmetic_side_effects, reason = "what was counted when it came")]
    fn give_up(&mut self, message_id: &str, why: &'static str, now: Instant) -> (Joined, usize) {
        let (partial, mut dropped) = self.partial(message_id, 0, now);
        dropped += partial.there() + 1;
        let bytes = std::mem::take(&mut partial.bytes);
        partial.parts = Vec::new();
        partial.missing = 0;
        self.bytes -= bytes;
        (Joined::Dropped(why), dropped)
    }

    fn drop_oldest(&mut self) -> usize {
        // Of several as old it is always the same one, which a map's order would not give.
        let partial = self.partial.iter();
        let oldest = partial.min_by_key(|&(id, partial)| (partial.began, id));
        let Some(oldest) = oldest.map(|(id, _)| id.clone()) else {
            return 0;
        };
        self.remove(&oldest).map_or(0, |partial| partial.there())
    }

    #[expect(clippy::arithmetic_side_effects, reason = "what was counted when it came")]
    fn remove(&mut self, message_id: &str) -> Option<Partial> {
        let partial = self.partial.remove(message_id)?;
        self.bytes -= partial.bytes;
        Some(partial)
    }
}

#[cfg(any(test, feature = "internals"))]
impl Assembler {
    /// The counts are those of what is there, which is within its bounds.
    #[expect(clippy::arithmetic_side_effects, reason = "all of it is in memory")]
    pub(crate) fn check(&self) {
        assert!(self.partial.len() <= MAX_ASSEMBLING);
        let mut bytes = 0;
        for partial in self.partial.values() {
            let parts = || partial.parts.iter().flatten();
            let payloads = parts().map(Bytes::len).sum::<usize>();
            assert!(partial.is_given_up() || partial.payload_bytes == payloads);
            assert_eq!(partial.there(), parts().count());
            bytes += partial.bytes;
        }
        assert_eq!(self.bytes(), bytes);
    }
}

impl Partial {
    #[expect(clippy::arithmetic_side_effects, reason = "in ten seconds time goes on")]
    fn expiry(&self) -> Instant {
        self.began + MAX_FRAGMENT_AGE
    }

    #[expect(
        clippy::arithmetic_side_effects,
        reason = "not more are missing than there are places"
    )]
    fn there(&self) -> usize {
        self.parts.len() - self.missing
    }

    fn is_given_up(&self) -> bool {
        self.parts.is_empty()
    }
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: usize = usize::MAX;

    /// In a message that has nothing else in it.
    fn part(payload: impl Into<Bytes>) -> Part {
        let payload = payload.into();
        let bytes = payload.len();
        Part { payload, bytes }
    }

    fn place(message_id: &str, sum: usize, seq: usize) -> Place<'_> {
        Place {
            message_id,
            sum,
            seq,
        }
    }

    fn whole(text: &'static str, began: Instant) -> (Joined, usize) {
        let payload = Bytes::from_static(text.as_bytes());
        (Joined::Whole { payload, began }, 0)
    }

    const WAITING: (Joined, usize) = (Joined::Waiting, 0);

    fn dropped((joined, dropped): (Joined, usize)) -> usize {
        assert!(matches!(joined, Joined::Dropped(_)), "{joined:?}");
        dropped
    }

    #[test]
    fn fragments_are_joined_in_any_order_and_repeated_ones_are_harmless() {
        let mut assembler = Assembler::default();
        let now = Instant::now();
        let later = now + Duration::from_secs(9);
        let mut take = |id, seq, text: &'static str, at| {
            assembler.take(place(id, 3, seq), part(text), ALL, at)
        };
        assert_eq!(take("a", 2, "3", now), WAITING);
        assert_eq!(take("b", 0, "x", now), WAITING);
        assert_eq!(take("a", 2, "other", now), WAITING);
        assert_eq!(take("a", 0, "1", later), WAITING);
        assert_eq!(take("b", 1, "", now), WAITING);
        assert_eq!(take("a", 1, "2", later), whole("123", now));
        assert_eq!(take("b", 2, "z", later), whole("xz", now));
        assert_eq!(assembler.bytes(), 0);
        assert_eq!(assembler.next_expiry(), None);
    }

    #[test]
    fn what_contradicts_or_exceeds_drops_its_own_event_only() {
        let now = Instant::now();
        let mut assembler = Assembler::default();
        let half = Bytes::from(vec![b'x'; MAX_EVENT_BYTES / 2]);
        let mut take = |id, sum, seq, payload: &Bytes, max| {
            assembler.take(place(id, sum, seq), part(payload.clone()), max, now)
        };
        let one = Bytes::from_static(b"1");
        assert_eq!(take("good", 2, 0, &one, ALL), WAITING);
        for (sum, seq) in [(2, 2), (0, 0), (MAX_FRAGMENTS + 1, 0), (usize::MAX, 1)] {
            assert_eq!(dropped(take("impossible", sum, seq, &one, ALL)), 1);
        }
        assert_eq!(take("bad", 3, 0, &one, ALL), WAITING);
        assert_eq!(take("bad", 3, 2, &one, ALL), WAITING);
        assert_eq!(dropped(take("bad", 2, 1, &one, ALL)), 3);
        // What still comes of it waits for nothing.
        for seq in [0, 1, 2] {
            assert_eq!(dropped(take("bad", 3, seq, &one, ALL)), 1);
        }

        assert_eq!(take("large", 3, 0, &half, ALL), WAITING);
        assert_eq!(take("large", 3, 1, &half, ALL), WAITING);
        assert_eq!(dropped(take("large", 3, 2, &one, ALL)), 3);

        assert_eq!(take("more", 2, 0, &half, half.len() + 1), WAITING);
        assert_eq!(dropped(take("more", 2, 1, &one, half.len() + 1)), 2);
        assert_eq!(take("good", 2, 1, &one, 2), whole("11", now));
        assert_eq!(assembler.bytes(), 0);
        // After a while they are forgotten.
        assert_eq!(assembler.expire(now + MAX_FRAGMENT_AGE), 0);
        assert_eq!(assembler.next_expiry(), None);
    }

    #[test]
    fn as_much_as_may_be_is_joined() {
        let now = Instant::now();
        let mut assembler = Assembler::default();
        // The largest event, all bytes that may be in flight.
        let half = Bytes::from(vec![b'x'; MAX_EVENT_BYTES / 2]);
        let mut take = |id, sum, seq, payload: &Bytes| {
            let part = part(payload.clone());
            assembler.take(place(id, sum, seq), part, MAX_EVENT_BYTES, now)
        };
        assert_eq!(take("large", 2, 0, &half), WAITING);
        let (joined, dropped) = take("large", 2, 1, &half);
        let is_whole =
            matches!(joined, Joined::Whole { payload, .. } if payload.len() == MAX_EVENT_BYTES);
        assert_eq!((is_whole, dropped), (true, 0));
        // The most fragments.
        let one = Bytes::from_static(b"1");
        for seq in 1..MAX_FRAGMENTS {
            assert_eq!(take("many", MAX_FRAGMENTS, seq, &one), WAITING);
        }
        let (joined, dropped) = take("many", MAX_FRAGMENTS, 0, &one);
        let is_whole =
            matches!(joined, Joined::Whole { payload, .. } if payload.len() == MAX_FRAGMENTS);
        assert_eq!((is_whole, dropped), (true, 0));
    }

    #[test]
    fn a_fragment_weighs_what_its_message_does() {
        let now = Instant::now();
        let mut assembler = Assembler::default();
        let mut take = |id, seq| {
            let heavy = Part {
                bytes: 100,
                ..part("1")
            };
            assembler.take(place(id, 3, seq), heavy, 299, now)
        };
        assert_eq!(take("a", 0), WAITING);
        assert_eq!(take("a", 1), WAITING);
        assert_eq!(dropped(take("b", 0)), 1);
        assert_eq!(assembler.bytes(), 200);
    }

    #[test]
    fn the_oldest_gives_way_to_one_too_many_and_the_late_to_time() {
        let start = Instant::now();
        let mut assembler = Assembler::default();
        let at = |index| start + Duration::from_millis(index);
        for index in 0..MAX_ASSEMBLING as u64 {
            let id = index.to_string();
            assembler.take(place(&id, 2, 0), part("1"), ALL, at(index));
        }
        let one_more = assembler.take(place("more", 2, 0), part("1"), ALL, at(500));
        assert_eq!(one_more, (Joined::Waiting, 1));
        assert_eq!(assembler.next_expiry(), Some(at(1) + MAX_FRAGMENT_AGE));
        assert_eq!(assembler.bytes(), MAX_ASSEMBLING);
        assert_eq!(assembler.expire(at(0) + MAX_FRAGMENT_AGE), 0);
        assert_eq!(assembler.expire(at(2) + MAX_FRAGMENT_AGE), 2);
        assert_eq!(
            assembler.expire(at(499) + MAX_FRAGMENT_AGE),
            MAX_ASSEMBLING - 3
        );
        let last = assembler.take(place("more", 2, 1), part("2"), ALL, at(501));
        assert_eq!(last, whole("12", at(500)));
    }
}
