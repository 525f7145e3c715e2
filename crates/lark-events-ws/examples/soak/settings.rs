//! The settings of the platform, the app and the load. Their times are short, so that ten minutes show
//! what takes days in production.

use std::time::Duration;

/// Connections that stay for the whole run, over all that happens to them. One more comes and goes.
pub(crate) const STEADY_CONNECTIONS: usize = 3;
/// How long the one that comes and goes is there, in seconds.
pub(crate) const PASSING_SECONDS: std::ops::Range<u64> = 10..25;

/// When the platform stops waiting for an answer.
pub(crate) const ANSWER_LIMIT: Duration = Duration::from_millis(1500);
/// When the app answers an event without an outcome as failed.
pub(crate) const ACK_DEADLINE: Duration = Duration::from_secs(1);
/// How long a connection has to last for its back-off to start anew: a minute elsewhere, and longer
/// than most connections last here.
pub(crate) const STABLE_AFTER: Duration = Duration::from_secs(1);
/// How long after each failed attempt the next one comes.
pub(crate) const REDELIVER_AFTER: [Duration; 7] = [
    Duration::from_millis(20),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(200),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(1),
];
/// Above this, events come in fragments.
pub(crate) const FRAGMENT_BYTES: usize = 2048;
/// How long the text of a large event is, in bytes: up to ten fragments.
pub(crate) const LARGE_BYTES: std::ops::Range<usize> = 2048..20_000;

/// How often something is pushed.
pub(crate) const TICK: Duration = Duration::from_millis(10);
/// 200 a second.
pub(crate) const EVENTS_PER_TICK: usize = 2;
/// Pushes that have not come to their end: a minute's worth. At that bound no more is pushed.
pub(crate) const MAX_OPEN: usize = 12_000;

/// How often a line of figures is printed.
pub(crate) const REPORT_EVERY: Duration = Duration::from_secs(30);
/// When memory is read for the first time: by then all that is bounded has been at its bound. A run
/// that is over before says nothing about memory.
pub(crate) const MEMORY_MARK: Duration = Duration::from_secs(2 * 60);
/// By how much memory may have grown from there to the end, in percent.
pub(crate) const MAX_GROWTH_PERCENT: u64 = 5;
/// How many of the events that some handler succeeds with must have been acknowledged in the end,
/// in percent: all eight attempts, of three seconds together, may fall into one outage.
pub(crate) const MIN_ACKED_PERCENT: u64 = 99;
/// How many callbacks must have been replied to, in percent: each is pushed once, and may be lost.
pub(crate) const MIN_REPLIES_PERCENT: u64 = 70;

/// How long anything may take that is waited for at the start and at the end.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
