//! When each entry of a recording is due.

use std::str::FromStr;
use std::time::{Duration, SystemTime};

use tokio::time::{Instant, sleep_until};

/// The most requests at once, if the pace is that of the recording: each holds a socket.
const MAX_AT_ONCE: usize = 256;

/// How many times as fast as it was recorded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Speed(f64);

impl FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let factor = text.parse().ok().filter(|factor: &f64| factor.is_finite());
        let factor = factor.filter(|factor| *factor > 0.0);
        factor
            .map(Self)
            .ok_or_else(|| format!("expected a number above 0, such as 1 or 10, got {text}"))
    }
}

#[derive(Debug)]
pub(super) struct Pace {
    speed: Option<Speed>,
    /// When the first entry was sent, and when it was recorded.
    start: Option<(Instant, SystemTime)>,
}

impl Pace {
    pub(super) fn new(speed: Option<Speed>) -> Self {
        Self { speed, start: None }
    }

    /// How many requests may be under way.
    pub(super) fn at_once(&self) -> usize {
        self.speed.map_or(1, |_| MAX_AT_ONCE)
    }

    /// Waits until an entry that was recorded at `time` is due.
    pub(super) fn due(&mut self, time: SystemTime) -> impl Future<Output = ()> + use<> {
        let at = self.at(time);
        async move {
            if let Some(at) = at {
                sleep_until(at).await;
            }
        }
    }

    fn at(&mut self, time: SystemTime) -> Option<Instant> {
        let Speed(factor) = self.speed?;
        let (started, first) = *self.start.get_or_insert_with(|| (Instant::now(), time));
        // Entries are in the order of their ends, so that one may have begun before the first.
        let since = time.duration_since(first).unwrap_or_default();
        let wait = Duration::try_from_secs_f64(since.as_secs_f64() / factor).ok()?;
        started.checked_add(wait)
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn entries_are_due_at_the_pace_of_the_recording_or_faster() {
        let recorded = |seconds: u64| UNIX_EPOCH + Duration::from_secs(1_000_000 + seconds);
        for (speed, after) in [
            (None, 0),
            (Some("1"), 60),
            (Some("20"), 3),
            (Some("0.5"), 120),
        ] {
            let mut pace = Pace::new(speed.map(|speed| speed.parse().unwrap()));
            let start = Instant::now();
            pace.due(recorded(0)).await;
            assert_eq!(start.elapsed(), Duration::ZERO);
            // It ended after the first one, and began before it.
            pace.due(recorded(0) - Duration::from_secs(5)).await;
            assert_eq!(start.elapsed(), Duration::ZERO);
            pace.due(recorded(60)).await;
            assert_eq!(start.elapsed().as_secs(), after, "{speed:?}");
        }
    }

    #[test]
    fn a_speed_is_a_number_above_0() {
        for text in ["", "0", "-1", "x", "inf", "NaN"] {
            assert!(text.parse::<Speed>().is_err(), "{text}");
        }
    }
}
