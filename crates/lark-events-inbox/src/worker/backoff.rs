//! The delay before the next attempt.

use std::time::Duration;

use crate::builder::InboxBuilder;

/// By how much the delay grows with each failure.
const FACTOR: u32 = 3;
/// The delay before an event whose handler could not start is tried again.
const NOT_STARTED: Duration = Duration::from_secs(1);
/// The bounds of the delay before an event without a handler is tried again.
const MIN_SET_ASIDE: Duration = Duration::from_mins(1);
const MAX_SET_ASIDE: Duration = Duration::from_hours(1);
/// The longest delay that a handler may ask for with [`RetryAfter`](lark_events::RetryAfter).
const MAX_RETRY_AFTER: Duration = Duration::from_hours(24);

/// The delay after a failure of this attempt.
pub(super) fn after_failure(settings: &InboxBuilder, attempt: u32) -> Duration {
    let exponent = attempt.saturating_sub(1);
    let factor = FACTOR.saturating_pow(exponent);
    let delay = settings.min_backoff.saturating_mul(factor);
    jittered(delay.min(settings.max_backoff))
}

/// The delay that a handler asked for, and up to a tenth more, so that not all retries come at once.
pub(super) fn asked_for(delay: Duration) -> Duration {
    let delay = delay.min(MAX_RETRY_AFTER);
    delay.saturating_add(delay.mul_f64(fastrand::f64() / 10.0))
}

pub(super) fn not_started() -> Duration {
    jittered(NOT_STARTED)
}

/// The delay for an event of this age without a handler: it doubles with the age.
pub(super) fn set_aside(age: Duration) -> Duration {
    jittered(age.clamp(MIN_SET_ASIDE, MAX_SET_ASIDE))
}

/// Takes a random part of up to a half off a delay.
fn jittered(delay: Duration) -> Duration {
    delay.mul_f64(1.0 - fastrand::f64() / 2.0)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::volatile::VolatileStore;

    #[test]
    fn a_delay_triples_up_to_its_maximum_and_loses_at_most_a_half() {
        let settings = InboxBuilder::new(Arc::new(VolatileStore::new()));
        for (attempt, seconds) in [
            (1, 1),
            (2, 3),
            (3, 9),
            (8, 2_187),
            (9, 3_600),
            (u32::MAX, 3_600),
        ] {
            let longest = Duration::from_secs(seconds);
            for _ in 0..100 {
                let delay = after_failure(&settings, attempt);
                assert!(
                    delay <= longest && delay >= longest / 2,
                    "{attempt}: {delay:?}"
                );
            }
        }
    }

    #[test]
    fn a_delay_that_a_handler_asks_for_is_kept_up_to_a_day() {
        let minute = Duration::from_mins(1);
        for _ in 0..100 {
            let delay = asked_for(minute);
            assert!(
                delay >= minute && delay <= minute + minute / 10,
                "{delay:?}"
            );
            assert!(asked_for(Duration::MAX) <= Duration::from_hours(27));
        }
    }
}
