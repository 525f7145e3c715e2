//! Which consumers are asked for events next.
//!
//! A request, a *look*, returns at once: with an event, or with a status that says that there is none. A store
//! never leaves a request open, because the server would give its answer to a process whose workers are all busy.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

/// How long a claim waits for the answer to a look.
pub(crate) const LOOK_TIMEOUT: Duration = Duration::from_secs(2);
/// The partitions without a sign of an event that each claim looks at, if others have enough. A wake-up may be
/// lost on the way.
const EXPLORED: usize = 4;
/// The same, if others do not have enough; twice as many in each further round.
const EXPLORED_FIRST: usize = 8;

/// A request that waits for its answer.
#[derive(Debug)]
struct Look {
    consumer: usize,
    asked_at: Instant,
    /// The events that may still come.
    left: usize,
}

/// The consumers by their index: the partitions, and after them the one of the events without a lane.
#[derive(Debug)]
pub(crate) struct Looks {
    partitions: usize,
    /// Those that probably have an event, in the order in which they got it.
    likely: VecDeque<usize>,
    /// Where the next exploration begins.
    cursor: usize,
    waiting: HashMap<u64, Look>,
    next: u64,
}

/// The looks of one claim.
#[derive(Debug, Default)]
pub(crate) struct Round {
    asked: HashSet<usize>,
    explored: usize,
}

impl Looks {
    pub(crate) fn new(partitions: u16) -> Self {
        Self {
            partitions: usize::from(partitions),
            likely: VecDeque::new(),
            cursor: 0,
            waiting: HashMap::new(),
            next: 0,
        }
    }

    /// The index of the consumer of events without a lane.
    fn any(&self) -> usize {
        self.partitions
    }

    /// Notes that a consumer probably has an event.
    pub(crate) fn suppose(&mut self, consumer: usize) {
        if consumer <= self.partitions && !self.likely.contains(&consumer) {
            self.likely.push_back(consumer);
        }
    }

    /// The consumers to ask for `missing` events, with the number to ask each for. `is_held` says whether this
    /// process has the one event of a partition already. Empty when all have been asked.
    pub(crate) fn plan(
        &mut self,
        round: &mut Round,
        missing: usize,
        is_held: impl Fn(usize) -> bool,
    ) -> Vec<(usize, usize)> {
        let mut asks = Vec::new();
        let any = self.any();
        let any_is_likely = self.likely.contains(&any);
        let for_any = missing.div_ceil(2);
        if self.is_free(any) && (any_is_likely || !round.asked.contains(&any)) {
            self.likely.retain(|one| *one != any);
            asks.push((any, for_any));
        }
        let for_lanes = match any_is_likely {
            true => missing.saturating_sub(for_any).max(1),
            false => missing,
        };
        let mut rest = VecDeque::new();
        let mut lanes = 0_usize;
        for consumer in std::mem::take(&mut self.likely) {
            let is_open = consumer != any && self.is_free(consumer) && !is_held(consumer);
            if lanes < for_lanes && is_open {
                asks.push((consumer, 1));
                lanes = lanes.saturating_add(1);
            } else {
                rest.push_back(consumer);
            }
        }
        self.likely = rest;
        let explored = if lanes >= for_lanes {
            EXPLORED.saturating_sub(round.explored)
        } else {
            let first = EXPLORED_FIRST.max(for_lanes.saturating_sub(lanes));
            first.max(round.explored)
        };
        round
            .asked
            .extend(asks.iter().map(|(consumer, _)| *consumer));
        for consumer in self.explore(round, explored, is_held) {
            round.asked.insert(consumer);
            round.explored = round.explored.saturating_add(1);
            asks.push((consumer, 1));
        }
        asks
    }

    /// The next partitions that nothing is known of.
    fn explore(
        &mut self,
        round: &Round,
        count: usize,
        is_held: impl Fn(usize) -> bool,
    ) -> Vec<usize> {
        let mut found = Vec::new();
        for _ in 0..self.partitions {
            if found.len() >= count {
                break;
            }
            self.cursor = self
                .cursor
                .saturating_add(1)
                .checked_rem(self.partitions)
                .unwrap_or_default();
            let consumer = self.cursor;
            let is_open = self.is_free(consumer) && !is_held(consumer);
            if is_open && !round.asked.contains(&consumer) && !self.likely.contains(&consumer) {
                found.push(consumer);
            }
        }
        found
    }

