//! The events of a store in memory: lanes, leases and keys, without a clock of their own.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use lark_events_layers::run::after;
use lru::LruCache;
use tokio::time::Instant;

use super::VolatileStoreBuilder;
use crate::admin::{AttemptRecord, Filter, Listed, Order, Page, Shown, State as EventState};
use crate::store::{
    Appended, Claimed, Entry, Fence, Refused, Settled, Settlement, Status, WorkerId, WorkerState,
};

/// The maximum number of dead letters, and of attempts in the history of an event. Older ones are
/// forgotten: nothing but the memory of the process has room for them.
const MAX_DEAD: usize = 1_024;
const MAX_HISTORY: usize = 16;
/// The longest delay of a retry while the last worker shuts down, so that an event gets its attempts
/// before the process ends.
const MAX_DELAY_AT_THE_END: Duration = Duration::from_secs(1);

/// A place in the order of visible events: by time, then by which became visible first.
type Place = (Instant, u64, u64);

#[derive(Debug)]
pub(super) struct State {
    limits: VolatileStoreBuilder,
    /// The number of the last event, and of the last place.
    last_seq: u64,
    last_place: u64,
    /// Boxed, because a growing table moves its values.
    tasks: HashMap<u64, Box<Task>>,
    /// The events of each lane, the head first. A lane is removed with its last event.
    lanes: HashMap<Arc<str>, VecDeque<u64>>,
    /// The heads of lanes, and the events without a lane.
    heads: BTreeSet<Place>,
    free: BTreeSet<Place>,
    /// Whether the next claim begins with the head of a lane.
    lane_is_next: bool,
    /// The keys of tasks.
    live: HashSet<Arc<str>>,
    /// The keys of events that are finished or dead, each with the time until which it counts.
    keys: LruCache<Arc<str>, Instant>,
    dead: BTreeMap<u64, Box<Task>>,
    bytes: usize,
    workers: HashMap<WorkerId, (WorkerState, Instant)>,
}

#[derive(Debug)]
struct Task {
    entry: Entry,
    bytes: usize,
    /// The lane that it waits in; `None` too for an event that was set aside.
    lane: Option<Arc<str>>,
    /// Its place among the visible events, if it is the head of its lane or has none.
    place: Option<Place>,
    attempt: u32,
    /// The current or last claim.
    fence: Option<Fence>,
    history: VecDeque<AttemptRecord>,
}

impl State {
    pub(super) fn new(limits: VolatileStoreBuilder) -> Self {
        let mut keys = LruCache::unbounded();
        keys.resize(limits.remembered);
        Self {
            limits,
            last_seq: 0,
            last_place: 0,
            tasks: HashMap::new(),
            lanes: HashMap::new(),
            heads: BTreeSet::new(),
            free: BTreeSet::new(),
            lane_is_next: true,
            live: HashSet::new(),
            keys,
            dead: BTreeMap::new(),
            bytes: 0,
            workers: HashMap::new(),
        }
    }

    pub(super) fn append(&mut self, entry: Entry, now: Instant) -> Appended {
        if self.knows(&entry, now) {
            return Appended::Duplicate;
        }
        if let Some(refused) = self.refuses(&entry) {
            return Appended::Refused(refused);
        }
        let bytes = entry.bytes();
        let lane = entry.lane.as_deref().map(Arc::from);
        self.last_seq = self.last_seq.saturating_add(1);
        let task = Box::new(Task {
            entry,
            bytes,
            lane,
            place: None,
            attempt: 0,
            fence: None,
            history: VecDeque::new(),
        });
        self.enqueue(self.last_seq, task, now);
        Appended::New
    }

    fn knows(&mut self, entry: &Entry, now: Instant) -> bool {
        let Some(key) = entry.key.as_deref() else {
            return false;
        };
        if self.live.contains(key) {
            return true;
        }
        let kept = self.keys.peek_mut(key).filter(|kept| **kept > now);
        // A signature of the duplicate starts a new replay window.
        kept.is_some_and(|kept| {
            *kept = after(now, entry.kept).max(*kept);
            true
        })
    }

    fn refuses(&self, entry: &Entry) -> Option<Refused> {
        if self.is_ending() {
            return Some(Refused::ShuttingDown);
        }
        if self.workers.is_empty() {
            return Some(Refused::NoWorker);
        }
        let is_full = self.tasks.len() >= self.limits.max_events
            || self.bytes.saturating_add(entry.bytes()) > self.limits.max_bytes;
        is_full.then_some(Refused::Full)
    }

