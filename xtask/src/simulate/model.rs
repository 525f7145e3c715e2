//! The model: a step a second. Events are amounts, so that 100,000 a second are as quick as one.

use std::collections::{BTreeMap, VecDeque};

/// The delay before each redelivery, from the failed attempt.
const REDELIVERIES: [u32; 4] = [15, 5 * 60, 3600, 6 * 3600];
/// When a webhook answers that a handler is too slow, in seconds: `ack_deadline` by default.
const ANSWER_LIMIT: f64 = 2.5;
/// After how long a burst begins.
const BURST_BEGINS: u32 = 60;
/// How long is played after the app has caught up.
const AFTER: u32 = 60;
/// Less than this is none.
const NONE: f64 = 1e-6;

/// Attempts by number: the first, then each redelivery.
type Attempts = [f64; 5];

/// What comes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Load {
    /// Events per second.
    pub(super) rate: f64,
    /// Times the rate, and for how many seconds.
    pub(super) burst: Option<(f64, f64)>,
    pub(super) outage: Outage,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Outage {
    pub(super) begins: u32,
    pub(super) seconds: u32,
}

/// What receives it.
#[derive(Debug, Clone, Copy)]
pub(super) struct App {
    pub(super) has_inbox: bool,
    /// Events per second that are received and stored.
    pub(super) stores: f64,
    /// Events per second that the store lets all processes handle.
    pub(super) store_handles: f64,
    /// Events that are handled at once.
    pub(super) at_once: f64,
    /// Seconds for one event.
    pub(super) handler: f64,
    /// Seconds for which a finished event is kept.
    pub(super) kept: u32,
    pub(super) event_bytes: f64,
}

/// What happened.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Played {
    /// New events.
    pub(super) events: f64,
    /// The attempts that failed.
    pub(super) failed: Attempts,
    /// The highest number of attempts in a second.
    pub(super) peak_attempts: f64,
    /// Events that are not delivered again, and were not handled.
    pub(super) given_up: f64,
    /// The highest number of stored events that were not handled.
    pub(super) peak_backlog: f64,
    /// The longest time from the acknowledgement of an event until a handler takes it, in seconds.
    pub(super) longest_wait: f64,
    /// When the backlog was gone, and the last event that was refused had come again; `None` if this did not happen.
    pub(super) over: Option<u32>,
    /// The highest number of stored events, with those that are finished.
    pub(super) peak_stored: f64,
    /// How many seconds were played.
    pub(super) seconds: u32,
}

impl App {
    /// Events per second that are handled.
    pub(super) fn handles(&self) -> f64 {
        f64::min(self.at_once / self.handler, self.store_handles)
    }

    /// Whether the store limits the events that are handled, and not the handlers.
    pub(super) fn is_limited_by_store(&self) -> bool {
        self.store_handles < self.at_once / self.handler
    }

    /// Whether an event is answered before its handler is done.
    pub(super) fn is_late(&self) -> bool {
        !self.has_inbox && self.handler > ANSWER_LIMIT
    }

    /// Whether a handler that the attempt before has called is done in time for this one. A `DedupLayer` answers it
    /// then without another call.
    fn is_done_by(&self, number: usize) -> bool {
        let delay = number
            .checked_sub(1)
            .and_then(|before| REDELIVERIES.get(before));
        self.handler <= delay.map_or(0.0, |delay| f64::from(*delay)) + 2.0 * ANSWER_LIMIT
    }
}

impl Load {
    pub(super) fn rate_at(&self, second: u32) -> f64 {
        let since = second.checked_sub(BURST_BEGINS);
        let in_burst =
            |(_, seconds): &(f64, f64)| since.is_some_and(|since| f64::from(since) < *seconds);
        self.rate * self.burst.filter(in_burst).map_or(1.0, |(times, _)| times)
    }

    pub(super) fn is_out(&self, second: u32) -> bool {
        let Outage { begins, seconds } = self.outage;
        (begins..begins + seconds).contains(&second)
    }

    /// When the burst ends, 0 without one.
    pub(super) fn burst_ends(&self) -> u32 {
        self.burst
            .map_or(0, |(_, seconds)| BURST_BEGINS + super::whole(seconds))
    }

    /// When the outage ends, 0 without one.
    pub(super) fn outage_ends(&self) -> u32 {
        let Outage { begins, seconds } = self.outage;
        if seconds > 0 { begins + seconds } else { 0 }
    }

    /// From then on nothing but the rate comes, and redeliveries.
    pub(super) fn settles(&self) -> u32 {
        self.burst_ends().max(self.outage_ends())
    }
}

