//! Which consumers are asked for events next.
//!
//! A request, a *look*, ends soon: with an event at once, or with a status. A store leaves no request open for longer,
//! because the server would answer it when the workers of this process are all busy. A look at a partition expires;
//! with `no_wait` instead, it would stay open while another process has the event of the partition.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

/// How long the server keeps a look at a partition.
pub(crate) const EXPIRES: Duration = Duration::from_millis(20);
/// How long a claim waits for the answers to its looks.
pub(crate) const LOOK_TIMEOUT: Duration = Duration::from_millis(250);
/// After this, a look without an answer no longer keeps its consumer from being asked again.
const LOST: Duration = Duration::from_secs(2);
/// The consumers without a sign of an event that a worker looks at at once, without waiting for their answers: no more
/// than it has free places. A wake-up may be lost on the way, and a worker may die.
const EXPLORED: usize = 16;
/// The time before the next such look, for each: of 64 partitions, each is looked at in a good second.
pub(crate) const EXPLORE_PAUSE: Duration = Duration::from_millis(20);

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
    /// Where the next exploration begins, in which all consumers take turns.
    cursor: usize,
    /// When the next exploration is.
    explores_at: Option<Instant>,
    waiting: HashMap<u64, Look>,
    next: u64,
    /// When a consumer was first asked since one last answered.
    unheard_since: Option<Instant>,
    /// Whether the last answer was that there is nobody to answer.
    are_unserved: bool,
}

/// The next step of a claim.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// Consumers, and the number of events to ask each for.
    pub(crate) asks: Vec<(usize, usize)>,
    /// Earlier looks at consumers that probably have an event, which are not asked once more meanwhile.
    pub(crate) under_way: Vec<u64>,
}

