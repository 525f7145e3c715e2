//! The events that this process holds: those that it handles, and those that it was given and has not claimed yet.
//!
//! The server redelivers an event when it hears nothing of it for the `ack_wait` of its consumer. It accepts a late
//! acknowledgement even when another process handles the event. So this process decides itself whether a claim is
//! its own: until that time is over, counted from before the server could have begun to count it.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_nats::Subject;
use lark_events_inbox::{Entry, Fence};
use tokio::time::Instant;

use crate::subject::Name;

/// The time after which an event that nobody of this process claims goes to another: its workers have stopped, or
/// are busy for long.
const UNCLAIMED: Duration = Duration::from_secs(10);
/// The shortest time between two reports of an event's progress.
const REPORT_PAUSE: Duration = Duration::from_secs(1);
/// The settlements of failed calls that are remembered. They are forgotten when the call is repeated.
const MAX_SETTLED: usize = 1_024;

/// The server counts a delay from a little later on.
const SLACK: Duration = Duration::from_millis(10);

/// An event that the server has given to this process.
#[derive(Clone)]
pub(crate) struct Event {
    pub(crate) seq: u64,
    pub(crate) attempt: u32,
    pub(crate) entry: Arc<Entry>,
    pub(crate) consumer: usize,
    /// Whether its consumer had more when the event was given.
    pub(crate) is_followed: bool,
    /// When the stream got it.
    pub(crate) published: SystemTime,
    /// Where the server hears of it.
    pub(crate) reply: Subject,
}

struct Held {
    event: Event,
    /// Until then the server gives it to nobody else.
    own_until: Instant,
    /// When the server was last to hear of it.
    spoke_at: Option<Instant>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// To be claimed, from a time on.
    Ready { from: Instant },
    /// Claimed, until a time.
    Claimed { fence: Fence, until: Instant },
}

impl Event {
    pub(crate) fn name(&self) -> Name {
        Name::new(self.seq, self.published)
    }
}

/// An event that the server gives again after a delay, as this process has asked.
struct Retry {
    consumer: usize,
    at: Instant,
    /// Whether the consumer was asked since.
    is_noted: bool,
}

/// The events of a consumer that the server gives again.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Retries {
    /// At once.
    pub(crate) ready: u64,
    /// After a delay.
    pub(crate) waiting: u64,
}

/// All events that this process holds.
pub(crate) struct Holdings {
    ack_wait: Duration,
    /// By their numbers.
    held: HashMap<u64, Held>,
    /// Those to be claimed, in order, in lanes and without.
    lanes: VecDeque<u64>,
    free: VecDeque<u64>,
    lane_is_next: bool,
    /// By their numbers.
    retries: HashMap<u64, Retry>,
    /// The fences that were settled in calls that failed for another one.
    settled: Vec<Fence>,
}

/// A point in time, or the one that it is counted from if it is out of range.
fn after(from: Instant, wait: Duration) -> Instant {
    from.checked_add(wait).unwrap_or(from)
}

impl Holdings {
    pub(crate) fn new(ack_wait: Duration) -> Self {
        Self {
            ack_wait,
            held: HashMap::new(),
            lanes: VecDeque::new(),
            free: VecDeque::new(),
            lane_is_next: false,
            retries: HashMap::new(),
            settled: Vec::new(),
        }
    }

    /// Adds an event that was asked for at a time. One that came too late, because this process stood still, is
    /// not added: the server has given it to another process, or will.
    pub(crate) fn add(&mut self, event: Event, asked_at: Instant) {
        let own_until = after(asked_at, self.ack_wait);
        let now = Instant::now();
        if own_until <= now {
            return;
        }
        let (seq, has_lane) = (event.seq, event.entry.lane.is_some());
        self.forget(seq);
        self.retries.remove(&seq);
        let state = State::Ready { from: now };
        let held = Held {
            event,
            own_until,
            spoke_at: None,
            state,
        };
        self.held.insert(seq, held);
        self.queue(has_lane).push_back(seq);
    }

    fn queue(&mut self, has_lane: bool) -> &mut VecDeque<u64> {
        if has_lane {
            &mut self.lanes
        } else {
            &mut self.free
        }
    }

    /// The events that could be claimed now.
    pub(crate) fn ready(&self) -> usize {
        self.lanes.len().saturating_add(self.free.len())
    }

