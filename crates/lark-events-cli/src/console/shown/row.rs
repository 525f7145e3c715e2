//! A delivery in a list.

use lark_events_sim::Attempt;
use serde::Serialize;

use super::Moment;
use crate::console::filter::{progress_name, transport_name};
use crate::console::web::masked::{Masked, Masks};
use crate::serve::history::Delivery;
use crate::serve::row::{code, missing};

#[derive(Debug, Serialize)]
pub(crate) struct RowShown {
    pub(crate) number: usize,
    pub(crate) event_type: Masked,
    pub(crate) event_id: Masked,
    pub(crate) transport: &'static str,
    pub(crate) callback: bool,
    pub(crate) replay_of: Option<usize>,
    pub(crate) pushed_at: Moment,
    pub(crate) progress: &'static str,
    pub(crate) ended: bool,
    /// How many attempts have ended, copies included.
    pub(crate) attempt_count: usize,
    pub(crate) last_attempt: Option<LastAttempt>,
    pub(crate) next_attempt: Option<Moment>,
    #[serde(skip)]
    pub(crate) is_first_under_way: bool,
    /// The faults that have happened to it, each once.
    pub(crate) faults: Vec<String>,
    pub(crate) revision: u64,
}

/// The attempt that ended last.
#[derive(Debug, Serialize)]
pub(crate) struct LastAttempt {
    pub(crate) number: usize,
    pub(crate) copy: bool,
    pub(crate) accepted: bool,
    pub(crate) answer: String,
    pub(crate) code: Option<i64>,
    pub(crate) missing: Option<&'static str>,
    pub(crate) took_ms: f64,
    #[serde(skip)]
    pub(crate) took: std::time::Duration,
}

impl RowShown {
    pub(crate) fn new(delivery: &Delivery, masks: &Masks) -> Self {
        let mut faults: Vec<String> = Vec::new();
        for fault in delivery.attempts.iter().flat_map(|attempt| &attempt.faults) {
            let name = fault.to_string();
            if !faults.contains(&name) {
                faults.push(name);
            }
        }
        Self {
            number: delivery.number,
            event_type: masks.short(&delivery.event_type),
            event_id: masks.short(&delivery.event_id),
            transport: transport_name(delivery.mode),
            callback: delivery.is_callback,
            replay_of: delivery.replay_of,
            pushed_at: delivery.pushed_at.into(),
            progress: progress_name(delivery.progress()),
            ended: delivery.ended,
            attempt_count: delivery.attempts.len(),
            last_attempt: delivery.attempts.last().map(LastAttempt::of),
            next_attempt: delivery.next_attempt().map(Moment::from),
            is_first_under_way: delivery.is_first_under_way(),
            faults,
            revision: delivery.revision,
        }
    }
}

impl LastAttempt {
    fn of(attempt: &Attempt) -> Self {
        Self {
            number: attempt.number,
            copy: attempt.copy,
            accepted: attempt.accepted(),
            answer: attempt.answer.to_string(),
            code: code(&attempt.answer),
            missing: missing(&attempt.answer),
            took_ms: attempt.took.as_secs_f64() * 1e3,
            took: attempt.took,
        }
    }
}
