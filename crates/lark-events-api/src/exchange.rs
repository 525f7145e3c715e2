//! One call, until it succeeds or fails for good: a new token, waits for the rate limit, retries after a
//! lost connection where they are safe, all before a deadline.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{HeaderValue, Method, Request};
use lark_events_dial::BaseUrl;
use tokio::time::{Instant, sleep, timeout_at};
use tracing::debug;
use zeroize::Zeroizing;

use crate::answer::{Answer, Verdict};
use crate::credentials::{App, Token};
use crate::error::{ApiError, ApiErrorKind};
use crate::token::Tokens;
use crate::transport::{Kind, Transport, TransportError};

/// The largest answer of a call, other than a file. Answers repeat messages, which have at most 150 KB.
pub(crate) const MAX_ANSWER_BYTES: usize = 4 * 1024 * 1024;
/// How often a call is repeated after a lost connection or an unavailable platform.
const MAX_REPEATS: u32 = 2;
/// The wait before the first repeat; it doubles, and has a random part of up to a half.
const REPEAT_DELAY: Duration = Duration::from_millis(200);
/// Why an error asks for a retry after a wait.
const RATE_CAUSE: &str = "the platform limits the rate of calls";
/// How often a call waits for a rate limit.
const MAX_RATE_WAITS: u32 = 5;
/// The wait for a rate limit without a header. It doubles.
const RATE_DELAY: Duration = Duration::from_secs(1);
/// The shortest wait for a rate limit, whatever the header says.
const MIN_RATE_DELAY: Duration = Duration::from_millis(100);

/// How long after the first attempt a call that may have happened is repeated. The platform recognises a
/// `uuid` for an hour.
const MAX_REPEAT_AGE: Duration = Duration::from_mins(55);

/// A call, as it is sent.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) method: Method,
    /// The path below the base URL, with its query.
    pub(crate) path: String,
    pub(crate) content_type: Option<HeaderValue>,
    pub(crate) body: Bytes,
    /// Whether sending it twice has the effect of sending it once.
    pub(crate) is_repeatable: bool,
    /// Whether the answer is a file.
    pub(crate) is_download: bool,
    pub(crate) max_bytes: usize,
    /// Secrets in the body, which the platform could repeat in an error.
    secrets: Vec<Zeroizing<String>>,
}

impl Call {
    pub(crate) fn new(method: Method, path: impl Into<String>) -> Self {
        Self {
            is_repeatable: method.is_safe(),
            method,
            path: path.into(),
            content_type: None,
            body: Bytes::new(),
            is_download: false,
            max_bytes: MAX_ANSWER_BYTES,
            secrets: Vec::new(),
        }
    }

    pub(crate) fn secret(mut self, secret: &str) -> Self {
        self.secrets.push(Zeroizing::new(secret.to_owned()));
        self
    }

    pub(crate) fn json(mut self, body: Vec<u8>) -> Self {
        self.content_type = Some(HeaderValue::from_static("application/json; charset=utf-8"));
        self.body = body.into();
        self
    }

    pub(crate) fn repeatable(mut self, is_repeatable: bool) -> Self {
        self.is_repeatable |= is_repeatable;
        self
    }
}

/// Whose token a call has.
#[derive(Clone, Copy)]
pub(crate) struct Auth<'a> {
    pub(crate) tokens: &'a Tokens,
    pub(crate) tenant: Option<&'a Arc<str>>,
}

/// What all calls share.
pub(crate) struct Wire {
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) base: BaseUrl,
    pub(crate) user_agent: HeaderValue,
    pub(crate) app: App,
}

/// A duration that is practically forever, and can be added to an instant.
const MAX_WAIT: Duration = Duration::from_hours(24 * 365);

/// The deadline of a call that begins now.
pub(crate) fn deadline(limit: Duration) -> Instant {
    let deadline = Instant::now().checked_add(limit.min(MAX_WAIT));
    deadline.expect("a year can be added to an instant")
}

/// What happened to a call so far.
#[derive(Default)]
struct Progress {
    has_new_token: bool,
    repeats: u32,
    rate_waits: u32,
    may_have_happened: bool,
    first_sent: Option<Instant>,
}