    /// Puts a task into its lane, in the order of the numbers, but not before the head.
    fn enqueue(&mut self, seq: u64, task: Box<Task>, now: Instant) {
        let lane = task.lane.clone();
        self.live.extend(task.entry.key.as_deref().map(Arc::from));
        self.bytes = self.bytes.saturating_add(task.bytes);
        self.tasks.insert(seq, task);
        let is_first = lane.is_none_or(|lane| {
            let lane = self.lanes.entry(lane).or_default();
            let behind = lane.iter().skip(1).rev().take_while(|&&other| other > seq);
            let place = lane.len().saturating_sub(behind.count());
            lane.insert(place, seq);
            lane.len() == 1
        });
        if is_first {
            self.show_at(seq, now);
        }
    }

    /// Gives the head of a lane, or a task without one, a new place.
    fn show_at(&mut self, seq: u64, visible_at: Instant) {
        self.hide(seq);
        let Some(task) = self.tasks.get_mut(&seq) else {
            return;
        };
        self.last_place = self.last_place.saturating_add(1);
        let place = (visible_at, self.last_place, seq);
        task.place = Some(place);
        match task.lane {
            Some(_) => self.heads.insert(place),
            None => self.free.insert(place),
        };
    }

    fn hide(&mut self, seq: u64) {
        if let Some(place) = self.tasks.get_mut(&seq).and_then(|task| task.place.take()) {
            self.heads.remove(&place);
            self.free.remove(&place);
        }
    }

    pub(super) fn claim(&mut self, max: usize, lease: Duration, now: Instant) -> Vec<Claimed> {
        let mut claimed = Vec::new();
        while claimed.len() < max {
            let visible = |places: &BTreeSet<Place>| {
                let first = places.first().filter(|(at, ..)| *at <= now);
                first.map(|&(.., seq)| seq)
            };
            let (head, free) = (visible(&self.heads), visible(&self.free));
            let first = if self.lane_is_next {
                head.or(free)
            } else {
                free.or(head)
            };
            let Some(seq) = first else {
                break;
            };
            self.lane_is_next = Some(seq) != head;
            self.show_at(seq, after(now, lease));
            let Some(task) = self.tasks.get_mut(&seq) else {
                break;
            };
            task.attempt = task.attempt.saturating_add(1);
            let fence = Fence::draw(seq);
            task.fence = Some(fence);
            claimed.push(Claimed::new(fence, task.attempt, task.entry.clone()));
        }
        claimed
    }

    fn holds(&self, fence: Fence) -> bool {
        let task = self.tasks.get(&fence.seq());
        task.is_some_and(|task| task.fence == Some(fence))
    }

    pub(super) fn extend(&mut self, fence: Fence, lease: Duration, now: Instant) -> bool {
        let held = self.holds(fence);
        if held {
            self.show_at(fence.seq(), after(now, lease));
        }
        held
    }

    /// Ends a claim. Returns `false` for a lost one.
    pub(super) fn settle(&mut self, settlement: Settlement, now: Instant) -> bool {
        let seq = settlement.fence.seq();
        if !self.holds(settlement.fence) {
            return false;
        }
        let settled = settlement.settled;
        let Some(task) = self.tasks.get_mut(&seq) else {
            return false;
        };
        task.fence = None;
        task.record(settlement);
        match settled {
            Settled::Done => {
                self.remove(seq, now);
            }
            Settled::Dead => {
                if let Some(task) = self.remove(seq, now) {
                    self.bury(seq, task);
                }
            }
            Settled::RetryIn(delay) => self.show_at(seq, after(now, self.delay(delay))),
            Settled::Release(delay) => {
                task.attempt = task.attempt.saturating_sub(1);
                self.show_at(seq, after(now, self.delay(delay)));
            }
            Settled::SetAside(delay) => {
                task.attempt = task.attempt.saturating_sub(1);
                self.leave_lane(seq, now);
                self.show_at(seq, after(now, self.delay(delay)));
            }
        }
        true
    }

    fn delay(&self, delay: Duration) -> Duration {
        if self.is_ending() {
            delay.min(MAX_DELAY_AT_THE_END)
        } else {
            delay
        }
    }

