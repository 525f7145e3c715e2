//! Why a call failed, with what the platform said of it.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use lark_events::{BoxError, RetryAfter};

/// The longest text of the platform that an error repeats.
const MAX_MESSAGE_CHARS: usize = 200;

/// A call of the API failed.
///
/// The text contains the platform's code, message and log id, but no token and no secret. A clone is cheap.
///
/// An error of kind [`RateLimited`](ApiErrorKind::RateLimited) has a [`RetryAfter`] as its source: if a handler
/// returns the error, an inbox handles the event again after that time.
#[derive(Clone)]
pub struct ApiError {
    inner: Arc<Inner>,
    may_have_happened: bool,
}

struct Inner {
    kind: ApiErrorKind,
    what: String,
    code: Option<i64>,
    message: String,
    log_id: Option<String>,
    status: Option<StatusCode>,
    retry_after: Option<Duration>,
    source: Option<BoxError>,
}

/// The kinds of [`ApiError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ApiErrorKind {
    /// The platform rejected the call: see [`ApiError::code`].
    Refused,
    /// The platform rejected the token of the call, and a new token too.
    TokenRejected,
    /// The platform limits the rate of calls, and the wait that it asks for is longer than the deadline
    /// allows: see [`ApiError::retry_after`].
    RateLimited,
    /// The platform or a gateway failed: an HTTP status of 500 or above, without a code of the platform.
    Unavailable,
    /// The platform cannot be reached, or the connection was lost before the answer.
    Unreachable,
    /// The deadline passed.
    TimedOut,
    /// The answer is not what the API documents, or too large.
    Unexpected,
    /// An argument is invalid. Nothing was sent.
    Invalid,
    /// The `app_ticket` of a store app is missing or outdated. A new one was requested; if that failed, the source
    /// of the error has the reason.
    NoTicket,
}

impl ApiError {
    pub(crate) fn new(kind: ApiErrorKind, what: impl Into<String>) -> Self {
        let inner = Inner {
            kind,
            what: what.into(),
            code: None,
            message: String::new(),
            log_id: None,
            status: None,
            retry_after: None,
            source: None,
        };
        Self {
            inner: Arc::new(inner),
            may_have_happened: false,
        }
    }

    pub(crate) fn invalid(what: impl Into<String>) -> Self {
        Self::new(ApiErrorKind::Invalid, what)
    }

    fn change(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        let inner = Arc::get_mut(&mut self.inner);
        change(inner.expect("an error that is being built is not shared"));
        self
    }

    pub(crate) fn with_source(self, source: impl Into<BoxError>) -> Self {
        self.change(|inner| inner.source = Some(source.into()))
    }

    pub(crate) fn with_status(self, status: StatusCode) -> Self {
        self.change(|inner| inner.status = Some(status))
    }

    pub(crate) fn with_code(self, code: i64, message: &str) -> Self {
        self.change(|inner| {
            inner.code = Some(code);
            inner.message = shown(message);
        })
    }

    pub(crate) fn with_log_id(self, log_id: Option<String>) -> Self {
        self.change(|inner| inner.log_id = log_id.map(|log_id| shown(&log_id)))
    }

    pub(crate) fn maybe_happened(mut self, may_have_happened: bool) -> Self {
        self.may_have_happened = may_have_happened;
        self
    }

    /// With the verdict that makes an inbox wait, and the reason for it.
    pub(crate) fn with_retry_after(self, delay: Duration, cause: &'static str) -> Self {
        self.change(|inner| {
            inner.retry_after = Some(delay);
            inner.source = Some(RetryAfter::new(delay, cause).into());
        })
    }

    /// The kind of failure.
    #[must_use]
    pub fn kind(&self) -> ApiErrorKind {
        self.inner.kind
    }

    /// The platform's error code, if it sent one.
    #[must_use]
    pub fn code(&self) -> Option<i64> {
        self.inner.code
    }

    /// The platform's message, or the empty string. Control characters are replaced, and long messages
    /// are truncated.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.inner.message
    }

    /// The id of the call in the platform's logs, for its support.
    #[must_use]
    pub fn log_id(&self) -> Option<&str> {
        self.inner.log_id.as_deref()
    }

    /// The HTTP status of the answer, if there was one.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        self.inner.status
    }

    /// How long to wait before the next call, if the platform limits the rate or the app has no ticket.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.inner.retry_after
    }

    /// Whether the platform may have executed the call nevertheless: its answer was lost, late, or unreadable.
    #[must_use]
    pub fn may_have_happened(&self) -> bool {
        self.may_have_happened
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.inner;
        f.write_str(&inner.what)?;
        if let Some(code) = inner.code {
            write!(f, ": code {code}")?;
        }
        if !inner.message.is_empty() {
            write!(f, ", {}", inner.message)?;
        }
        if let (None, Some(status)) = (inner.code, inner.status) {
            write!(f, ": status {}", status.as_u16())?;
        }
        if let Some(log_id) = &inner.log_id {
            write!(f, " (log id {log_id})")?;
        }
        Ok(())
    }
}