impl Wire {
    /// Makes a call. At the deadline, it fails.
    pub(crate) async fn exchange(
        &self,
        call: &Call,
        auth: Option<Auth<'_>>,
        deadline: Instant,
    ) -> Result<Answer, ApiError> {
        let mut progress = Progress::default();
        loop {
            let token = match auth {
                Some(auth) => match timeout_at(deadline, auth.tokens.get(auth.tenant)).await {
                    Ok(Ok(token)) => Some(token),
                    Ok(Err(error)) => {
                        let wait = limit_of_tokens(&error);
                        if let Some(wait) = wait
                            && progress.waits(wait, deadline).await
                        {
                            continue;
                        }
                        // The request for the token may have happened, and the call has not.
                        return Err(error.maybe_happened(progress.may_have_happened));
                    }
                    Err(_) => return Err(timed_out(progress.may_have_happened)),
                },
                None => None,
            };
            progress.first_sent.get_or_insert_with(Instant::now);
            let sent = timeout_at(deadline, self.send(call, token.as_ref())).await;
            let Ok(sent) = sent else {
                return Err(timed_out(true));
            };
            let answer = match sent {
                Ok(answer) => answer,
                Err(Failed::Invalid(error)) => return Err(error),
                Err(Failed::Transport(error)) => {
                    debug!(path = %path(call), kind = ?error.kind(), "no answer");
                    progress.may_have_happened |= error.kind() != Kind::NotSent;
                    let again = error.kind() != Kind::TooLarge && call.is_repeatable;
                    if again && progress.repeats(deadline).await {
                        continue;
                    }
                    return Err(unanswered(error, progress.may_have_happened));
                }
            };
            debug!(
                path = %path(call),
                status = answer.status.as_u16(),
                code = answer.code(),
                "answered"
            );
            let error = |progress: &Progress| {
                let error = answer.error(|text| self.hide(text, call, token.as_ref()));
                progress.marked(error)
            };
            match (answer.verdict(), auth, &token) {
                (Verdict::Success, ..) => return Ok(answer),
                (Verdict::TokenRejected, Some(auth), Some(token)) if !progress.has_new_token => {
                    progress.has_new_token = true;
                    auth.tokens.forget(auth.tenant, token);
                }
                (Verdict::RateLimited(reset), ..) => {
                    let wait = progress.rate_wait(reset);
                    if !progress.waits(wait, deadline).await {
                        return Err(error(&progress).with_retry_after(wait, RATE_CAUSE));
                    }
                }
                (Verdict::Unavailable, ..) => {
                    progress.may_have_happened = true;
                    if !(call.is_repeatable && progress.repeats(deadline).await) {
                        return Err(error(&progress));
                    }
                }
                (Verdict::Unexpected, ..) => {
                    progress.may_have_happened = true;
                    return Err(error(&progress));
                }
                (Verdict::TokenRejected | Verdict::Refused, ..) => {
                    // With a status of a server error, the code does not say how far the call came.
                    let is_refused = answer.verdict() == Verdict::Refused;
                    progress.may_have_happened |= is_refused && answer.status.is_server_error();
                    return Err(error(&progress));
                }
            }
        }
    }

    async fn send(&self, call: &Call, token: Option<&Token>) -> Result<Answer, Failed> {
        let uri = self.base.join(&call.path).map_err(|error| {
            let what = "the path has characters that a URL does not allow";
            Failed::Invalid(ApiError::invalid(what).with_source(error))
        })?;
        let mut request = Request::new(call.body.clone());
        *request.method_mut() = call.method.clone();
        *request.uri_mut() = uri;
        let headers = request.headers_mut();
        headers.insert(USER_AGENT, self.user_agent.clone());
        if let Some(content_type) = &call.content_type {
            headers.insert(CONTENT_TYPE, content_type.clone());
        }
        if let Some(token) = token {
            headers.insert(AUTHORIZATION, token.header());
        }
        let response = self.transport.send(request, call.max_bytes).await;
        let response = response.map_err(Failed::Transport)?;
        Ok(Answer::read(response, call.is_download))
    }

