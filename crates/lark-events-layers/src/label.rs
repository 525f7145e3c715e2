//! The name of the outcome of a delivery, for metrics and recordings.

use std::error::Error;

use lark_events::dispatch::Verdict;
use lark_events::error::DispatchErrorKind;
use lark_events::{BoxError, DispatchError, Outcome};
use tower::load_shed::error::Overloaded;
use tower::timeout::error::Elapsed;

use crate::error::LayerError;
use crate::run::causes;

/// The name of the outcome of a delivery that has ended.
pub(crate) fn label(result: &Result<Outcome, BoxError>) -> &'static str {
    match result {
        Ok(outcome) => outcome.as_str(),
        Err(error) => failure(&**error),
    }
}

/// The name of the outcome of a delivery that is dropped before it ended.
pub(crate) fn interrupted() -> &'static str {
    if std::thread::panicking() {
        "panicked"
    } else {
        "cancelled"
    }
}

/// The name of a failure, from the first error in the chain that has one.
fn failure(error: &(dyn Error + 'static)) -> &'static str {
    if Verdict::of(error) == Some(Verdict::Reject) {
        return "rejected";
    }
    let known = causes(error).find_map(|error| {
        if let Some(error) = error.downcast_ref::<DispatchError>() {
            return Some(match error.kind() {
                DispatchErrorKind::Unhandled => "unhandled_failed",
                kind => kind.as_str(),
            });
        }
        if let Some(error) = error.downcast_ref::<LayerError>() {
            return Some(error.kind().as_str());
        }
        if error.is::<Overloaded>() {
            return Some("overloaded");
        }
        error.is::<Elapsed>().then_some("timed_out")
    });
    known.unwrap_or("failed")
}