    /// Whether there is an event whose turn it is: one in a lane, or one without.
    pub(crate) fn has_next(&self) -> bool {
        match self.lane_is_next {
            true => !self.lanes.is_empty(),
            false => !self.free.is_empty(),
        }
    }

    /// The events of the consumer of a partition that this process holds and has not claimed.
    pub(crate) fn unclaimed(&self) -> usize {
        let is_ready = |held: &&Held| matches!(held.state, State::Ready { .. });
        self.held.values().filter(is_ready).count()
    }

    /// Whether the consumer of a partition has given its one event to this process.
    pub(crate) fn has_of(&self, consumer: usize) -> bool {
        self.held
            .values()
            .any(|held| held.event.consumer == consumer)
    }

    /// Claims up to `max` events, in lanes and without in turns.
    pub(crate) fn claim(&mut self, max: usize, lease: Duration) -> Vec<(Fence, Event)> {
        let now = Instant::now();
        let until = after(now, lease);
        let mut claimed = Vec::new();
        while claimed.len() < max {
            let from_lane = match self.lane_is_next {
                true => !self.lanes.is_empty(),
                false => self.free.is_empty(),
            };
            self.lane_is_next = !from_lane;
            let Some(seq) = self.queue(from_lane).pop_front() else {
                break;
            };
            if let Some(held) = self.held.get_mut(&seq)
                && held.own_until > now
            {
                let fence = Fence::draw(seq);
                held.state = State::Claimed { fence, until };
                claimed.push((fence, held.event.clone()));
            }
        }
        claimed
    }

    /// The event of a claim that is this process's own.
    pub(crate) fn own(&self, fence: Fence) -> Option<Event> {
        let held = self.held.get(&fence.seq())?;
        let now = Instant::now();
        let is_own = matches!(held.state, State::Claimed { fence: own, until } if own == fence && until > now);
        (is_own && held.own_until > now).then(|| held.event.clone())
    }

    /// Extends a claim to end at a time.
    pub(crate) fn extend(&mut self, fence: Fence, lease: Duration) -> bool {
        let until = after(Instant::now(), lease);
        if self.own(fence).is_none() {
            return false;
        }
        if let Some(held) = self.held.get_mut(&fence.seq()) {
            held.state = State::Claimed { fence, until };
        }
        true
    }

    /// Forgets an event that the server has taken back.
    pub(crate) fn forget(&mut self, seq: u64) {
        self.held.remove(&seq);
        self.lanes.retain(|one| *one != seq);
        self.free.retain(|one| *one != seq);
    }

    /// Forgets an event that the server gives again after a delay.
    pub(crate) fn retry(&mut self, seq: u64, consumer: usize, delay: Duration) {
        self.forget(seq);
        let slack = if delay.is_zero() { delay } else { SLACK };
        let at = after(Instant::now(), delay.saturating_add(slack));
        let retry = Retry {
            consumer,
            at,
            is_noted: false,
        };
        self.retries.insert(seq, retry);
    }

    /// The events of each consumer that the server gives again. Those that another process was given count here
    /// for a time.
    pub(crate) fn retries(&self) -> HashMap<usize, Retries> {
        let now = Instant::now();
        let mut counts: HashMap<_, Retries> = HashMap::new();
        for retry in self.retries.values() {
            let counts = counts.entry(retry.consumer).or_default();
            let count = match retry.at <= now {
                true => &mut counts.ready,
                false => &mut counts.waiting,
            };
            *count = count.saturating_add(1);
        }
        counts
    }

    /// The consumers that now give an event again.
    pub(crate) fn retried(&mut self) -> Vec<usize> {
        let (now, ack_wait) = (Instant::now(), self.ack_wait);
        self.retries
            .retain(|_, retry| after(retry.at, ack_wait) > now);
        let over = self.retries.values_mut();
        let over = over.filter(|retry| !retry.is_noted && retry.at <= now);
        let noted = over.map(|retry| {
            retry.is_noted = true;
            retry.consumer
        });
        noted.collect()
    }

    /// Forgets an event whose claim is settled.
    pub(crate) fn finish(&mut self, fence: Fence) {
        let held = self.held.get(&fence.seq());
        let is_own =
            |held: &Held| matches!(held.state, State::Claimed { fence: own, .. } if own == fence);
        // It may have been given again meanwhile.
        if held.is_some_and(is_own) {
            self.forget(fence.seq());
        }
    }

