//! Streams of events and schedules, as they are typed: `TYPE@6/m`, `15s,5m`.

use std::str::FromStr;
use std::time::Duration;

use lark_events_sim::{ParseSpanError, Span};

use super::pushable::Pushable;

/// The delays before each redelivery.
#[derive(Debug, Clone)]
pub(crate) struct Schedule(pub(crate) Vec<Duration>);

impl FromStr for Schedule {
    type Err = ParseSpanError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "never" {
            return Ok(Self(Vec::new()));
        }
        let spans = text.split(',').map(|span| span.trim().parse());
        let spans: Result<Vec<Span>, _> = spans.collect();
        Ok(Self(spans?.into_iter().map(|span| span.0).collect()))
    }
}

/// Events to push: `TYPE` once, `TYPE@6/m` repeatedly.
#[derive(Debug, Clone)]
pub(crate) struct Stream {
    pub(crate) event: Pushable,
    pub(crate) every: Option<Duration>,
}

impl FromStr for Stream {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (event_type, rate) = match text.split_once('@') {
            Some((event_type, rate)) => (event_type, Some(rate)),
            None => (text, None),
        };
        Ok(Self {
            event: Pushable::parse(&[event_type])?,
            every: rate.map(interval).transpose()?,
        })
    }
}

/// The time between two events at a rate: `10/s`, `6/m`, `1/h`.
fn interval(rate: &str) -> Result<Duration, &'static str> {
    /// Rates above are for load generators.
    const MAX_PER_SECOND: f64 = 1000.0;
    /// A year, which can be added to an `Instant` without overflow.
    const MAX_INTERVAL: Duration = Duration::from_hours(24 * 365);
    const FORM: &str = "expected a rate, a number per s, m or h of at most 1000/s, such as 6/m";
    let (number, unit) = rate.split_once('/').ok_or(FORM)?;
    let number: f64 = number.parse().map_err(|_| FORM)?;
    let seconds = match unit {
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err(FORM),
    };
    if !(number > 0.0 && number / seconds <= MAX_PER_SECOND) {
        return Err(FORM);
    }
    let interval = Duration::try_from_secs_f64(seconds / number).ok();
    interval.filter(|time| *time <= MAX_INTERVAL).ok_or(FORM)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_number_per_unit() {
        for (text, millis) in [
            ("1/s", 1000),
            ("10/s", 100),
            ("6/m", 10_000),
            ("0.5/h", 7_200_000),
        ] {
            assert_eq!(interval(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in [
            "", "1", "0/s", "-1/s", "1/d", "1001/s", "NaN/s", "1e-300/h", "1e-5/h",
        ] {
            assert!(interval(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_schedule_is_a_list_of_times_or_never() {
        let schedule: Schedule = "15s, 5m".parse().unwrap();
        assert_eq!(
            schedule.0,
            [Duration::from_secs(15), Duration::from_mins(5)]
        );
        assert!("never".parse::<Schedule>().unwrap().0.is_empty());
        assert!("15s,".parse::<Schedule>().is_err());
    }
}
