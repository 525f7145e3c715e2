//! A signature's timestamp that is too far from the current time.

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use lark_events::EventHeader;
use lark_events::limits::{DEFAULT_MAX_AGE, DEFAULT_MAX_AHEAD};
use lark_events::webhook::SIGNATURE_TIMESTAMP_HEADER;

use super::cause::Cause;

/// Earlier than any event of the platform.
const FIRST_EVENT: Duration = Duration::from_hours(24 * 365 * 40);

pub(super) fn causes(headers: &HeaderMap, now: SystemTime) -> Vec<Cause> {
    let value = headers.get(SIGNATURE_TIMESTAMP_HEADER);
    let value = value.and_then(|value| value.to_str().ok());
    let mut header = EventHeader::new("");
    header.create_time = Some(value.unwrap_or_default().to_owned());
    let signed_at = header.created_at();
    let first = SystemTime::UNIX_EPOCH + FIRST_EVENT;
    let Some(signed_at) = signed_at.filter(|signed_at| *signed_at > first) else {
        return vec![Cause::new(
            "timestamp_unit",
            "the timestamp is not a plausible Unix time in seconds, milliseconds or microseconds",
            "set the timestamp to Unix time in seconds in the program that signs the request",
        )];
    };
    let cause = match now.duration_since(signed_at) {
        Ok(age) => Cause::new(
            "timestamp_old",
            format!(
                "the request was signed {} ago; the limit is {}",
                rounded(age),
                limit(DEFAULT_MAX_AGE)
            ),
            "if the request came in earlier, pass that time with --at; otherwise correct the \
            clock of the app's machine; if the clock is right, somebody replays an old request",
        ),
        Err(ahead) => Cause::new(
            "timestamp_ahead",
            format!(
                "the request was signed {} ahead of the clock; the limit is {}",
                rounded(ahead.duration()),
                limit(DEFAULT_MAX_AHEAD)
            ),
            "correct the clock of the app's machine: it is slow",
        ),
    };
    vec![cause]
}

/// A limit in whole hours or minutes.
fn limit(time: Duration) -> String {
    match time.as_secs() / 60 {
        minutes if minutes % 60 == 0 => format!("{} h", minutes / 60),
        minutes => format!("{minutes} min"),
    }
}

/// Rounded up to the second, so that a time just over a limit is never shown as the limit.
fn rounded(time: Duration) -> String {
    let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    let (minutes, seconds) = (seconds / 60, seconds % 60);
    match minutes {
        0..120 => format!("{minutes} min {seconds} s"),
        120..2880 => format!("{} h {} min {seconds} s", minutes / 60, minutes % 60),
        _ => format!("{} days", minutes / 60 / 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_shown_as_the_documentation_has_them() {
        assert_eq!(limit(DEFAULT_MAX_AGE), "8 h");
        assert_eq!(limit(DEFAULT_MAX_AHEAD), "10 min");
    }

    #[test]
    fn a_time_just_over_a_limit_is_not_shown_as_the_limit() {
        for (time, text) in [
            (
                Duration::from_mins(10) + Duration::from_millis(1),
                "10 min 1 s",
            ),
            (
                Duration::from_hours(8) + Duration::from_secs(30),
                "8 h 0 min 30 s",
            ),
            (Duration::from_hours(49), "2 days"),
        ] {
            assert_eq!(rounded(time), text);
        }
    }
}
