//! What the error of a handler asks for: a rejected event, or a retry after some time.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::error::{BoxError, sources};

/// An error that rejects an event for good, such as one that lacks what the app needs: retrying it
/// would fail again.
///
/// The event is acknowledged, logged at `ERROR` and counted as [`Outcome::Rejected`], and never
/// delivered again. A *callback* is not acknowledged, as its user waits for a reply: it fails like
/// with any other error.
///
/// A handler may return it inside of any error whose [source](Error::source) it is, at any depth.
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

/// An error that asks for a retry after some time, such as one of a service that limits its callers.
///
/// The delivery fails like with any other error. The platform retries on a schedule of its own and
/// does not know the duration; a durable queue between transport and handler does.
///
/// A handler may return it inside of any error whose [source](Error::source) it is, at any depth.
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

/// What an error asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// To acknowledge the event and never deliver it again: [`Reject`].
    Reject,
    /// To retry after this long: [`RetryAfter`].
    RetryAfter(Duration),
}

/// The cause of a verdict. It is a source of its own: an error that is transparent for the verdict
/// passes on the verdict's source alone, and the verdict must be found there too.
#[derive(Debug)]
struct Cause {
    verdict: Verdict,
    error: BoxError,
}

impl Reject {
    /// Rejects the event because of `cause`: an error, or a text.
    pub fn new(cause: impl Into<BoxError>) -> Self {
        Self(Cause {
            verdict: Verdict::Reject,
            error: cause.into(),
        })
    }
}

impl RetryAfter {
    /// Asks for a retry after `delay` because of `cause`: an error, or a text.
    pub fn new(delay: Duration, cause: impl Into<BoxError>) -> Self {
        let verdict = Verdict::RetryAfter(delay);
        let error = cause.into();
        let cause = Cause { verdict, error };
        Self { delay, cause }
    }
}

impl Verdict {
    /// What an error asks for: the first verdict in its chain of sources.
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
