//! What faults do to calls.

use super::answer::Answer;
use crate::fault::{Fault, Faults};

pub(super) enum Hit {
    /// Instead of handling the call.
    Answer(Answer),
    /// After handling it.
    LoseAnswer,
    Reset,
    Silent,
}

/// Takes the next fault of a call.
pub(super) fn take(faults: &Faults) -> Option<Hit> {
    let fault = faults.take(|fault| hit(fault).is_some())?;
    hit(fault)
}

fn hit(fault: Fault) -> Option<Hit> {
    Some(match fault {
        Fault::Api(status, code) => {
            Hit::Answer(Answer::failed(status, code, "a fault of the simulator"))
        }
        Fault::ApiLimit(status, reset) => Hit::Answer(Answer::limited(status, reset)),
        Fault::ApiStatus(status) => Hit::Answer(Answer::status(status)),
        Fault::ApiLoseAnswer => Hit::LoseAnswer,
        Fault::ApiReset => Hit::Reset,
        Fault::ApiSilent => Hit::Silent,
        _ => return None,
    })
}