    /// The states of the workers that have not stopped.
    fn states(&self) -> impl Iterator<Item = WorkerState> {
        self.workers.values().map(|&(state, _)| state)
    }

    /// Whether the last worker is shutting down.
    fn is_ending(&self) -> bool {
        let mut states = self.states();
        !self.workers.is_empty() && states.all(|state| state == WorkerState::Stopping)
    }

    /// Removes a task. Its key is remembered.
    fn remove(&mut self, seq: u64, now: Instant) -> Option<Box<Task>> {
        self.leave_lane(seq, now);
        let task = self.tasks.remove(&seq)?;
        self.bytes = self.bytes.saturating_sub(task.bytes);
        let key = task.entry.key.as_deref();
        if let Some(key) = key.and_then(|key| self.live.take(key)) {
            self.keys.put(key, after(now, task.entry.kept));
        }
        Some(task)
    }

    /// Takes a task out of its lane, whose next event becomes visible, behind those that wait already.
    fn leave_lane(&mut self, seq: u64, now: Instant) {
        self.hide(seq);
        let Some(name) = self.tasks.get_mut(&seq).and_then(|task| task.lane.take()) else {
            return;
        };
        let Some(lane) = self.lanes.get_mut(&name) else {
            return;
        };
        let was_head = lane.front() == Some(&seq);
        lane.retain(|&other| other != seq);
        match lane.front().copied() {
            Some(next) if was_head => self.show_at(next, now),
            Some(_) => {}
            None => {
                self.lanes.remove(&name);
            }
        }
    }

    fn bury(&mut self, seq: u64, task: Box<Task>) {
        self.dead.insert(seq, task);
        if self.dead.len() > MAX_DEAD {
            self.dead.pop_first();
        }
    }

    /// When the next event becomes visible.
    pub(super) fn next_visible(&self) -> Option<Instant> {
        let first = |places: &BTreeSet<Place>| places.first().map(|&(at, ..)| at);
        let (head, free) = (first(&self.heads), first(&self.free));
        head.into_iter().chain(free).min()
    }

    pub(super) fn heartbeat(&mut self, worker: WorkerId, state: WorkerState, now: Instant) {
        match state {
            WorkerState::Stopped => self.workers.remove(&worker),
            state => self.workers.insert(worker, (state, now)),
        };
        if self.is_ending() {
            let waiting = self.tasks.iter().filter(|(_, task)| {
                let leased = task.fence.is_some();
                task.place.is_some_and(|(at, ..)| !leased && at > now)
            });
            let waiting: BTreeSet<u64> = waiting.map(|(&seq, _)| seq).collect();
            for seq in waiting {
                self.show_at(seq, now);
            }
        }
    }

    /// The events that are not finished, if no worker is left that could handle them.
    pub(super) fn abandoned(&self) -> Vec<&Entry> {
        if !self.workers.is_empty() {
            return Vec::new();
        }
        let in_order: BTreeMap<_, _> = self.tasks.iter().collect();
        in_order.into_values().map(|task| &task.entry).collect()
    }

    #[expect(clippy::arithmetic_side_effects, reason = "counts of what is in memory")]
    pub(super) fn status(&self, now: Instant) -> Status {
        let mut status = Status {
            dead: self.dead.len() as u64,
            oldest: self.oldest(),
            lag: self
                .next_visible()
                .filter(|next| *next <= now)
                .map(|next| now.saturating_duration_since(next)),
            ..Status::default()
        };
        for task in self.tasks.values() {
            match task.state(now) {
                EventState::Ready => status.ready += 1,
                EventState::Leased => status.leased += 1,
                _ => status.waiting += 1,
            }
            let is_blocked = task.lane.is_some() && task.fence.is_none();
            let is_blocked = is_blocked && task.place.is_some_and(|(at, ..)| at > now);
            status.blocked_lanes += u64::from(is_blocked);
        }
        let running = self.states().filter(|&state| state == WorkerState::Running);
        status.workers = running.count() as u64;
        let seen = self.workers.values().map(|&(_, seen)| seen).max();
        status.worker_seen = seen.map(|seen| now.saturating_duration_since(seen));
        status
    }

