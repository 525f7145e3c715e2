//! One token: kept while it is good, and requested once for all callers that wait for it.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{Shared, WeakShared};
use tokio::time::Instant;

use crate::credentials::Token;
use crate::error::ApiError;

/// A token is renewed this long before it expires. The platform issues a new one only in the last half
/// hour, so a longer time would request the same token repeatedly.
const MARGIN: Duration = Duration::from_mins(5);
/// Tokens last two hours. A longer time is not believed.
const MAX_AGE: Duration = Duration::from_hours(24);

/// A token as the platform issued it.
pub(crate) struct Issued {
    pub(crate) token: Token,
    /// Counted from when it was requested.
    pub(crate) good_for: Duration,
    pub(crate) requested: Instant,
}

type Flight = Pin<Box<dyn Future<Output = Result<Token, ApiError>> + Send>>;

/// The place of one token.
#[derive(Default)]
pub(crate) struct Slot(Mutex<State>);

#[derive(Default)]
struct State {
    kept: Option<Kept>,
    /// The request that runs. A task and its callers drive it: a caller that gives up costs the others nothing,
    /// and the token is kept even if all of them give up. The request has a deadline of its own.
    flight: Option<WeakShared<Flight>>,
}

struct Kept {
    token: Token,
    good_until: Instant,
}

impl Slot {
    /// The token, or a new one from `request`, which all callers share until it is there.
    pub(crate) async fn get<F>(
        self: &Arc<Self>,
        request: impl FnOnce() -> F,
    ) -> Result<Token, ApiError>
    where
        F: Future<Output = Result<Issued, ApiError>> + Send + 'static,
    {
        let flight = match self.join(request) {
            Ok(token) => return Ok(token),
            Err(flight) => flight,
        };
        flight.await
    }

    fn join<F>(self: &Arc<Self>, request: impl FnOnce() -> F) -> Result<Token, Shared<Flight>>
    where
        F: Future<Output = Result<Issued, ApiError>> + Send + 'static,
    {
        let mut state = self.state();
        if let Some(kept) = &state.kept {
            if Instant::now() < kept.good_until {
                return Ok(kept.token.clone());
            }
            state.kept = None;
        }
        if let Some(flight) = state.flight.as_ref().and_then(WeakShared::upgrade) {
            return Err(flight);
        }
        let (slot, request) = (Arc::clone(self), request());
        let flight: Flight = Box::pin(async move {
            let issued = request.await;
            slot.landed(issued)
        });
        let flight = flight.shared();
        state.flight = flight.downgrade();
        // The callers drive it too, as the runtime of the task may end before theirs.
        tokio::spawn(flight.clone());
        Err(flight)
    }

    fn landed(&self, issued: Result<Issued, ApiError>) -> Result<Token, ApiError> {
        let mut state = self.state();
        state.flight = None;
        let Issued {
            token,
            good_for,
            requested,
        } = issued?;
        let good_for = good_for.min(MAX_AGE).saturating_sub(MARGIN);
        // A token that expires soon is good for its callers, and not kept.
        state.kept = requested.checked_add(good_for).map(|good_until| Kept {
            token: token.clone(),
            good_until,
        });
        Ok(token)
    }

    /// Drops a token that was rejected, unless it has been renewed already.
    pub(crate) fn forget(&self, token: &Token) {
        let mut state = self.state();
        if state.kept.as_ref().is_some_and(|kept| kept.token.is(token)) {
            state.kept = None;
        }
    }

