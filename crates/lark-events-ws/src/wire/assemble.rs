//! Reassembling the fragments of large events, in any order, within limits.

use std::collections::HashMap;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use lark_events::limits::MAX_EVENT_BYTES;
use tokio::time::Instant;

/// The maximum number of fragments of one event: 4 KiB each for the largest event.
pub(crate) const MAX_FRAGMENTS: usize = 1024;
/// The maximum number of events being reassembled at once. The fragments of one event arrive close
/// together, so an event older than this many others has lost a fragment.
pub(crate) const MAX_ASSEMBLING: usize = 128;
/// How long the fragments of one event may take: three times as long as the platform waits for an
/// answer.
pub(crate) const MAX_FRAGMENT_AGE: Duration = Duration::from_secs(10);

/// The incomplete events.
#[derive(Debug, Default)]
pub(crate) struct Assembler {
    partial: HashMap<String, Partial>,
    bytes: usize,
}

#[derive(Debug)]
struct Partial {
    began: Instant,
    /// Empty once the event was given up: later fragments of it are dropped, and do not begin another
    /// incomplete event.
    parts: Vec<Option<Bytes>>,
    missing: usize,
    /// The size of the messages that the payloads are slices of.
    payload_bytes: usize,
    bytes: usize,
}

/// A fragment's payload.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) payload: Bytes,
    /// The size of the whole message that the payload is a slice of.
    pub(crate) bytes: usize,
}

/// The place of a fragment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) message_id: &'a str,
    pub(crate) sum: usize,
    pub(crate) seq: usize,
}

/// The result of a fragment.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Joined {
    /// Other fragments are missing.
    Waiting,
    /// The fragment completed the event, whose first one arrived at `began`.
    Whole { payload: Bytes, began: Instant },
    /// The fragment is dropped, with all other fragments of its event.
    Dropped(&'static str),
}

impl Assembler {
    /// Takes a fragment; all fragments together may have `max_bytes`. Returns the result, and the
    /// number of dropped fragments.
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
            return (
                Joined::Dropped("a fragment of an event that was already dropped"),
                1,
            );
        }
        if seq >= sum || sum > MAX_FRAGMENTS {
            return self.give_up(message_id, "a fragment with an index out of range", now);
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
            return self.give_up(message_id, "the event is too large", now);
        }
        if self.bytes + part.bytes > max_bytes {
            return self.give_up(message_id, "too many bytes in flight", now);
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

    /// The size of all waiting fragments.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// When the next event will be given up.
    pub(crate) fn next_expiry(&self) -> Option<Instant> {
        self.partial.values().map(Partial::expiry).min()
    }

    /// Gives up events that have waited for too long, and returns the number of dropped fragments.
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

    /// The event of a fragment, which may be new; and the number of fragments that were dropped to make
    /// room.
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

    /// Drops a fragment with all others of its event, and rejects later ones.
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
        // Of several equally old events always picks the same one, unlike a map's order.
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
    /// Checks that the counts match the contents and are within the limits.
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

    /// The fragment in a message of the same size.
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
        // Later fragments of it do not wait.
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
        // After a while the given-up event is forgotten.
        assert_eq!(assembler.expire(now + MAX_FRAGMENT_AGE), 0);
        assert_eq!(assembler.next_expiry(), None);
    }

    #[test]
    fn as_much_as_may_be_is_joined() {
        let now = Instant::now();
        let mut assembler = Assembler::default();
        // The largest event, with all bytes in flight.
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
        // The maximum number of fragments.
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