    /// Keeps an event, to be claimed again by this process after a delay.
    pub(crate) fn release(&mut self, seq: u64, delay: Duration) {
        let from = after(Instant::now(), delay);
        if let Some(held) = self.held.get_mut(&seq) {
            held.state = State::Ready { from };
        }
        self.queue_ready();
    }

    /// The server has heard of an event, at this time or later.
    pub(crate) fn heard(&mut self, seq: u64, at: Instant) {
        let own_until = after(at, self.ack_wait);
        if let Some(held) = self.held.get_mut(&seq) {
            held.own_until = held.own_until.max(own_until);
        }
    }

    /// Remembers a settlement of a call that failed for another one.
    pub(crate) fn remember(&mut self, fence: Fence) {
        if self.settled.len() >= MAX_SETTLED {
            self.settled.clear();
        }
        self.settled.push(fence);
    }

    /// Whether a settlement was remembered. It is forgotten.
    pub(crate) fn recall(&mut self, fence: Fence) -> bool {
        let found = self.settled.iter().position(|one| *one == fence);
        found.map(|index| self.settled.swap_remove(index)).is_some()
    }

    /// When something is [ended](Self::ended), [due](Self::due) or [retried](Self::retried).
    pub(crate) fn next(&self) -> Option<Instant> {
        let now = Instant::now();
        let held = self.held.values().map(|held| {
            let changes = match held.state {
                State::Ready { from } if from <= now => after(from, UNCLAIMED),
                State::Ready { from } => from,
                State::Claimed { until, .. } => until,
            };
            self.speaks(held).min(changes).min(held.own_until)
        });
        let retries = self.retries.values().filter(|retry| !retry.is_noted);
        let retries = retries.map(|retry| retry.at);
        held.chain(retries).min()
    }

    /// The server is to hear of an event a third of the time after it last did. A report that fails is repeated after
    /// a pause.
    fn speaks(&self, held: &Held) -> Instant {
        let third = self.ack_wait.checked_div(3).unwrap_or_default();
        let rest = third.saturating_mul(2);
        let speaks = held.own_until.checked_sub(rest).unwrap_or(held.own_until);
        let again = held.spoke_at.map(|spoke_at| after(spoke_at, REPORT_PAUSE));
        again.map_or(speaks, |again| speaks.max(again))
    }

    /// The events that go back to the server: those whose lease is over, and those that nobody claims. Others that are
    /// no longer this process's own are forgotten without a message.
    pub(crate) fn ended(&mut self) -> Vec<Event> {
        let now = Instant::now();
        let (mut ended, mut lost) = (Vec::new(), Vec::new());
        for (&seq, held) in &self.held {
            let is_over = match held.state {
                State::Claimed { until, .. } => until <= now,
                State::Ready { from } => after(from, UNCLAIMED) <= now,
            };
            if held.own_until <= now {
                lost.push(seq);
            } else if is_over {
                ended.push(held.event.clone());
            }
        }
        lost.into_iter().for_each(|seq| self.forget(seq));
        for event in &ended {
            self.retry(event.seq, event.consumer, Duration::ZERO);
        }
        self.queue_ready();
        ended
    }

    /// The events whose progress is to be reported now.
    pub(crate) fn due(&mut self) -> Vec<Event> {
        let now = Instant::now();
        // An event whose time is over may be another process's.
        let is_due = |held: &Held| held.own_until > now && self.speaks(held) <= now;
        let due = self.held.iter().filter(|(_, held)| is_due(held));
        let due: Vec<_> = due.map(|(seq, held)| (*seq, held.event.clone())).collect();
        for (seq, _) in &due {
            if let Some(held) = self.held.get_mut(seq) {
                held.spoke_at = Some(now);
            }
        }
        due.into_iter().map(|(_, event)| event).collect()
    }

    /// Queues the released events whose time has come.
    fn queue_ready(&mut self) {
        let now = Instant::now();
        let is_ready = |held: &Held| matches!(held.state, State::Ready { from } if from <= now);
        let ready = self.held.iter().filter(|(_, held)| is_ready(held));
        let ready = ready.map(|(seq, held)| (*seq, held.event.entry.lane.is_some()));
        for (seq, has_lane) in ready.collect::<Vec<_>>() {
            let queue = self.queue(has_lane);
            if !queue.contains(&seq) {
                queue.push_back(seq);
            }
        }
    }