    /// Whether it has neither a good token nor a request.
    pub(crate) fn is_empty(&self) -> bool {
        let state = self.state();
        let is_good = |kept: &Kept| Instant::now() < kept.good_until;
        let flies = state
            .flight
            .as_ref()
            .is_some_and(|flight| flight.upgrade().is_some());
        !flies && !state.kept.as_ref().is_some_and(is_good)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::Semaphore;

    use super::*;
    use crate::error::ApiErrorKind;

    /// Requests that wait for a permit each, and are counted when they begin.
    struct Platform {
        requests: AtomicUsize,
        answers: Semaphore,
        good_for: Duration,
    }

    impl Platform {
        fn new(good_for: Duration) -> Arc<Self> {
            Arc::new(Self {
                requests: AtomicUsize::new(0),
                answers: Semaphore::new(0),
                good_for,
            })
        }

        async fn issue(self: Arc<Self>) -> Result<Issued, ApiError> {
            let number = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
            let requested = Instant::now();
            self.answers.acquire().await.unwrap().forget();
            Ok(Issued {
                token: Token::new(format!("t-{number}")).unwrap(),
                good_for: self.good_for,
                requested,
            })
        }

        fn requests(&self) -> usize {
            self.requests.load(Ordering::Relaxed)
        }
    }

    fn get(
        slot: &Arc<Slot>,
        platform: &Arc<Platform>,
    ) -> tokio::task::JoinHandle<Result<Token, ApiError>> {
        let (slot, platform) = (Arc::clone(slot), Arc::clone(platform));
        tokio::spawn(async move { slot.get(|| platform.issue()).await })
    }

    const HOURS: Duration = Duration::from_hours(2);

    #[tokio::test(start_paused = true)]
    async fn a_hundred_first_callers_make_one_request() {
        let (slot, platform) = (Arc::default(), Platform::new(HOURS));
        let callers: Vec<_> = (0..100).map(|_| get(&slot, &platform)).collect();
        tokio::task::yield_now().await;
        platform.answers.add_permits(100);
        for caller in callers {
            assert_eq!(caller.await.unwrap().unwrap().as_str(), "t-1");
        }
        assert_eq!(platform.requests(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_caller_may_give_up_and_the_others_get_their_token() {
        let (slot, platform) = (Arc::default(), Platform::new(HOURS));
        let first = get(&slot, &platform);
        tokio::task::yield_now().await;
        let others: Vec<_> = (0..3).map(|_| get(&slot, &platform)).collect();
        tokio::task::yield_now().await;
        first.abort();
        assert!(first.await.unwrap_err().is_cancelled());
        platform.answers.add_permits(1);
        for other in others {
            assert_eq!(other.await.unwrap().unwrap().as_str(), "t-1");
        }
        assert_eq!(platform.requests(), 1, "the request went on");
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_all_have_given_up_goes_on() {
        let (slot, platform) = (Arc::default(), Platform::new(HOURS));
        let callers: Vec<_> = (0..3).map(|_| get(&slot, &platform)).collect();
        tokio::task::yield_now().await;
        for caller in callers {
            caller.abort();
            assert!(caller.await.unwrap_err().is_cancelled());
        }
        assert!(!slot.is_empty());
        platform.answers.add_permits(1);
        tokio::task::yield_now().await;
        let token = get(&slot, &platform).await.unwrap().unwrap();
        assert_eq!((token.as_str(), platform.requests()), ("t-1", 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_is_renewed_before_it_expires_and_one_that_expires_soon_is_used_once() {
        let (slot, platform) = (Arc::default(), Platform::new(HOURS));
        platform.answers.add_permits(10);
        get(&slot, &platform).await.unwrap().unwrap();
        tokio::time::advance(HOURS - MARGIN - Duration::from_secs(1)).await;
        get(&slot, &platform).await.unwrap().unwrap();
        assert_eq!(platform.requests(), 1);
        tokio::time::advance(Duration::from_secs(1)).await;
        get(&slot, &platform).await.unwrap().unwrap();
        assert_eq!(platform.requests(), 2);

        let (slot, platform) = (Arc::default(), Platform::new(MARGIN));
        platform.answers.add_permits(10);
        for requests in 1..3 {
            get(&slot, &platform).await.unwrap().unwrap();
            assert_eq!(platform.requests(), requests);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_rejected_token_is_forgotten_once() {
        let (slot, platform) = (Arc::default(), Platform::new(HOURS));
        platform.answers.add_permits(10);
        let old = get(&slot, &platform).await.unwrap().unwrap();
        slot.forget(&old);
        let new = get(&slot, &platform).await.unwrap().unwrap();
        // Another call was rejected with the old token, and finds the new one.
        slot.forget(&old);
        let found = get(&slot, &platform).await.unwrap().unwrap();
        assert!(found.is(&new));
        assert_eq!(platform.requests(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_is_shared_and_not_kept() {
        let slot = Arc::<Slot>::default();
        let requests = Arc::new(AtomicUsize::new(0));
        let fail = || {
            let requests = Arc::clone(&requests);
            async move {
                requests.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
                Err(ApiError::new(ApiErrorKind::Refused, "no"))
            }
        };
        let both = futures_util::future::join(slot.get(fail), slot.get(fail)).await;
        assert!(both.0.is_err() && both.1.is_err());
        assert_eq!(requests.load(Ordering::Relaxed), 1);
        assert!(slot.get(fail).await.is_err());
        assert_eq!(requests.load(Ordering::Relaxed), 2);
    }
}
