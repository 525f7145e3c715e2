//! The window in which a signature's timestamp is accepted.

use std::fmt;
use std::time::{Duration, SystemTime};

use crate::limits::{DEFAULT_MAX_AGE, DEFAULT_MAX_AHEAD};
use crate::time::parse_time;

type Clock = Box<dyn Fn() -> SystemTime + Send + Sync>;

/// The clock, and the accepted window around its time.
pub(crate) struct Freshness {
    pub(crate) clock: Clock,
    /// `None` turns the check off.
    pub(crate) window: Option<Window>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    pub(crate) max_age: Duration,
    pub(crate) max_ahead: Duration,
}

impl Window {
    /// The longest time for which one signature is accepted: from the maximum time ahead to the maximum
    /// age.
    pub(crate) fn length(self) -> Duration {
        self.max_age.saturating_add(self.max_ahead)
    }
}

impl Freshness {
    pub(crate) fn now(&self) -> SystemTime {
        (self.clock)()
    }

    /// Whether `timestamp`, all digits, lies in the window around `now`.
    pub(crate) fn accepts(&self, timestamp: &str, now: SystemTime) -> bool {
        let Some(window) = self.window else {
            return true;
        };
        let Some(signed_at) = parse_time(timestamp) else {
            return false;
        };
        match now.duration_since(signed_at) {
            Ok(age) => age <= window.max_age,
            Err(ahead) => ahead.duration() <= window.max_ahead,
        }
    }
}

impl Default for Freshness {
    fn default() -> Self {
        Self {
            clock: Box::new(SystemTime::now),
            window: Some(Window {
                max_age: DEFAULT_MAX_AGE,
                max_ahead: DEFAULT_MAX_AHEAD,
            }),
        }
    }
}

impl fmt::Debug for Freshness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Freshness")
            .field("window", &self.window)
            .finish_non_exhaustive()
    }
}
