//! Metrics, for whatever recorder the program installs. Without the feature `metrics`, nothing.

use lark_events_layers::LayerError;
use tokio::time::Instant;

use crate::queue::Pushed;
use crate::store::{AttemptOutcome, Status};

#[cfg(feature = "metrics")]
mod recorded {
    use std::sync::Once;
    use std::time::{Duration, SystemTime};

    use metrics::{
        Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
    };

    use super::*;

    const APPENDS: &str = "lark_events_inbox_appends_total";
    const APPEND_SECONDS: &str = "lark_events_inbox_append_seconds";
    const BATCH_EVENTS: &str = "lark_events_inbox_batch_events";
    const READY: &str = "lark_events_inbox_ready";
    const WAITING: &str = "lark_events_inbox_waiting";
    const LEASED: &str = "lark_events_inbox_leased";
    const DEAD: &str = "lark_events_inbox_dead";
    const OLDEST_SECONDS: &str = "lark_events_inbox_oldest_seconds";
    const BLOCKED_LANES: &str = "lark_events_inbox_blocked_lanes";
    const WORKERS: &str = "lark_events_inbox_workers";
    const ATTEMPTS: &str = "lark_events_inbox_attempts_total";
    const LAG_SECONDS: &str = "lark_events_inbox_lag_seconds";
    const LEASES_LOST: &str = "lark_events_inbox_leases_lost_total";
    const PRUNED: &str = "lark_events_inbox_pruned_total";

    fn described() {
        static DESCRIBED: Once = Once::new();
        DESCRIBED.call_once(|| {
            describe_counter!(APPENDS, Unit::Count, "events appended, by result");
            describe_histogram!(APPEND_SECONDS, Unit::Seconds, "arrival to stored");
            describe_histogram!(BATCH_EVENTS, Unit::Count, "events in one append");
            describe_gauge!(READY, Unit::Count, "events that could be claimed");
            describe_gauge!(
                WAITING,
                Unit::Count,
                "events that wait for their lane or a retry"
            );
            describe_gauge!(LEASED, Unit::Count, "events being handled");
            describe_gauge!(DEAD, Unit::Count, "dead letters");
            describe_gauge!(
                OLDEST_SECONDS,
                Unit::Seconds,
                "age of the oldest unfinished event"
            );
            describe_gauge!(
                BLOCKED_LANES,
                Unit::Count,
                "lanes whose head waits for a retry"
            );
            describe_gauge!(WORKERS, Unit::Count, "workers that run");
            describe_counter!(ATTEMPTS, Unit::Count, "attempts, by outcome");
            describe_histogram!(LAG_SECONDS, Unit::Seconds, "arrival to first attempt");
            #[cfg(feature = "sqlite")]
            describe_counter!(PRUNED, Unit::Count, "finished events removed");
            describe_counter!(LEASES_LOST, Unit::Count, "claims lost to another worker");
        });
    }

    pub(crate) fn appended(result: &Result<Pushed, LayerError>, began: Instant) {
        described();
        let result = match result {
            Ok(Pushed::New) => "new",
            Ok(Pushed::Duplicate) => "duplicate",
            Err(error) => error.kind().as_str(),
        };
        counter!(APPENDS, "result" => result).increment(1);
        histogram!(APPEND_SECONDS).record(began.elapsed());
    }

    pub(crate) fn batch(events: usize) {
        described();
        #[expect(clippy::cast_precision_loss, reason = "at most a batch")]
        histogram!(BATCH_EVENTS).record(events as f64);
    }

    pub(crate) fn status(status: &Status) {
        described();
        #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
        for (name, count) in [
            (READY, status.ready),
            (WAITING, status.waiting),
            (LEASED, status.leased),
            (DEAD, status.dead),
            (BLOCKED_LANES, status.blocked_lanes),
            (WORKERS, status.workers),
        ] {
            gauge!(name).set(count as f64);
        }
        gauge!(OLDEST_SECONDS).set(status.oldest.unwrap_or_default().as_secs_f64());
    }

    pub(crate) fn started(received_at: SystemTime) {
        described();
        let lag = SystemTime::now().duration_since(received_at);
        histogram!(LAG_SECONDS).record(lag.unwrap_or(Duration::ZERO));
    }

    pub(crate) fn attempted(outcome: AttemptOutcome) {
        described();
        counter!(ATTEMPTS, "outcome" => outcome.as_str()).increment(1);
    }

    pub(crate) fn lost(claims: usize) {
        described();
        counter!(LEASES_LOST).increment(claims as u64);
    }

    pub(crate) fn pruned(events: u64) {
        described();
        counter!(PRUNED).increment(events);
    }
}

#[cfg(feature = "metrics")]
pub(crate) use recorded::*;

#[cfg(not(feature = "metrics"))]
mod nothing {
    use std::time::SystemTime;

    use super::*;

    pub(crate) fn appended(_: &Result<Pushed, LayerError>, _: Instant) {}
    pub(crate) fn batch(_: usize) {}
    pub(crate) fn status(_: &Status) {}
    pub(crate) fn started(_: SystemTime) {}
    pub(crate) fn attempted(_: AttemptOutcome) {}
    pub(crate) fn lost(_: usize) {}
    pub(crate) fn pruned(_: u64) {}
}

#[cfg(not(feature = "metrics"))]
pub(crate) use nothing::*;
