//! Times as text, in faults and scripts: `500ms`, `15s`, `1.5h`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::builder::MAX_WAIT;

/// A time as text: a number and `ms`, `s`, `m` or `h`, at most a year.
///
/// ```
/// use std::time::Duration;
/// use lark_events_sim::Span;
///
/// assert_eq!("1.5m".parse(), Ok(Span(Duration::from_secs(90))));
/// assert_eq!(Span(Duration::from_millis(1500)).to_string(), "1500ms");
/// assert!("15".parse::<Span>().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span(pub Duration);

impl FromStr for Span {
    type Err = ParseSpanError;

    fn from_str(text: &str) -> Result<Self, ParseSpanError> {
        let unit_at = text.find(|char: char| char.is_ascii_alphabetic());
        let (number, unit) = text.split_at(unit_at.ok_or(ParseSpanError)?);
        let seconds = match unit {
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return Err(ParseSpanError),
        };
        let number: f64 = number.parse().map_err(|_| ParseSpanError)?;
        let time = Duration::try_from_secs_f64(number * seconds).ok();
        // Can be added to an `Instant` without overflow.
        let time = time.filter(|time| *time <= MAX_WAIT);
        time.map(Self).ok_or(ParseSpanError)
    }
}

/// Writes whole seconds, or else milliseconds.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(time) = self;
        if time.subsec_nanos() == 0 {
            return write!(f, "{}s", time.as_secs());
        }
        write!(f, "{}", time.as_millis())?;
        match time.subsec_nanos() % 1_000_000 {
            0 => {}
            nanos => write!(f, ".{}", format!("{nanos:06}").trim_end_matches('0'))?,
        }
        f.write_str("ms")
    }
}

/// The text is not a [`Span`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParseSpanError;

impl fmt::Display for ParseSpanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected a time, a number and ms, s, m or h, such as 15s")
    }
}

impl std::error::Error for ParseSpanError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_number_and_a_unit() {
        for (text, millis) in [
            ("500ms", 500),
            ("15s", 15_000),
            ("1.5m", 90_000),
            ("6h", 21_600_000),
        ] {
            assert_eq!(
                text.parse(),
                Ok(Span(Duration::from_millis(millis))),
                "{text}"
            );
        }
        for text in ["", "15", "s", "-1s", "1d", "1 s", "NaNs", "1e300h", "8761h"] {
            assert_eq!(text.parse::<Span>(), Err(ParseSpanError), "{text}");
        }
    }

    #[test]
    fn a_time_is_written_as_it_is_read() {
        for (time, text) in [
            (Duration::ZERO, "0s"),
            (Duration::from_millis(100), "100ms"),
            (Duration::from_secs(7200), "7200s"),
            (Duration::from_nanos(2_000_000_100), "2000.0001ms"),
            (Duration::from_nanos(1), "0.000001ms"),
        ] {
            assert_eq!(Span(time).to_string(), text);
            assert_eq!(text.parse(), Ok(Span(time)), "{text}");
        }
    }
}
