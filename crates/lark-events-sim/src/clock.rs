//! The platform's wall clock, which follows tokio's time, so that pausing tokio's time pauses it.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// Returns a wall clock that follows tokio's time from now on, and pauses with it. In a test with a paused clock,
/// use the same clock for the platform and the app:
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// use lark_events::Webhook;
/// use lark_events_sim::Platform;
///
/// let clock = lark_events_sim::clock();
/// let webhook = Webhook::builder().verification_token("v-token").clock(clock.clone()).build()?;
/// let platform = Platform::builder().clock(clock);
/// # drop((webhook, platform));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn clock() -> impl Fn() -> SystemTime + Clone + Send + Sync + 'static {
    let (wall, began) = (SystemTime::now(), Instant::now());
    move || wall + began.elapsed()
}

/// The platform's clock.
#[derive(Clone)]
pub(crate) struct Clock(Arc<dyn Fn() -> SystemTime + Send + Sync>);

impl Clock {
    pub(crate) fn new(clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self(Arc::new(clock))
    }

    pub(crate) fn now(&self) -> SystemTime {
        (self.0)()
    }

    /// Milliseconds since 1970.
    pub(crate) fn millis(&self) -> u128 {
        let since = self.now().duration_since(UNIX_EPOCH);
        since.map_or(0, |since| since.as_millis())
    }
}