impl Looks {
    pub(crate) fn new(partitions: u16) -> Self {
        Self {
            partitions: usize::from(partitions),
            likely: VecDeque::new(),
            cursor: 0,
            explores_at: None,
            waiting: HashMap::new(),
            next: 0,
            unheard_since: None,
            are_unserved: false,
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

    /// Whom to ask for `missing` events of consumers that probably have some. `is_held` says whether this process
    /// has the one event of a partition already. Empty when all have been asked.
    pub(crate) fn plan(&mut self, missing: usize, is_held: impl Fn(usize) -> bool) -> Plan {
        let mut plan = Plan::default();
        let any = self.any();
        let has_any = self.likely.contains(&any) && self.is_free(any);
        let for_any = missing.div_ceil(2);
        let for_lanes = match has_any {
            // At least one, so that a claim of one asks for both. The next claim takes the other.
            true => missing.saturating_sub(for_any).max(1),
            false => missing,
        };
        let mut lanes = 0_usize;
        for consumer in std::mem::take(&mut self.likely) {
            if let Some(look) = self.look_at(consumer) {
                plan.under_way.push(look);
                self.likely.push_back(consumer);
            } else if consumer == any {
                plan.asks.push((any, for_any));
            } else if lanes < for_lanes && !is_held(consumer) {
                plan.asks.push((consumer, 1));
                lanes = lanes.saturating_add(1);
            } else {
                self.likely.push_back(consumer);
            }
        }
        plan
    }

    /// Whom to ask besides, without a sign of an event. Empty until it is time again.
    pub(crate) fn explore(
        &mut self,
        missing: usize,
        is_held: impl Fn(usize) -> bool,
    ) -> Vec<(usize, usize)> {
        let now = Instant::now();
        if self.explores_at.is_some_and(|at| now < at) {
            return Vec::new();
        }
        let count = missing.min(EXPLORED);
        let pause = EXPLORE_PAUSE.saturating_mul(u32::try_from(count).unwrap_or(u32::MAX));
        self.explores_at = now.checked_add(pause);
        let mut asks = Vec::new();
        for _ in 0..=self.partitions {
            if asks.len() >= count {
                break;
            }
            let consumer = self.cursor;
            let next = consumer.saturating_add(1);
            self.cursor = if next > self.partitions { 0 } else { next };
            let is_open = self.is_free(consumer) && !is_held(consumer);
            if is_open && !self.likely.contains(&consumer) {
                let is_any = consumer == self.any();
                asks.push((consumer, if is_any { missing } else { 1 }));
            }
        }
        asks
    }

    /// A look at the consumer that waits for its answer.
    fn look_at(&self, consumer: usize) -> Option<u64> {
        let mut waiting = self.waiting.iter();
        let of_it = |look: &Look| look.consumer == consumer && look.asked_at.elapsed() < LOST;
        let found = waiting.find(|(_, look)| of_it(look));
        found.map(|(name, _)| *name)
    }

    fn is_free(&self, consumer: usize) -> bool {
        self.look_at(consumer).is_none()
    }

    /// Notes a look, and names it.
    pub(crate) fn begin(&mut self, consumer: usize, events: usize) -> u64 {
        self.next = self.next.wrapping_add(1);
        let asked_at = Instant::now();
        self.unheard_since.get_or_insert(asked_at);
        let look = Look {
            consumer,
            asked_at,
            left: events,
        };
        self.waiting.insert(self.next, look);
        self.next
    }

    /// An event of a consumer has come. Returns when it was asked for, at the earliest: an event does not name its
    /// look, and the answer to an older one may have been lost. `None` if nothing was asked for.
    pub(crate) fn came(&mut self, consumer: usize) -> Option<Instant> {
        self.heard();
        let of_it = |look: &&Look| look.consumer == consumer;
        let asked_at = self
            .waiting
            .values()
            .filter(of_it)
            .map(|look| look.asked_at)
            .min()?;
        let waiting = self.waiting.iter_mut();
        let waiting = waiting.filter(|(_, look)| look.consumer == consumer);
        if let Some((&name, look)) = waiting.max_by_key(|(name, _)| **name) {
            look.left = look.left.saturating_sub(1);
            if look.left == 0 {
                self.waiting.remove(&name);
                // It may have more than it was asked for.
                if consumer == self.any() {
                    self.suppose(consumer);
                }
            }
        }
        Some(asked_at)
    }

    /// A look has ended.
    pub(crate) fn end(&mut self, name: u64, is_served: bool) {
        self.heard();
        self.are_unserved = !is_served;
        self.waiting.remove(&name);
    }

    /// The looks that wait for their answers.
    pub(crate) fn under_way(&self) -> Vec<u64> {
        let waiting = self.waiting.iter();
        let waiting = waiting.filter(|(_, look)| look.asked_at.elapsed() < LOST);
        waiting.map(|(name, _)| *name).collect()
    }

    /// Whether one of these looks waits for its answer.
    pub(crate) fn wait(&self, names: &[u64]) -> bool {
        names.iter().any(|name| self.waiting.contains_key(name))
    }

    /// Notes that the server has answered.
    pub(crate) fn heard(&mut self) {
        self.unheard_since = None;
        self.are_unserved = false;
    }

    /// Whether no consumer has answered for too long.
    pub(crate) fn are_lost(&self) -> bool {
        self.unheard_since
            .is_some_and(|since| since.elapsed() >= LOST)
    }

    pub(crate) fn are_unserved(&self) -> bool {
        self.are_unserved
    }

    /// Forgets looks whose events would no longer be this process's own.
    pub(crate) fn forget(&mut self, ack_wait: Duration) {
        self.waiting
            .retain(|_, look| look.asked_at.elapsed() < ack_wait);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn consumers(asks: &[(usize, usize)]) -> Vec<usize> {
        asks.iter().map(|(consumer, _)| *consumer).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_busy_partition_does_not_hide_a_quiet_one() {
        let mut looks = Looks::new(64);
        let mut asked = HashSet::new();
        for _ in 0..22 {
            looks.suppose(0);
            asked.extend(consumers(&looks.plan(3, |_| false).asks));
            let explored = consumers(&looks.explore(3, |_| false));
            assert!(explored.len() <= 3, "no more than there are places");
            asked.extend(explored);
            tokio::time::advance(2 * EXPLORE_PAUSE).await;
            assert!(looks.explore(3, |_| false).is_empty(), "too early");
            tokio::time::advance(EXPLORE_PAUSE).await;
        }
        assert_eq!(asked.len(), 65);
    }

    #[tokio::test(start_paused = true)]
    async fn likely_partitions_take_turns_and_held_ones_keep_their_turn() {
        let mut looks = Looks::new(8);
        [3, 1, 2].into_iter().for_each(|one| looks.suppose(one));
        let plan = looks.plan(2, |one| one == 3);
        assert_eq!(consumers(&plan.asks), [1, 2]);
        assert_eq!(looks.likely, [3]);
    }

    #[tokio::test(start_paused = true)]
    async fn events_with_and_without_lanes_share_a_claim() {
        let mut looks = Looks::new(8);
        [8, 0, 1, 2].into_iter().for_each(|one| looks.suppose(one));
        let plan = looks.plan(4, |_| false);
        assert_eq!(plan.asks, [(8, 2), (0, 1), (1, 1)]);
        assert_eq!(looks.likely, [2]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_without_an_answer_blocks_its_consumer_for_a_time_alone() {
        let mut looks = Looks::new(1);
        looks.suppose(0);
        let name = looks.begin(0, 1);
        let plan = looks.plan(1, |_| false);
        assert_eq!((plan.asks, plan.under_way), (vec![], vec![name]));
        tokio::time::advance(LOST).await;
        assert_eq!(looks.plan(1, |_| false).asks, [(0, 1)]);
        // Its answer may still come, and its event is counted from its time on.
        let later = looks.begin(0, 1);
        let asked_at = looks.came(0).unwrap();
        assert_eq!(asked_at.elapsed(), LOST);
        assert!(!looks.wait(&[later]), "the new look is answered");
        looks.end(name, true);
        assert!(looks.came(0).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn consumers_are_lost_until_one_answers() {
        let mut looks = Looks::new(2);
        tokio::time::advance(LOST).await;
        assert!(!looks.are_lost());
        let first = looks.begin(0, 1);
        assert!(!looks.are_lost());
        tokio::time::advance(LOST).await;
        assert!(looks.are_lost());
        // Not only while the looks are remembered.
        looks.forget(LOST);
        assert!(!looks.wait(&[first]));
        let second = looks.begin(1, 1);
        assert!(looks.are_lost());
        looks.end(second, true);
        assert!(!looks.are_lost());
    }
}
