//! Whether an answer of a webhook accepts or rejects the request.

use http::StatusCode;

use crate::figures::time;
use crate::finding::Finding;
use crate::webhook::answer::{Answer, Posted};

/// Expects the answer to a request of the platform: status 200, in time.
pub(crate) fn accepted(posted: &Posted, advice: &'static str) -> Finding {
    match posted {
        Ok(answer) if answer.status == StatusCode::OK => {
            Finding::pass(format!("{answer} in {}", time(answer.took)))
        }
        Ok(answer) if answer.status.is_success() => Finding::fail(
            answer.to_string(),
            "answer 200: the platform documents no other status as success",
        ),
        Ok(answer) => Finding::fail(answer.to_string(), advice),
        Err(missing) => Finding::fail(missing.to_string(), advice),
    }
}

/// Expects a rejection: any status other than 2xx. `good` is the answer to a good event, where that
/// is always the same.
pub(crate) fn refused(posted: &Posted, good: Option<&Answer>, advice: &'static str) -> Finding {
    match posted {
        Ok(answer) if !answer.status.is_success() => Finding::pass(answer.to_string()),
        Ok(answer) if good.is_some_and(|good| !good.is_like(answer)) => Finding::warn(
            format!("{answer}, which differs from the answer to a good event"),
            "the app seems to drop the request; answer 401, otherwise a wrong key loses events \
            unnoticed",
        ),
        Ok(answer) => Finding::fail(format!("{answer}, as if it were good"), advice),
        Err(missing) if missing.is_closed() => Finding::warn(
            missing.to_string(),
            "answer 401: a closed connection looks like a crash",
        ),
        Err(missing) => Finding::fail(missing.to_string(), "answer 401 at once"),
    }
}