    /// Takes all events that are not claimed, to give back those that are this process's own.
    pub(crate) fn take_ready(&mut self) -> Vec<Event> {
        let now = Instant::now();
        let is_ready = |held: &&Held| matches!(held.state, State::Ready { .. });
        let ready = self.held.values().filter(is_ready);
        let ready = ready.map(|held| (held.event.clone(), held.own_until > now));
        let ready: Vec<_> = ready.collect();
        ready.iter().for_each(|(event, _)| self.forget(event.seq));
        let own = ready.into_iter().filter(|(_, is_own)| *is_own);
        own.map(|(event, _)| event).collect()
    }
}

#[cfg(test)]
mod tests {
    use lark_events::{Delivery, EventHeader, RawJson};

    use super::*;

    const ACK_WAIT: Duration = Duration::from_secs(60);
    const LEASE: Duration = Duration::from_hours(1);

    fn event(seq: u64) -> Event {
        let header = EventHeader::new("testing.held_v1");
        let entry = Entry::new(Delivery::new(header, RawJson::default()));
        Event {
            seq,
            attempt: 1,
            entry: Arc::new(entry),
            consumer: 0,
            is_followed: false,
            published: SystemTime::UNIX_EPOCH,
            reply: Subject::from_static("reply"),
        }
    }

    fn holdings(events: u64) -> Holdings {
        let mut holdings = Holdings::new(ACK_WAIT);
        for seq in 1..=events {
            holdings.add(event(seq), Instant::now());
        }
        holdings
    }

    fn numbers(events: &[Event]) -> Vec<u64> {
        events.iter().map(|event| event.seq).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn an_event_that_nobody_claims_goes_back() {
        let mut holdings = holdings(2);
        let claimed = holdings.claim(1, LEASE);
        assert_eq!(claimed.len(), 1);
        assert!(holdings.ended().is_empty());
        tokio::time::advance(UNCLAIMED).await;
        assert_eq!(numbers(&holdings.ended()), [2]);
        assert!(holdings.claim(1, LEASE).is_empty());
        // One that was released for longer is not given back before its time.
        holdings.release(1, 2 * UNCLAIMED);
        tokio::time::advance(2 * UNCLAIMED).await;
        assert!(holdings.ended().is_empty());
        assert_eq!(holdings.claim(1, LEASE).len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn progress_is_reported_at_a_third_and_again_after_a_failure() {
        let mut holdings = holdings(1);
        holdings.claim(1, LEASE);
        assert!(holdings.due().is_empty());
        tokio::time::advance(ACK_WAIT / 3).await;
        assert_eq!(numbers(&holdings.due()), [1]);
        assert!(holdings.due().is_empty(), "not at once");
        let pause = holdings.next().unwrap() - Instant::now();
        assert_eq!(pause, REPORT_PAUSE, "the keeper waits");
        tokio::time::advance(REPORT_PAUSE).await;
        assert_eq!(numbers(&holdings.due()), [1]);
        holdings.heard(1, Instant::now());
        tokio::time::advance(REPORT_PAUSE).await;
        assert!(holdings.due().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_sent_for_an_event_whose_time_is_over() {
        let mut holdings = holdings(2);
        let claimed = holdings.claim(1, LEASE);
        tokio::time::advance(ACK_WAIT).await;
        assert!(holdings.own(claimed[0].0).is_none());
        assert!(!holdings.extend(claimed[0].0, LEASE));
        assert!(holdings.due().is_empty() && holdings.ended().is_empty());
        assert!(holdings.next().is_none(), "all are forgotten");
        // What comes too late is not held at all.
        holdings.add(event(3), Instant::now() - ACK_WAIT);
        assert!(holdings.claim(1, LEASE).is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_settlement_forgets_its_own_claim_alone() {
        let mut holdings = holdings(1);
        let first = holdings.claim(1, LEASE)[0].0;
        // Given again before the answer to the settlement came.
        holdings.add(event(1), Instant::now());
        let second = holdings.claim(1, LEASE)[0].0;
        holdings.finish(first);
        assert!(holdings.own(second).is_some());
        holdings.finish(second);
        assert!(holdings.own(second).is_none());
    }
}
