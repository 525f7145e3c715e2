//! When to reconnect after a connection was lost or could not be opened.

use std::time::Duration;

use crate::wire::config::ClientConfig;

/// A connection that lasted this long was stable, and resets the back-off. A server that accepts
/// connections only to drop them takes less.
pub(crate) const STABLE_AFTER: Duration = Duration::from_secs(60);
/// The minimum wait before the second attempt. It doubles with each further attempt, up to
/// [`MAX_BACKOFF`].
const MIN_BACKOFF: Duration = Duration::from_secs(1);
/// The interval that the platform itself sets; there is no reason to wait longer.
const MAX_BACKOFF: Duration = Duration::from_secs(120);

/// The attempts since the last stable connection.
#[derive(Debug)]
pub(crate) struct Backoff {
    stable_after: Duration,
    attempts: u64,
    /// The attempts since the last connection, stable or not, which count towards giving up.
    in_vain: u64,
}

impl Backoff {
    /// Starts without attempts. Connections are stable after [`STABLE_AFTER`], or sooner in a soak
    /// test.
    pub(crate) fn new(stable_after: Duration) -> Self {
        Self {
            stable_after,
            attempts: 0,
            in_vain: 0,
        }
    }

    /// The wait before the next attempt, and the attempt's number; `None` after the last attempt that
    /// the platform allows.
    #[expect(clippy::arithmetic_side_effects, reason = "attempts are made one by one")]
    pub(crate) fn next(&mut self, config: &ClientConfig, random: f64) -> Option<(u64, Duration)> {
        let spent = |count| self.in_vain >= count;
        if config.reconnect_count.is_some_and(spent) {
            return None;
        }
        self.in_vain += 1;
        Some(self.next_for_ever(config, random))
    }

    /// The wait before the next attempt, and the attempt's number, without a limit on attempts.
    ///
    /// `random` is between 0 and 1. It spreads the first attempt over the platform's whole nonce, so
    /// that the clients of a lost server do not connect at once, and further attempts over the second
    /// half of the interval. The back-off replaces an interval that is shorter.
    #[expect(clippy::arithmetic_side_effects, reason = "attempts are made one by one")]
    pub(crate) fn next_for_ever(&mut self, config: &ClientConfig, random: f64) -> (u64, Duration) {
        let wait = match self.attempts {
            0 => config.reconnect_nonce.mul_f64(random),
            before => {
                let doublings = u32::try_from(before - 1).unwrap_or(u32::MAX);
                let backoff = MIN_BACKOFF.saturating_mul(2_u32.saturating_pow(doublings));
                let interval = config.reconnect_interval.max(backoff.min(MAX_BACKOFF));
                interval.mul_f64(0.5 + random / 2.0)
            }
        };
        self.attempts += 1;
        (self.attempts, wait)
    }

    /// Records a connection that lasted `lifetime`, not counting a final silence.
    pub(crate) fn connected_for(&mut self, lifetime: Duration) {
        self.in_vain = 0;
        if lifetime >= self.stable_after {
            self.attempts = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(count: Option<u64>) -> ClientConfig {
        ClientConfig {
            reconnect_count: count,
            ..ClientConfig::default()
        }
    }

    #[test]
    fn the_first_attempt_is_within_the_nonce_and_others_after_the_interval_with_jitter() {
        let config = config(None);
        for (random, first, others) in [(0.0, 0, 60), (0.5, 15, 90), (1.0, 30, 120)] {
            let mut backoff = Backoff::new(STABLE_AFTER);
            let mut next = || backoff.next(&config, random).unwrap();
            assert_eq!(next(), (1, Duration::from_secs(first)));
            for attempt in 2..1000 {
                assert_eq!(next(), (attempt, Duration::from_secs(others)));
            }
        }
    }

    #[test]
    fn a_short_interval_gives_way_to_a_wait_that_doubles_up_to_two_minutes() {
        let mut config = config(None);
        config.reconnect_interval = Duration::from_secs(1);
        let mut backoff = Backoff::new(STABLE_AFTER);
        let mut waits = |random, count| -> Vec<u64> {
            let next = || backoff.next(&config, random).unwrap().1.as_millis();
            std::iter::repeat_with(next)
                .take(count)
                .map(|ms| ms as u64)
                .collect()
        };
        assert_eq!(waits(0.0, 4), [0, 500, 1000, 2000]);
        assert_eq!(waits(1.0, 3), [8000, 16_000, 32_000]);
        assert_eq!(waits(1.0, 3), [64_000, 120_000, 120_000]);
        assert_eq!(waits(0.0, 100), [60_000; 100]);
        // A longer interval is kept.
        config.reconnect_interval = Duration::from_secs(600);
        let longer = backoff.next(&config, 1.0).unwrap().1;
        assert_eq!(longer, Duration::from_secs(600));
    }

    #[test]
    fn it_gives_up_after_as_many_attempts_as_it_is_told() {
        let mut backoff = Backoff::new(STABLE_AFTER);
        assert_eq!(backoff.next(&config(Some(0)), 0.0), None);
        assert!(backoff.next(&config(Some(2)), 0.0).is_some());
        assert!(backoff.next(&config(Some(2)), 0.0).is_some());
        assert_eq!(backoff.next(&config(Some(2)), 0.0), None);
        assert!(
            backoff.next(&config(Some(3)), 0.0).is_some(),
            "counted more in between"
        );
        for _ in 0..9 {
            backoff.connected_for(Duration::from_secs(50));
            assert!(
                backoff.next(&config(Some(1)), 0.0).is_some(),
                "no attempt failed"
            );
        }
        assert_eq!(backoff.next(&config(Some(1)), 0.0), None);
    }

    #[test]
    fn a_connection_of_a_minute_begins_anew_a_shorter_one_does_not() {
        let mut backoff = Backoff::new(STABLE_AFTER);
        let mut attempt_after = |lifetime| {
            backoff.connected_for(Duration::from_secs(lifetime));
            backoff.next(&config(None), 0.0).unwrap().0
        };
        assert_eq!([0, 59, 59, 60, 1].map(&mut attempt_after), [1, 2, 3, 1, 2]);
    }
}
