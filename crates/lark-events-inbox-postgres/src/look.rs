//! Where claims look for work. A look at the whole queue passes all its dead rows, so that most looks begin where the
//! one before did.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// The shortest time between two looks at the whole queue. The looks between begin where the whole one did.
const WHOLE_LOOK_PAUSE: Duration = Duration::from_secs(1);
const MAX_WHOLE_LOOK_PAUSE: Duration = Duration::from_secs(5);
/// A look at the whole queue may take this share of the time.
const WHOLE_LOOK_SHARE: u32 = 20;
/// For how long after a claim a worker looks again soon.
const ACTIVE: Duration = Duration::from_secs(1);

/// Where claims look.
#[derive(Debug, Default)]
pub(crate) struct Look {
    /// When a claim last got something.
    pub(crate) claimed_at: Option<Instant>,
    /// Where the looks between two whole ones begin, by the clock of the server.
    pub(crate) since: Option<SystemTime>,
    /// When the last whole look ended, and the time until the next.
    whole: Option<(Instant, Duration)>,
}

impl Look {
    /// Whether a claim got something a moment ago.
    pub(crate) fn is_active(&self) -> bool {
        self.claimed_at.is_some_and(|at| at.elapsed() < ACTIVE)
    }

    /// Where the next look begins; `None` if it is a whole one.
    pub(crate) fn since(&self) -> Option<SystemTime> {
        let (at, pause) = self.whole?;
        self.since.filter(|_| at.elapsed() < pause)
    }

    /// Notes where the next look may begin, and whether this one, which began at a time, was a whole one.
    pub(crate) fn looked(&mut self, began: Instant, is_whole: bool, since: SystemTime) {
        if is_whole {
            let pause = began.elapsed().saturating_mul(WHOLE_LOOK_SHARE);
            let pause = pause.clamp(WHOLE_LOOK_PAUSE, MAX_WHOLE_LOOK_PAUSE);
            self.whole = Some((Instant::now(), pause));
        }
        self.since = Some(since);
    }
}
