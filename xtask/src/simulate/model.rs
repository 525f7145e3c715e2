//! The model: a step a second. Events are amounts, so that 100,000 a second are as quick as one.

use std::collections::{BTreeMap, VecDeque};

/// The delay before each redelivery, from the failed attempt.
const REDELIVERIES: [u32; 4] = [15, 5 * 60, 3600, 6 * 3600];
/// When a webhook answers that a handler is too slow, in seconds: `ack_deadline` by default.
const ANSWER_LIMIT: f64 = 2.5;
/// After how long a burst begins.
const BURST_BEGINS: u32 = 60;
/// Less than this is none.
const NONE: f64 = 1e-6;

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
    /// The attempts that failed: the first, then each redelivery.
    pub(super) failed: [f64; 5],
    /// The highest number of attempts in a second.
    pub(super) peak_attempts: f64,
    /// Events that are not delivered again.
    pub(super) given_up: f64,
    /// The highest number of stored events that were not handled.
    pub(super) peak_backlog: f64,
    /// The longest time from the acknowledgement of an event until a handler takes it, in seconds.
    pub(super) longest_wait: f64,
    /// When the backlog was gone, and the last redelivery had come; `None` if this did not happen.
    pub(super) over: Option<u32>,
    /// The highest number of stored events, with those that are finished.
    pub(super) peak_stored: f64,
    /// How many seconds were played.
    pub(super) seconds: u32,
}

impl App {
    /// Events per second that the handlers do.
    pub(super) fn handles(&self) -> f64 {
        self.at_once / self.handler
    }
}

impl Load {
    fn rate_at(&self, second: u32) -> f64 {
        let since = second.checked_sub(BURST_BEGINS);
        let in_burst =
            |(_, seconds): &(f64, f64)| since.is_some_and(|since| f64::from(since) < *seconds);
        self.rate * self.burst.filter(in_burst).map_or(1.0, |(times, _)| times)
    }

    fn is_out(&self, second: u32) -> bool {
        let Outage { begins, seconds } = self.outage;
        (begins..begins + seconds).contains(&second)
    }

    /// From here on nothing but the rate comes, and what is left of the time before.
    fn settles(&self) -> u32 {
        let burst = self
            .burst
            .map_or(0, |(_, seconds)| super::whole(seconds.min(172_800.0)));
        (BURST_BEGINS + burst).max(self.outage.begins + self.outage.seconds)
    }
}

/// Plays at most so many seconds.
pub(super) fn play(load: &Load, app: &App, max_seconds: u32) -> Played {
    let mut played = Played::default();
    // The attempts of a second, by number.
    let mut due: BTreeMap<u32, [f64; 5]> = BTreeMap::new();
    let mut backlog = 0.0;
    let mut finished: BTreeMap<u32, f64> = BTreeMap::new();
    let mut kept = 0.0;
    let mut waits = Waits::default();
    for second in 0..max_seconds {
        let mut attempts = due.remove(&second).unwrap_or_default();
        let new = load.rate_at(second);
        attempts[0] += new;
        played.events += new;
        let all: f64 = attempts.iter().sum();
        played.peak_attempts = played.peak_attempts.max(all);

        let handles = if load.is_out(second) {
            0.0
        } else {
            app.handles()
        };
        let takes = match (load.is_out(second), app.has_inbox) {
            (true, _) => 0.0,
            (false, true) => app.stores,
            (false, false) => handles.min(app.stores),
        };
        let share = if all > takes { takes / all } else { 1.0 };
        for (number, amount) in attempts.into_iter().enumerate() {
            // The handler runs on: its event is finished when the redelivery comes.
            let is_late = !app.has_inbox && app.handler > ANSWER_LIMIT && number == 0;
            let failed = if is_late {
                amount
            } else {
                amount * (1.0 - share)
            };
            if failed > NONE {
                played.failed[number] += failed;
                match REDELIVERIES.get(number) {
                    Some(delay) => due.entry(second + delay).or_default()[number + 1] += failed,
                    None => played.given_up += failed,
                }
            }
        }
        if app.has_inbox {
            backlog += all * share;
            let done = f64::min(backlog, handles);
            backlog -= done;
            waits.step(all * share, done);
            played.longest_wait = waits.longest;
            played.peak_backlog = played.peak_backlog.max(backlog);
            kept += done;
            *finished.entry(second.saturating_add(app.kept)).or_default() += done;
            kept -= finished.remove(&second).unwrap_or_default();
            played.peak_stored = played.peak_stored.max(backlog + kept);
        }
        played.seconds = second + 1;
        let is_over = second >= load.settles() && due.is_empty() && backlog <= load.rate;
        if is_over && played.over.is_none() {
            played.over = Some(second);
        }
        // The store is largest once events of the time after are kept.
        if is_over && second >= load.settles() + app.kept {
            break;
        }
    }
    played
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