/// Plays until a minute after the app has caught up, and at most so many seconds.
pub(super) fn play(load: &Load, app: &App, max_seconds: u32) -> Played {
    let mut played = Played::default();
    let mut schedule = Schedule::default();
    let mut queue = Queue::default();
    for second in 0.. {
        let (mut attempts, answered_late) = schedule.take(second);
        let new = load.rate_at(second);
        attempts[0] += new;
        played.events += new;
        let all = sum(&attempts) + sum(&answered_late);
        played.peak_attempts = played.peak_attempts.max(all);

        let (stores, handles) = match load.is_out(second) {
            true => (0.0, 0.0),
            false => (app.stores, app.handles()),
        };
        let stored = share(stores, all);
        let taken = match app.has_inbox {
            true => stored,
            false => stored.min(share(handles, sum(&attempts))),
        };
        for (number, (amount, again)) in attempts.into_iter().zip(answered_late).enumerate() {
            // After an outage, the handler of an event that was answered too late runs again.
            let refused = amount * (1.0 - taken) + again * (1.0 - stored);
            schedule.fails(&mut played, second, number, refused);
            let mut late = 0.0;
            if app.is_late() {
                late += amount * taken;
            }
            if !app.is_done_by(number) {
                late += again * stored;
            }
            schedule.is_late(&mut played, second, number, late);
        }
        if app.has_inbox {
            queue.step(sum(&attempts) * taken, handles, app.kept);
        }
        played.seconds = second + 1;
        let has_settled = second >= load.settles() && !schedule.has_refused();
        if played.over.is_none() && has_settled && queue.backlog <= load.rate {
            played.over = Some(second);
        }
        let until = played.over.map_or(max_seconds, |over| over + AFTER);
        if played.seconds >= until {
            break;
        }
    }
    if app.has_inbox && played.over.is_some() {
        // The store is largest when events of the time after are kept too.
        for _ in 0..app.kept {
            queue.step(load.rate, app.handles(), app.kept);
        }
    }
    played.peak_backlog = queue.peak_backlog;
    played.longest_wait = queue.waits.longest;
    played.peak_stored = queue.peak_stored;
    played
}

fn sum(attempts: &Attempts) -> f64 {
    attempts.iter().sum()
}

/// The share of an amount for which there is room.
fn share(room: f64, amount: f64) -> f64 {
    if amount > room { room / amount } else { 1.0 }
}

/// The attempts that are to come.
#[derive(Default)]
struct Schedule {
    refused: BTreeMap<u32, Attempts>,
    /// Those of events whose handler was called, and was too slow.
    late: BTreeMap<u32, Attempts>,
}

impl Schedule {
    fn take(&mut self, second: u32) -> (Attempts, Attempts) {
        let taken = |from: &mut BTreeMap<u32, Attempts>| from.remove(&second).unwrap_or_default();
        (taken(&mut self.refused), taken(&mut self.late))
    }

    fn has_refused(&self) -> bool {
        !self.refused.is_empty()
    }

    /// An attempt fails at once.
    fn fails(&mut self, played: &mut Played, second: u32, number: usize, amount: f64) {
        if amount <= NONE {
            return;
        }
        played.failed[number] += amount;
        match REDELIVERIES.get(number) {
            Some(delay) => self.refused.entry(second + delay).or_default()[number + 1] += amount,
            None => played.given_up += amount,
        }
    }

    /// An attempt fails because its handler is too slow. The handler runs on.
    fn is_late(&mut self, played: &mut Played, second: u32, number: usize, amount: f64) {
        if amount <= NONE {
            return;
        }
        played.failed[number] += amount;
        if let Some(delay) = REDELIVERIES.get(number) {
            let second = second + super::whole(ANSWER_LIMIT) + delay;
            self.late.entry(second).or_default()[number + 1] += amount;
        }
    }
}

/// The events in the store.
#[derive(Default)]
struct Queue {
    backlog: f64,
    peak_backlog: f64,
    /// What was finished in each of the last seconds.
    finished: VecDeque<f64>,
    kept: f64,
    peak_stored: f64,
    waits: Waits,
}

impl Queue {
    fn step(&mut self, came: f64, handles: f64, kept: u32) {
        self.backlog += came;
        let done = f64::min(self.backlog, handles);
        self.backlog -= done;
        self.peak_backlog = self.peak_backlog.max(self.backlog);
        self.waits.step(came, done);
        self.kept += done;
        self.finished.push_back(done);
        if self.finished.len() > kept as usize {
            self.kept -= self.finished.pop_front().unwrap_or_default();
        }
        self.peak_stored = self.peak_stored.max(self.backlog + self.kept);
    }
}