    fn oldest(&self) -> Option<Duration> {
        let arrivals = self.tasks.values();
        let oldest = arrivals.map(|task| task.entry.delivery.received_at).min()?;
        Some(SystemTime::now().duration_since(oldest).unwrap_or_default())
    }

    /// All events and dead letters, in the order of their numbers.
    fn listed(&self, now: Instant) -> BTreeMap<u64, Listed> {
        let tasks = self
            .tasks
            .iter()
            .map(|(seq, task)| (seq, task, task.state(now)));
        let dead = self.dead.iter();
        let dead = dead.map(|(seq, task)| (seq, task, EventState::Dead));
        let listed = tasks.chain(dead);
        listed
            .map(|(&seq, task, state)| (seq, task.listed(seq, state, now)))
            .collect()
    }

    pub(super) fn list(&self, filter: &Filter, page: Page, now: Instant) -> Vec<Listed> {
        let listed = self.listed(now).into_values();
        let matching = listed.filter(|listed| filter.matches(listed));
        match page.order {
            Order::OldestFirst => matching
                .filter(|listed| page.after.is_none_or(|after| listed.seq > after))
                .take(page.limit)
                .collect(),
            Order::NewestFirst => matching
                .rev()
                .filter(|listed| page.after.is_none_or(|after| listed.seq < after))
                .take(page.limit)
                .collect(),
        }
    }

    pub(super) fn last(&self) -> Option<u64> {
        (self.last_seq > 0).then_some(self.last_seq)
    }

    pub(super) fn show(&self, seq: u64, now: Instant) -> Option<Shown> {
        let listed = self.listed(now).remove(&seq)?;
        let task = self.tasks.get(&seq).or_else(|| self.dead.get(&seq))?;
        let history = task.history.iter().cloned().collect();
        let delivery = task.entry.delivery.clone();
        Some(Shown::new(
            listed,
            delivery,
            task.entry.trace.clone(),
            history,
        ))
    }

    fn matching(&self, filter: &Filter, limit: usize, now: Instant) -> Vec<Listed> {
        let matching = self.list(filter, Page::first(usize::MAX), now).into_iter();
        let idle = matching.filter(|listed| listed.state != EventState::Leased);
        idle.take(limit).collect()
    }

    #[expect(clippy::arithmetic_side_effects, reason = "a count of what is in memory")]
    pub(super) fn retry(&mut self, filter: &Filter, limit: usize, now: Instant) -> u64 {
        let mut retried: u64 = 0;
        for listed in self.matching(filter, limit, now) {
            if let Some(mut task) = self.dead.remove(&listed.seq) {
                task.attempt = 0;
                task.lane = task.entry.lane.as_deref().map(Arc::from);
                self.enqueue(listed.seq, task, now);
            } else if listed.visible_in.is_some() {
                self.show_at(listed.seq, now);
            } else {
                continue;
            }
            retried += 1;
        }
        retried
    }

    pub(super) fn discard(&mut self, filter: &Filter, limit: usize, now: Instant) -> u64 {
        let discarded = self.matching(filter, limit, now);
        for listed in &discarded {
            if self.dead.remove(&listed.seq).is_none() {
                self.remove(listed.seq, now);
            }
        }
        discarded.len() as u64
    }
}

impl Task {
    fn record(&mut self, settlement: Settlement) {
        if settlement.settled == Settled::Done {
            return;
        }
        if self.history.len() >= MAX_HISTORY {
            self.history.pop_front();
        }
        self.history.push_back(AttemptRecord::new(
            self.attempt,
            SystemTime::now(),
            settlement.took,
            settlement.outcome,
            settlement.error,
        ));
    }

    fn state(&self, now: Instant) -> EventState {
        match self.place {
            Some((at, ..)) if at <= now => EventState::Ready,
            Some(_) if self.fence.is_some() => EventState::Leased,
            _ => EventState::Waiting,
        }
    }

    fn listed(&self, seq: u64, state: EventState, now: Instant) -> Listed {
        let mut listed = Listed::new(seq, state, &self.entry.delivery);
        listed.lane.clone_from(&self.entry.lane);
        listed.attempts = self.attempt;
        let visible_in = self.place.map(|(at, ..)| at.saturating_duration_since(now));
        listed.visible_in = visible_in.filter(|time| !time.is_zero());
        let last = self.history.back();
        listed.last_error = last.and_then(|attempt| attempt.error.clone());
        listed
    }
}
