//! Figures of latencies.

use std::time::Duration;

/// The least latency that so many percent of all do not exceed, in microseconds. `None` where there is
/// no latency.
#[must_use]
pub fn percentile(sorted: &[Duration], percent: usize) -> Option<f64> {
    let rank = (sorted.len() * percent).div_ceil(100);
    let took = sorted.get(rank.checked_sub(1)?)?;
    Some(took.as_secs_f64() * 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_latency_that_was_seen() {
        let micros = |all: &[u64]| -> Vec<_> {
            let all = all.iter().copied();
            all.map(Duration::from_micros).collect()
        };
        let to_1000 = micros(&(1..=1_000).collect::<Vec<_>>());
        let percents = [1, 50, 99, 100].map(|percent| percentile(&to_1000, percent));
        assert_eq!(percents, [10.0, 500.0, 990.0, 1_000.0].map(Some));
        // One latency of 100 beyond the others is beyond the 99th percentile, and two are not.
        let mut few = micros(&[7; 100]);
        few[99] = Duration::from_secs(1);
        assert_eq!(percentile(&few, 99), Some(7.0));
        few[98] = Duration::from_secs(1);
        assert_eq!(percentile(&few, 99), Some(1e6));
        assert_eq!(percentile(&few, 50), Some(7.0));
        assert_eq!(percentile(&micros(&[3]), 1), Some(3.0));
        assert_eq!(percentile(&[], 50), None);
    }
}
