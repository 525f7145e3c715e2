//! What faults do to calls.

use super::answer::Answer;
use crate::fault::Fault;
use crate::shared::Shared;

pub(super) enum Hit {
    /// Instead of handling the call.
    Answer(Answer),
    /// After handling it.
    LoseAnswer,
    Reset,
    Silent,
}

/// Codes that reject a token, which a request for a token has not.
const TOKEN_CODES: [i64; 4] = [99_991_661, 99_991_663, 99_991_664, 99_991_668];

/// Takes the next fault of a call.
pub(super) fn take(shared: &Shared, is_for_token: bool) -> Option<Hit> {
    let strikes = |fault| match fault {
        Fault::Api(_, code) if is_for_token && TOKEN_CODES.contains(&code) => false,
        fault => hit(fault).is_some(),
    };
    hit(shared.take_fault(strikes)?)
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