    /// Whether no look at the consumer waits for its answer.
    fn is_free(&self, consumer: usize) -> bool {
        let mut waiting = self.waiting.values();
        !waiting.any(|look| look.consumer == consumer && look.asked_at.elapsed() < LOOK_TIMEOUT)
    }

    /// Notes a look, and names it.
    pub(crate) fn begin(&mut self, consumer: usize, events: usize) -> u64 {
        self.next = self.next.wrapping_add(1);
        let look = Look {
            consumer,
            asked_at: Instant::now(),
            left: events,
        };
        self.waiting.insert(self.next, look);
        self.next
    }

    /// An event has come. Returns its consumer and when it was asked for.
    pub(crate) fn came(&mut self, name: u64) -> Option<(usize, Instant)> {
        let look = self.waiting.get_mut(&name)?;
        let found = (look.consumer, look.asked_at);
        look.left = look.left.saturating_sub(1);
        if look.left == 0 {
            self.waiting.remove(&name);
        }
        Some(found)
    }

    /// A look has ended.
    pub(crate) fn end(&mut self, name: u64) {
        self.waiting.remove(&name);
    }

    /// Whether one of these looks waits for its answer.
    pub(crate) fn wait(&self, names: &[u64]) -> bool {
        names.iter().any(|name| self.waiting.contains_key(name))
    }

    /// Forgets looks whose events would no longer be this process's own.
    pub(crate) fn forget(&mut self, ack_wait: Duration) {
        self.waiting
            .retain(|_, look| look.asked_at.elapsed() < ack_wait);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn consumers(asks: &[(usize, usize)]) -> Vec<usize> {
        asks.iter().map(|(consumer, _)| *consumer).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_claim_asks_all_consumers_once_in_few_steps() {
        let mut looks = Looks::new(64);
        let mut round = Round::default();
        let mut all = Vec::new();
        let mut steps = 0;
        loop {
            let asks = looks.plan(&mut round, 1, |_| false);
            if asks.is_empty() {
                break;
            }
            steps += 1;
            all.extend(consumers(&asks));
        }
        all.sort_unstable();
        assert_eq!(all, (0..=64).collect::<Vec<_>>());
        assert!(steps <= 5, "{steps}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_busy_partition_does_not_hide_a_quiet_one() {
        let mut looks = Looks::new(64);
        let mut seen = HashSet::new();
        for _ in 0..16 {
            looks.suppose(0);
            let mut round = Round::default();
            seen.extend(consumers(&looks.plan(&mut round, 1, |_| false)));
        }
        assert_eq!(seen.len(), 65);
    }

    #[tokio::test(start_paused = true)]
    async fn likely_partitions_take_turns_and_held_ones_keep_their_turn() {
        let mut looks = Looks::new(8);
        [3, 1, 2].into_iter().for_each(|one| looks.suppose(one));
        let mut round = Round::default();
        let asks = looks.plan(&mut round, 2, |one| one == 3);
        assert_eq!(consumers(&asks)[..3], [8, 1, 2]);
        assert_eq!(looks.likely, [3]);
    }

    #[tokio::test(start_paused = true)]
    async fn events_with_and_without_lanes_share_a_claim() {
        let mut looks = Looks::new(8);
        [8, 0, 1, 2].into_iter().for_each(|one| looks.suppose(one));
        let asks = looks.plan(&mut Round::default(), 4, |_| false);
        assert_eq!(asks[..3], [(8, 2), (0, 1), (1, 1)]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_without_an_answer_blocks_its_consumer_for_a_time_alone() {
        let mut looks = Looks::new(1);
        looks.suppose(0);
        let name = looks.begin(0, 1);
        let asks = |looks: &mut Looks| consumers(&looks.plan(&mut Round::default(), 1, |_| false));
        assert_eq!(asks(&mut looks), [1]);
        tokio::time::advance(LOOK_TIMEOUT).await;
        assert_eq!(asks(&mut looks), [1, 0]);
        // Its answer may still come.
        assert!(looks.came(name).is_some());
        assert!(looks.came(name).is_none());
    }
}
