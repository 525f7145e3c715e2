//! Who handled what: every event from its push to its end, so that an acknowledgement without a
//! success is noticed. What has ended is forgotten, and memory stays where it is.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lark_events::RawJson;
use lark_events_sim::{CallbackError, Report};

/// What an event's handler does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    /// It succeeds after this long.
    Succeed(Duration),
    Fail,
    Panic,
    /// It succeeds when its deadline has passed.
    BeLate,
    /// It goes on for ever, where late handlers are cancelled.
    Hang,
}

/// What the handlers of an event do, run by run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    /// What the first runs do.
    pub(crate) first: Act,
    pub(crate) first_runs: u32,
    /// What all others do.
    pub(crate) then: Act,
}

/// An event that has not come to its end.
struct Open {
    plan: Plan,
    started: u32,
    succeeded: u32,
}

/// How many violations are described. Further ones are only counted.
const MAX_DESCRIBED: usize = 20;

#[derive(Default)]
pub(crate) struct Ledger {
    open: Mutex<HashMap<String, Open>>,
    described: Mutex<Vec<String>>,
    pub(crate) figures: Figures,
}

/// What happened so far.
#[derive(Default)]
pub(crate) struct Figures {
    /// Events pushed, and of those: acknowledged in the end.
    pub(crate) pushed: Count,
    pub(crate) acked: Count,
    /// Those that no handler ever succeeds with.
    pub(crate) hopeless: Count,
    pub(crate) redelivered: Count,
    pub(crate) callbacks: Count,
    pub(crate) replies: Count,
    /// Runs of handlers that began, and how they ended.
    pub(crate) runs: Count,
    pub(crate) handled: Count,
    pub(crate) failures: Count,
    pub(crate) panics: Count,
    /// Panics that were not planned.
    pub(crate) other_panics: Count,
    /// Events that were not pushed, as too many were on their way.
    pub(crate) held_back: Count,
    /// Violations of what must hold.
    pub(crate) wrong: Count,
}

#[derive(Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn one(&self) {
        self.add(1);
    }

    pub(crate) fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Ledger {
    /// Opens the account of an event that is about to be pushed.
    pub(crate) fn push(&self, event_id: &str, plan: Plan) {
        self.figures.pushed.one();
        if plan.first_runs == u32::MAX {
            self.figures.hopeless.one();
        }
        let open = Open {
            plan,
            started: 0,
            succeeded: 0,
        };
        locked(&self.open).insert(event_id.to_owned(), open);
    }

    /// A handler begins: what it is to do.
    pub(crate) fn begin(&self, event_id: &str) -> Act {
        self.figures.runs.one();
        let mut open = locked(&self.open);
        // The last attempt may have timed out before its handler is run.
        let Some(event) = open.get_mut(event_id) else {
            return Act::Succeed(Duration::ZERO);
        };
        event.started += 1;
        if event.started <= event.plan.first_runs {
            event.plan.first
        } else {
            event.plan.then
        }
    }

    /// A handler is about to return its success.
    pub(crate) fn succeed(&self, event_id: &str) {
        self.figures.handled.one();
        if let Some(event) = locked(&self.open).get_mut(event_id) {
            event.succeeded += 1;
        }
    }

    /// Closes the account of an event: each acknowledgement needs a success of its own.
    pub(crate) fn settle(&self, report: &Report) {
        let event = locked(&self.open).remove(&report.event_id);
        let attempts = report.attempts.iter();
        let redelivered = attempts.filter(|attempt| attempt.number > 1 && !attempt.copy);
        self.figures.redelivered.add(redelivered.count() as u64);
        if report.acknowledged() {
            self.figures.acked.one();
        }
        let attempts = report.attempts.iter();
        let accepted = attempts.filter(|attempt| attempt.accepted()).count();
        let succeeded = event.map_or(0, |event| event.succeeded);
        if accepted > succeeded as usize {
            self.wrong(format!(
                "{} was acknowledged {accepted} times and handled {succeeded} times",
                report.event_id
            ));
        }
        if !report.ended {
            self.wrong(format!("{} did not come to its end", report.event_id));
        }
    }

    /// A callback has been answered, or not: a reply must be its own.
    pub(crate) fn settle_callback(
        &self,
        expected: &RawJson,
        reply: Result<RawJson, CallbackError>,
    ) {
        let Ok(reply) = reply else { return };
        self.figures.replies.one();
        if reply != *expected {
            self.wrong(format!(
                "a callback was answered with {} instead of {}",
                reply.as_str(),
                expected.as_str()
            ));
        }
    }

    /// Something happened that must not.
    pub(crate) fn wrong(&self, what: String) {
        self.figures.wrong.one();
        let mut described = locked(&self.described);
        if described.len() < MAX_DESCRIBED {
            described.push(what);
        }
    }

    pub(crate) fn described(&self) -> Vec<String> {
        locked(&self.described).clone()
    }

    /// Events that have not come to their end.
    pub(crate) fn open(&self) -> usize {
        locked(&self.open).len()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
