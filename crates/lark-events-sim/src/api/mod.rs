//! The platform's HTTP API, as far as handlers of events call it: tokens, messages, cards, files, the bot and
//! users. Calls are recorded, and fail as a test asks.

mod answer;
mod call;
mod cards;
mod faults;
mod messages;
mod route;
mod state;
mod tokens;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use tokio::time::Instant;
use tracing::debug;

use self::answer::Answer;
pub use self::call::{ApiCall, MAX_CALLS};
pub(crate) use self::cards::card_token;
use self::faults::Hit;
pub use self::messages::{ApiMessage, MAX_MESSAGES};
pub(crate) use self::state::ApiState;
pub use self::state::TOKEN_LIFETIME;
use crate::shared::Shared;

/// The largest body of a call: the platform's limit for files, and what a form adds.
const MAX_CALL_BYTES: usize = 31 * 1024 * 1024;
/// All paths of the API begin with this.
pub(crate) const PREFIX: &str = "/open-apis/";

/// A connection that is closed without an answer.
#[derive(Debug)]
pub(crate) struct Closed;

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("closed by a fault")
    }
}

impl std::error::Error for Closed {}

/// Answers a call, and records it.
pub(crate) async fn answer(
    shared: &Arc<Shared>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Closed> {
    let (parts, body) = request.into_parts();
    let body = match Limited::new(body, MAX_CALL_BYTES).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => {
            return Ok(Answer::status(413).into_response());
        }
        Err(_) => return Err(Closed),
    };
    let request = Request::from_parts(parts, body);
    let mut call = ApiCall::of(&request, Instant::now());
    let hit = faults::take(shared, call.is_for_token());
    let answer = match &hit {
        None | Some(Hit::LoseAnswer) => Some(route::handle(shared, &request, &mut call)),
        Some(Hit::Answer(answer)) => Some(answer.clone()),
        Some(Hit::Reset | Hit::Silent) => None,
    };
    if let Some(answer) = &answer {
        call.answered(answer);
    }
    call.is_answered = matches!(hit, None | Some(Hit::Answer(_)));
    debug!(method = %call.method, path = %call.path, code = call.code, "API call");
    shared.api.record(call);
    shared.count(|stats| stats.api_calls += 1);
    match (hit, answer) {
        (Some(Hit::Silent), _) => std::future::pending().await,
        (Some(Hit::Reset | Hit::LoseAnswer), _) | (_, None) => Err(Closed),
        (_, Some(answer)) => Ok(answer.into_response()),
    }
}