    /// A text of the platform without the secrets that it could repeat.
    fn hide(&self, text: &str, call: &Call, token: Option<&Token>) -> String {
        let mut hidden = text.replace(self.app.secret.as_str(), "(secret)");
        for secret in call.secrets.iter().filter(|secret| !secret.is_empty()) {
            hidden = hidden.replace(secret.as_str(), "(secret)");
        }
        match token {
            Some(token) => hidden.replace(token.as_str(), "(token)"),
            None => hidden,
        }
    }
}

enum Failed {
    Invalid(ApiError),
    Transport(TransportError),
}

impl Progress {
    fn marked(&self, error: ApiError) -> ApiError {
        let may_have_happened = self.may_have_happened || error.may_have_happened();
        error.maybe_happened(may_have_happened)
    }

    /// Waits before a repeat. `false` if there is none.
    async fn repeats(&mut self, deadline: Instant) -> bool {
        if self.repeats >= MAX_REPEATS {
            return false;
        }
        let doubled = REPEAT_DELAY.saturating_mul(2_u32.saturating_pow(self.repeats));
        let wait = doubled.mul_f64(fastrand::f64().mul_add(0.5, 1.0));
        self.repeats = self.repeats.saturating_add(1);
        wait_until(wait, self.last_repeat(deadline)).await
    }

    /// The wait for a rate limit: what the platform says, or a second, doubled each time.
    fn rate_wait(&self, reset: Option<Duration>) -> Duration {
        let by_default = RATE_DELAY.saturating_mul(2_u32.saturating_pow(self.rate_waits));
        reset.unwrap_or(by_default).max(MIN_RATE_DELAY)
    }

    /// Waits for a rate limit. `false` if that takes too long.
    async fn waits(&mut self, wait: Duration, deadline: Instant) -> bool {
        if self.rate_waits >= MAX_RATE_WAITS {
            return false;
        }
        self.rate_waits = self.rate_waits.saturating_add(1);
        wait_until(wait, self.last_repeat(deadline)).await
    }

    /// When the call is sent for the last time.
    fn last_repeat(&self, deadline: Instant) -> Instant {
        let first_sent = self.first_sent.filter(|_| self.may_have_happened);
        let last = first_sent.and_then(|at| at.checked_add(MAX_REPEAT_AGE));
        last.map_or(deadline, |last| last.min(deadline))
    }
}

/// The wait for the rate limit of requests for tokens. They have a deadline of their own, and leave longer
/// waits to the call.
fn limit_of_tokens(error: &ApiError) -> Option<Duration> {
    let is_limit = error.kind() == ApiErrorKind::RateLimited;
    error.retry_after().filter(|_| is_limit)
}

/// Waits, unless the deadline comes first.
async fn wait_until(wait: Duration, deadline: Instant) -> bool {
    if Instant::now()
        .checked_add(wait)
        .is_none_or(|end| end >= deadline)
    {
        return false;
    }
    sleep(wait).await;
    true
}

/// The path for logs: without its query.
fn path(call: &Call) -> &str {
    call.path.split('?').next().unwrap_or_default()
}

fn timed_out(may_have_happened: bool) -> ApiError {
    let what = "the platform's API did not answer before the deadline";
    ApiError::new(ApiErrorKind::TimedOut, what).maybe_happened(may_have_happened)
}

fn unanswered(error: TransportError, may_have_happened: bool) -> ApiError {
    let (kind, source) = error.into_parts();
    let (kind, what) = match kind {
        Kind::NotSent => (ApiErrorKind::Unreachable, "cannot reach the platform's API"),
        Kind::Lost => (
            ApiErrorKind::Unreachable,
            "the connection to the platform's API was lost",
        ),
        Kind::TooLarge => (
            ApiErrorKind::Unexpected,
            "the answer of the platform's API is too large",
        ),
    };
    ApiError::new(kind, what)
        .with_source(source)
        .maybe_happened(may_have_happened)
}