impl fmt::Debug for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.inner;
        f.debug_struct("ApiError")
            .field("kind", &inner.kind)
            .field("what", &inner.what)
            .field("code", &inner.code)
            .field("message", &inner.message)
            .field("log_id", &inner.log_id)
            .field("status", &inner.status)
            .field("retry_after", &inner.retry_after)
            .field("may_have_happened", &self.may_have_happened)
            .field("source", &inner.source)
            .finish()
    }
}

impl Error for ApiError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let source = self.inner.source.as_deref()?;
        Some(source)
    }
}

/// A text of the platform, on one line and of limited length.
pub(crate) fn shown(text: &str) -> String {
    let shown = |c: char| if is_shown(c) { c } else { ' ' };
    text.chars().take(MAX_MESSAGE_CHARS).map(shown).collect()
}

/// Whether a character has no effect on a terminal other than itself.
fn is_shown(c: char) -> bool {
    !c.is_control()
        && !matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// An [`Api`](crate::Api) cannot be built. The text names the setting and what to do. It contains no secret and no
/// URL.
#[derive(Debug)]
pub struct ApiBuildError {
    kind: ApiBuildErrorKind,
    text: String,
    source: Option<BoxError>,
}

/// The kinds of [`ApiBuildError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ApiBuildErrorKind {
    /// The app's id or secret is empty.
    NoCredentials,
    /// The domain is not an `https://` URL without user and query, nor an `http://` URL of this machine.
    InvalidDomain,
    /// The proxy is not an `http://` URL.
    InvalidProxy,
    /// A time is 0.
    Zero,
    /// The user agent has characters that HTTP does not allow.
    InvalidHeader,
    /// The domain uses `https://`, but no TLS provider or no root certificates are enabled.
    NoTls,
}

impl ApiBuildError {
    pub(crate) fn new(kind: ApiBuildErrorKind, text: impl Into<String>) -> Self {
        Self {
            kind,
            text: text.into(),
            source: None,
        }
    }

    pub(crate) fn caused(self, cause: Option<impl Error + Send + Sync + 'static>) -> Self {
        Self {
            source: cause.map(Into::into),
            ..self
        }
    }

    /// The reason.
    #[must_use]
    pub fn kind(&self) -> ApiBuildErrorKind {
        self.kind
    }
}

impl fmt::Display for ApiBuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for ApiBuildError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let source = self.source.as_deref()?;
        Some(source)
    }
}

#[cfg(test)]
mod tests {
    use lark_events::dispatch::Verdict;

    use super::*;

    #[test]
    fn an_error_says_what_the_platform_said_on_one_line() {
        let error = ApiError::new(ApiErrorKind::Refused, "the platform rejected the call")
            .with_status(StatusCode::BAD_REQUEST)
            .with_code(230_001, "your\nrequest \u{202e}is bad")
            .with_log_id(Some("2026".to_owned()));
        assert_eq!(
            error.to_string(),
            "the platform rejected the call: code 230001, your request  is bad (log id 2026)"
        );
        assert_eq!(error.status(), Some(StatusCode::BAD_REQUEST));
        let long = ApiError::new(ApiErrorKind::Refused, "x").with_code(1, &"y".repeat(10_000));
        assert_eq!(long.message().len(), 200);
        let gateway = ApiError::new(ApiErrorKind::Unavailable, "no answer of the API")
            .with_status(StatusCode::BAD_GATEWAY);
        assert_eq!(gateway.to_string(), "no answer of the API: status 502");
    }

    #[test]
    fn a_rate_limit_is_a_verdict_for_an_inbox() {
        let delay = Duration::from_secs(30);
        let limited = ApiError::new(ApiErrorKind::RateLimited, "too often");
        let limited = limited.with_retry_after(delay, "a limit");
        assert_eq!(Verdict::of(&limited), Some(Verdict::RetryAfter(delay)));
        assert_eq!(limited.clone().retry_after(), Some(delay));
        let boxed: BoxError = limited.into();
        assert_eq!(Verdict::of(&*boxed), Some(Verdict::RetryAfter(delay)));
    }
}