/// How long events wait for a handler, first in, first out.
#[derive(Default)]
struct Waits {
    second: u32,
    /// What came in which second and waits.
    queue: VecDeque<(u32, f64)>,
    longest: f64,
}

impl Waits {
    fn step(&mut self, came: f64, mut done: f64) {
        self.queue.push_back((self.second, came));
        while let Some((since, waits)) = self.queue.front_mut() {
            let taken = f64::min(*waits, done);
            *waits -= taken;
            done -= taken;
            if *waits > NONE {
                break;
            }
            self.longest = self.longest.max(f64::from(self.second - *since));
            self.queue.pop_front();
        }
        self.second += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u32 = 3600;

    fn load(rate: f64, outage: u32) -> Load {
        Load {
            rate,
            burst: None,
            outage: Outage {
                begins: 600,
                seconds: outage,
            },
        }
    }

    fn app(has_inbox: bool, handles: f64) -> App {
        App {
            has_inbox,
            stores: 1e6,
            store_handles: f64::INFINITY,
            at_once: handles,
            handler: 1.0,
            kept: 8 * HOUR,
            event_bytes: 1024.0,
        }
    }

    #[test]
    fn without_an_outage_nothing_is_redelivered_and_nothing_waits() {
        let played = play(&load(10.0, 0), &app(true, 20.0), 12 * HOUR);
        assert_eq!(played.failed, [0.0; 5]);
        assert_eq!(
            (played.peak_backlog, played.longest_wait, played.given_up),
            (0.0, 0.0, 0.0)
        );
        // All events of eight hours.
        assert!(
            (played.peak_stored - f64::from(8 * HOUR) * 10.0).abs() <= 10.0,
            "{played:?}"
        );
    }

    #[test]
    fn an_outage_of_an_hour_loses_nothing_and_its_events_come_back_after_five_minutes_or_an_hour() {
        let played = play(&load(10.0, HOUR), &app(true, 20.0), 12 * HOUR);
        let hour = f64::from(HOUR);
        assert_eq!(played.given_up, 0.0);
        // Those of the last 15 seconds succeed with the second attempt, those of the last 315 with the third.
        assert_eq!(
            played.failed,
            [
                hour * 10.0,
                (hour - 15.0) * 10.0,
                (hour - 315.0) * 10.0,
                0.0,
                0.0
            ]
        );
        assert_eq!(played.peak_attempts, 30.0);
    }

    #[test]
    fn an_outage_of_eight_hours_gives_up_what_came_in_its_first_fifty_minutes() {
        let played = play(&load(1.0, 8 * HOUR), &app(true, 20.0), 48 * HOUR);
        let span: u32 = REDELIVERIES.iter().sum();
        assert_eq!(played.given_up, f64::from(8 * HOUR - span));
    }

    #[test]
    fn a_backlog_drains_at_what_the_handlers_have_left() {
        let mut load = load(10.0, 0);
        load.burst = Some((10.0, 60.0));
        let played = play(&load, &app(true, 20.0), 12 * HOUR);
        assert_eq!(played.peak_backlog, (100.0 - 20.0) * 60.0);
        let drains = played.peak_backlog / (20.0 - 10.0);
        let over = f64::from(played.over.unwrap());
        assert!(
            (over - f64::from(BURST_BEGINS + 60) - drains).abs() <= 2.0,
            "{played:?}"
        );
        assert!(
            (played.longest_wait - played.peak_backlog / 20.0).abs() <= 2.0,
            "{played:?}"
        );
        let slow_store = App {
            store_handles: 20.0,
            ..app(true, 500.0)
        };
        assert_eq!(play(&load, &slow_store, 12 * HOUR), played);
        let too_slow = play(&load, &app(true, 9.0), 12 * HOUR);
        assert_eq!(too_slow.over, None);
    }

    #[test]
    fn without_an_inbox_what_is_too_much_is_redelivered() {
        let mut load = load(10.0, 0);
        load.burst = Some((10.0, 60.0));
        let played = play(&load, &app(false, 50.0), 12 * HOUR);
        assert!(played.failed[0] > 50.0 * 40.0, "{played:?}");
        assert_eq!((played.given_up, played.peak_backlog), (0.0, 0.0));
        let mut slow = app(false, 50.0);
        slow.handler = 5.0;
        slow.at_once = 1000.0;
        let played = play(&self::load(10.0, 0), &slow, HOUR);
        assert_eq!(played.failed[0], played.events);
        assert_eq!(played.failed[1], 0.0);
    }
}
