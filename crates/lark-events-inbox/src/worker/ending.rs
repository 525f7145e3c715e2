//! What becomes of an event after an attempt.

use std::error::Error;
use std::time::{Duration, SystemTime};

use lark_events::dispatch::Verdict;
use lark_events::error::DispatchErrorKind;
use lark_events::event::DeliveryKind;
use lark_events::{BoxError, DispatchError, Outcome};
use lark_events_layers::run::{Ended, causes, is_logged, unless_rejected};
use lark_events_layers::{LayerError, LayerErrorKind};
use tower::load_shed::error::Overloaded;
use tracing::{error, warn};

use super::backoff;
use crate::builder::InboxBuilder;
use crate::store::{AttemptOutcome, Claimed, Fence, MAX_ERROR_BYTES, Settled, Settlement};

/// The facts of an attempt that its settlement needs.
#[derive(Debug, Clone)]
pub(super) struct Attempted {
    pub(super) fence: Fence,
    pub(super) attempt: u32,
    pub(super) event_type: String,
    pub(super) event_id: Option<String>,
    received_at: SystemTime,
}

impl Attempted {
    pub(super) fn of(claimed: &Claimed) -> Self {
        let delivery = &claimed.entry.delivery;
        Self {
            fence: claimed.fence,
            attempt: claimed.attempt,
            event_type: delivery.header.event_type.clone(),
            event_id: delivery.header.event_id.clone(),
            received_at: delivery.received_at,
        }
    }

    /// The settlement of an event whose workers died during each of its attempts.
    pub(super) fn lost(&self) -> Settlement {
        let error = "the worker died during each attempt";
        self.log_dead(error);
        self.settlement(Settled::Dead, AttemptOutcome::Lost, Some(error.to_owned()))
    }

    /// The settlement of an attempt that ended.
    pub(super) fn settle(
        &self,
        settings: &InboxBuilder,
        ended: Ended,
        took: Duration,
    ) -> Settlement {
        let mut settlement = match ended {
            Ended::Finished(Ok(outcome)) => self.finished(&outcome),
            Ended::Finished(Err(error)) => self.failed(settings, error),
            Ended::Late | Ended::Drained => self.settlement(
                Settled::Release(Duration::ZERO),
                AttemptOutcome::Cancelled,
                None,
            ),
        };
        settlement.took = took;
        settlement
    }

    fn finished(&self, outcome: &Outcome) -> Settlement {
        match outcome {
            Outcome::Rejected(error) => {
                let error = Some(shortened(error.clone()));
                self.settlement(Settled::Done, AttemptOutcome::Rejected, error)
            }
            Outcome::Unhandled => self.settlement(Settled::Done, AttemptOutcome::Unhandled, None),
            _ => self.settlement(Settled::Done, AttemptOutcome::Handled, None),
        }
    }

    fn failed(&self, settings: &InboxBuilder, error: BoxError) -> Settlement {
        let named = (&*self.event_type, self.event_id.as_deref());
        // A callback in the queue has no user who waits for its reply.
        let error = match unless_rejected(DeliveryKind::Notification, named, error) {
            Ok(outcome) => return self.finished(&outcome),
            Err(error) => error,
        };
        let error = &*error as &(dyn Error + 'static);
        let text = Some(shortened(with_causes(error)));
        if is_not_started(error) {
            let settled = Settled::Release(backoff::not_started());
            return self.settlement(settled, AttemptOutcome::NotStarted, text);
        }
        let dispatched = causes(error).find_map(|error| error.downcast_ref::<DispatchError>());
        let outcome = match dispatched.map(DispatchError::kind) {
            Some(DispatchErrorKind::Unhandled) => return self.unhandled(settings, text),
            Some(DispatchErrorKind::Decode) => AttemptOutcome::Undecodable,
            Some(DispatchErrorKind::Panic) => AttemptOutcome::Panicked,
            _ if is_panic(error) => AttemptOutcome::Panicked,
            _ => AttemptOutcome::Failed,
        };
        let is_last = self.attempt >= settings.attempts || outcome == AttemptOutcome::Undecodable;
        if is_last {
            self.log_dead(text.as_deref().unwrap_or_default());
            return self.settlement(Settled::Dead, outcome, text);
        }
        let delay = match Verdict::of(error) {
            Some(Verdict::RetryAfter(delay)) => backoff::asked_for(delay),
            _ => backoff::after_failure(settings, self.attempt),
        };
        // The dispatcher has logged its own errors.
        if !is_logged(error) {
            let (event_type, event_id) = named;
            let attempt = self.attempt;
            warn!(
                event_type,
                event_id,
                attempt,
                error,
                ?delay,
                "the attempt failed"
            );
        }
        self.settlement(Settled::RetryIn(delay), outcome, text)
    }

    /// An event that this version of the app has no handler for.
    fn unhandled(&self, settings: &InboxBuilder, error: Option<String>) -> Settlement {
        let age = SystemTime::now().duration_since(self.received_at);
        let age = age.unwrap_or_default();
        let settled = if age < settings.unhandled_for {
            Settled::SetAside(backoff::set_aside(age))
        } else {
            self.log_dead(error.as_deref().unwrap_or_default());
            Settled::Dead
        };
        self.settlement(settled, AttemptOutcome::NoHandler, error)
    }

    fn log_dead(&self, error: &str) {
        let (event_type, event_id) = (&self.event_type, self.event_id.as_deref());
        let attempt = self.attempt;
        error!(
            event_type,
            event_id, attempt, error, "the event is a dead letter now"
        );
    }

    fn settlement(
        &self,
        settled: Settled,
        outcome: AttemptOutcome,
        error: Option<String>,
    ) -> Settlement {
        let mut settlement = Settlement::new(self.fence, settled, outcome);
        settlement.error = error;
        settlement
    }
}

/// Whether a limit inside the inbox did not let the handler start.
fn is_not_started(error: &(dyn Error + 'static)) -> bool {
    causes(error).any(|error| {
        let kind = error.downcast_ref::<LayerError>().map(LayerError::kind);
        error.is::<Overloaded>()
            || matches!(
                kind,
                Some(
                    LayerErrorKind::Overloaded
                        | LayerErrorKind::Draining
                        | LayerErrorKind::Late
                        | LayerErrorKind::Deadline
                        | LayerErrorKind::Held
                )
            )
    })
}

fn is_panic(error: &(dyn Error + 'static)) -> bool {
    let mut kinds = causes(error).filter_map(|error| error.downcast_ref::<LayerError>());
    kinds.any(|error| error.kind() == LayerErrorKind::Panicked)
}

/// An error and its causes, as one text.
fn with_causes(error: &(dyn Error + 'static)) -> String {
    let texts: Vec<_> = causes(error).map(ToString::to_string).collect();
    texts.join(": ")
}

fn shortened(mut error: String) -> String {
    let end = error.floor_char_boundary(MAX_ERROR_BYTES);
    error.truncate(end);
    error
}
