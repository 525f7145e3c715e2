//! When to connect again after a connection was lost, or none could be had.

use std::time::Duration;

use crate::config::ClientConfig;

/// A connection that lasted this long was a good one: what comes after it begins anew.
pub(crate) const STABLE_AFTER: Duration = Duration::from_secs(60);

/// Counts the attempts since the last good connection.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    attempts: u64,
    /// Those since the last connection, good or not.
    in_vain: u64,
}

impl Backoff {
    /// How long to wait before the next attempt, and which one it is; `None` when it is time to give
    /// up. `random` is between 0 and 1: the first attempt is spread over the whole nonce, so that
    /// the clients of a lost server do not come at once, further ones over the second half of the
    /// interval.
    #[expect(clippy::arithmetic_side_effects, reason = "attempts are made one by one")]
    pub(crate) fn next(&mut self, config: &ClientConfig, random: f64) -> Option<(u64, Duration)> {
        let spent = |count| self.in_vain >= count;
        if config.reconnect_count.is_some_and(spent) {
            return None;
        }
        let wait = match self.attempts {
            0 => config.reconnect_nonce.mul_f64(random),
            _ => config.reconnect_interval.mul_f64(0.5 + random / 2.0),
        };
        self.attempts += 1;
        self.in_vain += 1;
        Some((self.attempts, wait))
    }

    /// There was a connection, which lasted `lifetime`: if that was long enough, all begins anew.
    pub(crate) fn connected_for(&mut self, lifetime: Duration) {
        self.in_vain = 0;
        if lifetime >= STABLE_AFTER {
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
            let mut backoff = Backoff::default();
            let mut next = || backoff.next(&config, random).unwrap();
            assert_eq!(next(), (1, Duration::from_secs(first)));
            for attempt in 2..1000 {
                assert_eq!(next(), (attempt, Duration::from_secs(others)));
            }
        }
    }

    #[test]
    fn it_gives_up_after_as_many_attempts_as_it_is_told() {
        let mut backoff = Backoff::default();
        assert_eq!(backoff.next(&config(Some(0)), 0.0), None);
        assert!(backoff.next(&config(Some(2)), 0.0).is_some());
        assert!(backoff.next(&config(Some(2)), 0.0).is_some());
        assert_eq!(backoff.next(&config(Some(2)), 0.0), None);
        assert!(
            backoff.next(&config(Some(3)), 0.0).is_some(),
            "told more in between"
        );
        for _ in 0..9 {
            backoff.connected_for(Duration::from_secs(50));
            assert!(
                backoff.next(&config(Some(1)), 0.0).is_some(),
                "none was in vain"
            );
        }
        assert_eq!(backoff.next(&config(Some(1)), 0.0), None);
    }

    #[test]
    fn a_connection_of_a_minute_begins_anew_a_shorter_one_does_not() {
        let mut backoff = Backoff::default();
        let mut attempt_after = |lifetime| {
            backoff.connected_for(Duration::from_secs(lifetime));
            backoff.next(&config(None), 0.0).unwrap().0
        };
        assert_eq!([0, 59, 59, 60, 1].map(&mut attempt_after), [1, 2, 3, 1, 2]);
    }
}
