//! Whether what a webhook answered accepts or refuses.

use http::StatusCode;

use super::finding::Finding;
use crate::figures::time;
use crate::webhook::answer::{Answer, Posted};

/// What is wanted of the platform's own: status 200, in time.
pub(crate) fn accepted(posted: &Posted, advice: &'static str) -> Finding {
    match posted {
        Ok(answer) if answer.status == StatusCode::OK => {
            Finding::pass(format!("{answer} in {}", time(answer.took)))
        }
        Ok(answer) if answer.status.is_success() => Finding::fail(
            answer.to_string(),
            "answer 200: the platform does not document that it takes any other status",
        ),
        Ok(answer) => Finding::fail(answer.to_string(), advice),
        Err(missing) => Finding::fail(missing.to_string(), advice),
    }
}

/// What is wanted of anything else: any status that is no success. `good` is the answer to a good
/// event, where that is always the same.
pub(crate) fn refused(posted: &Posted, good: Option<&Answer>, advice: &'static str) -> Finding {
    match posted {
        Ok(answer) if !answer.status.is_success() => Finding::pass(answer.to_string()),
        Ok(answer) if good.is_some_and(|good| !good.is_like(answer)) => Finding::warn(
            format!("{answer}, unlike to a good event"),
            "it seems to be dropped; answer 401, or a wrong key shows nowhere and loses events",
        ),
        Ok(answer) => Finding::fail(format!("{answer}, as if it were good"), advice),
        Err(missing) if missing.is_closed() => {
            Finding::warn(missing.to_string(), "answer 401: this looks like a crash")
        }
        Err(missing) => Finding::fail(missing.to_string(), "answer 401 at once"),
    }
}
