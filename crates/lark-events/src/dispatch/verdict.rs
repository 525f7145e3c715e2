//! Errors with which a handler rejects an event, or asks for a retry after a delay.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::error::{BoxError, sources};

/// An error that rejects an event permanently, for example one that lacks data the app needs. Retrying
/// such an event would fail again.
///
/// The event is acknowledged, logged at `ERROR`, counted as [`Outcome::Rejected`] and never
/// redelivered. A *callback* is not acknowledged, because its user waits for a reply: it fails as with
/// any other error.
///
/// A handler may return it inside any error whose [source](Error::source) it is, at any depth.
///
/// ```
/// use lark_events::callback::UrlPreviewGet;
/// use lark_events::{BoxError, Event, Reject};
///
/// async fn on_preview(event: Event<UrlPreviewGet>) -> Result<(), BoxError> {
///     let host = event.body.host.ok_or_else(|| Reject::new("no host"))?;
///     let number: u32 = host.parse().map_err(Reject::new)?;
///     println!("{number}");
///     Ok(())
/// }
/// ```
///
/// [`Outcome::Rejected`]: crate::Outcome::Rejected
#[derive(Debug)]
pub struct Reject(Cause);

/// An error that asks for a retry after a delay, for example when a service limits its callers.
///
/// The delivery fails as with any other error. The platform redelivers on its own schedule, whatever the delay. An
/// inbox of `lark-events-inbox` retries after the delay, or after 24 hours if it is longer.
///
/// A handler may return it inside any error whose [source](Error::source) it is, at any depth.
///
/// ```
/// use std::time::Duration;
///
/// use lark_events::{BoxError, RetryAfter};
///
/// async fn call() -> Result<(), BoxError> {
///     Err(RetryAfter::new(Duration::from_secs(30), "429 Too Many Requests"))?
/// }
/// ```
#[derive(Debug)]
pub struct RetryAfter {
    delay: Duration,
    cause: Cause,
}

/// The decision that an error carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// Acknowledge the event and never redeliver it: [`Reject`].
    Reject,
    /// Retry after this delay: [`RetryAfter`].
    RetryAfter(Duration),
}

/// The cause of a verdict. It is a separate source: an error that is transparent for the verdict only
/// forwards the verdict's source, and the verdict must be found there too.
#[derive(Debug)]
struct Cause {
    verdict: Verdict,
    error: BoxError,
}

impl Reject {
    /// Rejects the event because of `cause`, an error or a text.
    pub fn new(cause: impl Into<BoxError>) -> Self {
        Self(Cause {
            verdict: Verdict::Reject,
            error: cause.into(),
        })
    }
}

impl RetryAfter {
    /// Asks for a retry after `delay` because of `cause`, an error or a text.
    pub fn new(delay: Duration, cause: impl Into<BoxError>) -> Self {
        let verdict = Verdict::RetryAfter(delay);
        let error = cause.into();
        let cause = Cause { verdict, error };
        Self { delay, cause }
    }
}

impl Verdict {
    /// The first verdict in the error's chain of sources.
    ///
    /// ```
    /// use lark_events::dispatch::Verdict;
    /// use lark_events::{BoxError, Reject};
    ///
    /// let error: BoxError = Reject::new("no host").into();
    /// assert_eq!(Verdict::of(&*error), Some(Verdict::Reject));
    /// assert_eq!(Verdict::of(&std::fmt::Error), None);
    /// ```
    #[must_use]
    pub fn of(error: &(dyn Error + 'static)) -> Option<Self> {
        sources(error).find_map(|error| {
            let reject = error.downcast_ref().map(|Reject(cause)| cause);
            let retry = || error.downcast_ref().map(|RetryAfter { cause, .. }| cause);
            let cause: &Cause = reject.or_else(retry).or_else(|| error.downcast_ref())?;
            Some(cause.verdict)
        })
    }
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the event is rejected")
    }
}

impl fmt::Display for RetryAfter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "retry after {:?}", self.delay)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl Error for Reject {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

impl Error for RetryAfter {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.cause)
    }
}

impl Error for Cause {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.source()
    }
}
