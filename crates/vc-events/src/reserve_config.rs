//! The limits on reservations in units of their own: what is sent as seconds in a text and hours in
//! a number, with the documented defaults, and the rules between the fields.

use std::time::Duration;

use lark_events::Validate;
use lark_events::event::Violations;

use crate::{ApprovalConfigEvent, TimeConfig};

const SECONDS_PER_HOUR: u64 = 60 * 60;
const SECONDS_PER_DAY: u64 = 24 * SECONDS_PER_HOUR;
/// The shortest time of a day that a room can be open for reservations, in seconds.
const SHORTEST_DAY: u64 = 30;
/// When a new day opens for reservations, in seconds, where nothing is given.
const OPENING_HOUR: u64 = 8 * SECONDS_PER_HOUR;

/// Each is the documented default where the field is not given, and `None` where its value is no
/// count of its unit. The values are those that were sent: not rounded, and in their ranges only if
/// [`validate`](lark_events::Validate::validate) finds nothing. What was sent but not understood (`"max_duration": "24h"`) is as good as not given:
/// [`unread`](lark_events::Event::unread) tells.
///
/// ```
/// use std::time::Duration;
/// use vc_events::TimeConfig;
///
/// let config: TimeConfig = serde_json::from_str(r#"{"opening_hour": "27900", "max_duration": 24}"#)?;
/// assert_eq!(config.opens_at(), Some(Duration::from_secs(7 * 3600 + 45 * 60)));
/// assert_eq!(config.longest(), Some(Duration::from_secs(24 * 3600)));
/// assert_eq!(config.ends_at(), Some(Duration::from_secs(24 * 3600)), "by default");
/// # Ok::<(), serde_json::Error>(())
/// ```
impl TimeConfig {
    /// [`days_in_advance`](Self::days_in_advance): how far ahead a reservation can be made.
    #[doc(alias = "days_in_advance")]
    #[must_use]
    pub fn ahead(&self) -> Option<Duration> {
        times(self.days_in_advance.unwrap_or(365), SECONDS_PER_DAY)
    }

    /// [`opening_hour`](Self::opening_hour): when a new day opens for reservations, from midnight.
    #[doc(alias = "opening_hour")]
    #[must_use]
    pub fn opens_at(&self) -> Option<Duration> {
        seconds(&self.opening_hour, OPENING_HOUR).map(Duration::from_secs)
    }

    /// [`start_time`](Self::start_time): from when the room can be reserved, from midnight.
    #[doc(alias = "start_time")]
    #[must_use]
    pub fn starts_at(&self) -> Option<Duration> {
        seconds(&self.start_time, 0).map(Duration::from_secs)
    }

    /// [`end_time`](Self::end_time): until when the room can be reserved, from midnight.
    #[doc(alias = "end_time")]
    #[must_use]
    pub fn ends_at(&self) -> Option<Duration> {
        seconds(&self.end_time, SECONDS_PER_DAY).map(Duration::from_secs)
    }

    /// [`max_duration`](Self::max_duration): how long a reservation can be.
    #[doc(alias = "max_duration")]
    #[must_use]
    pub fn longest(&self) -> Option<Duration> {
        times(self.max_duration.unwrap_or(2), SECONDS_PER_HOUR)
    }
}

impl ApprovalConfigEvent {
    /// [`meeting_duration`](Self::meeting_duration): longer reservations need approval. It has no
    /// default.
    #[doc(alias = "meeting_duration")]
    #[must_use]
    pub fn approved_up_to(&self) -> Option<Duration> {
        let hours = self.meeting_duration?;
        Duration::try_from_secs_f64(hours * 3600.0).ok()
    }
}

/// A text of whole seconds.
fn seconds(text: &Option<String>, default: u64) -> Option<u64> {
    text.as_ref()
        .map_or(Some(default), |text| text.parse().ok())
}

fn times(count: i64, unit: u64) -> Option<Duration> {
    let seconds = u64::try_from(count).ok()?.checked_mul(unit)?;
    Some(Duration::from_secs(seconds))
}

impl Validate for TimeConfig {
    fn check(&self, found: &mut Violations) {
        found.range("days_in_advance", &self.days_in_advance, 1.0..=730.0);
        time_of_day(found, "opening_hour", &self.opening_hour, OPENING_HOUR);
        let start = time_of_day(found, "start_time", &self.start_time, 0);
        let end = time_of_day(found, "end_time", &self.end_time, SECONDS_PER_DAY);
        found.range("max_duration", &self.max_duration, 1.0..=99.0);
        let (Some(start), Some(end)) = (start, end) else {
            return;
        };
        let holds = end >= start + SHORTEST_DAY;
        match (&self.start_time, &self.end_time) {
            (Some(_), Some(_)) => {
                found.rule("end_time", holds, "at least 30 seconds after start_time");
            }
            (None, Some(_)) => found.rule("end_time", holds, "at least 30 seconds"),
            (Some(_), None) => {
                let holds = start < SECONDS_PER_DAY - SHORTEST_DAY;
                found.rule("start_time", holds, "less than 86370 seconds");
            }
            (None, None) => {}
        }
    }
}

/// The seconds of a time of day, if it is one.
fn time_of_day(
    found: &mut Violations,
    name: &str,
    text: &Option<String>,
    default: u64,
) -> Option<u64> {
    let time = seconds(text, default).filter(|seconds| *seconds <= SECONDS_PER_DAY);
    found.rule(
        name,
        time.is_some(),
        "whole seconds of a day, at most 86400",
    );
    time
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(json: &str) -> TimeConfig {
        serde_json::from_str(json).unwrap()
    }

    fn broken(json: &str) -> Vec<String> {
        let found = config(json).validate();
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_not_given_has_its_documented_default() {
        let config = TimeConfig::default();
        let days = |days| Some(Duration::from_secs(days * SECONDS_PER_DAY));
        let hours = |hours| Some(Duration::from_secs(hours * SECONDS_PER_HOUR));
        assert_eq!(config.ahead(), days(365));
        assert_eq!(config.opens_at(), hours(8));
        assert_eq!(config.starts_at(), hours(0));
        assert_eq!(config.ends_at(), hours(24));
        assert_eq!(config.longest(), hours(2));
        assert_eq!(ApprovalConfigEvent::default().approved_up_to(), None);
    }

    #[test]
    fn what_makes_no_sense_is_none() {
        let config = config(
            r#"{"days_in_advance": -1, "opening_hour": "8:00", "start_time": "-1",
                "end_time": "1e9", "max_duration": 9223372036854775807}"#,
        );
        assert_eq!(config.ahead(), None);
        assert_eq!(config.opens_at(), None);
        assert_eq!(config.starts_at(), None);
        assert_eq!(config.ends_at(), None);
        assert_eq!(config.longest(), None);
        let hours = |meeting_duration| ApprovalConfigEvent {
            meeting_duration: Some(meeting_duration),
            ..ApprovalConfigEvent::default()
        };
        assert_eq!(hours(1.5).approved_up_to(), Some(Duration::from_secs(5400)));
        assert_eq!(hours(-1.0).approved_up_to(), None);
        assert_eq!(hours(f64::MAX).approved_up_to(), None);
    }

    #[test]
    fn the_documented_rules_hold_or_are_named() {
        for good in [
            "{}",
            r#"{"start_time": "86369"}"#,
            r#"{"end_time": "30"}"#,
            r#"{"start_time": "100", "end_time": "130", "days_in_advance": 730, "max_duration": 99}"#,
        ] {
            assert!(broken(good).is_empty(), "{good}");
        }
        for (bad, expected) in [
            (
                r#"{"start_time": "100", "end_time": "129"}"#,
                "/end_time: at least 30 seconds after start_time",
            ),
            (r#"{"end_time": "29"}"#, "/end_time: at least 30 seconds"),
            (
                r#"{"start_time": "86370"}"#,
                "/start_time: less than 86370 seconds",
            ),
            (
                r#"{"days_in_advance": 0}"#,
                "/days_in_advance: a number of at least 1 and at most 730",
            ),
            (
                r#"{"max_duration": 100}"#,
                "/max_duration: a number of at least 1 and at most 99",
            ),
            (
                r#"{"opening_hour": "eight"}"#,
                "/opening_hour: whole seconds of a day, at most 86400",
            ),
            (
                r#"{"start_time": "86401"}"#,
                "/start_time: whole seconds of a day, at most 86400",
            ),
            (
                r#"{"start_time": "NaN", "end_time": "1"}"#,
                "/start_time: whole seconds of a day, at most 86400",
            ),
            (
                r#"{"start_time": "9", "end_time": "90000"}"#,
                "/end_time: whole seconds of a day, at most 86400",
            ),
            (
                r#"{"start_time": "5", "end_time": "4"}"#,
                "/end_time: at least 30 seconds after start_time",
            ),
        ] {
            assert_eq!(broken(bad), [expected], "{bad}");
        }
    }

    #[test]
    fn rules_and_durations_agree_on_what_whole_seconds_are() {
        let opening = |text: &str| TimeConfig {
            opening_hour: Some(text.to_owned()),
            ..TimeConfig::default()
        };
        for odd in ["1.5", "1e3", "-0", "-1", "", " 1", "0x1", "8:00"] {
            let config = opening(odd);
            assert_eq!(config.opens_at(), None, "{odd}");
            assert_eq!(config.validate().len(), 1, "{odd}");
        }
        for (good, seconds) in [("0", 0), ("86400", 86_400), ("007", 7)] {
            let config = opening(good);
            assert_eq!(config.opens_at(), Some(Duration::from_secs(seconds)));
            assert!(config.validate().is_empty(), "{good}");
        }
    }

    #[test]
    fn what_was_not_understood_is_as_good_as_not_given() {
        let config = config(r#"{"max_duration": "24h", "opening_hour": {}}"#);
        assert_eq!(config, TimeConfig::default());
        assert_eq!(config.longest(), TimeConfig::default().longest());
    }

    #[test]
    fn an_event_has_the_rules_of_what_is_in_it() {
        let body = r#"{"time_config": {"end_time": "1"}}"#;
        let event: crate::ReserveConfigUpdatedV1 = serde_json::from_str(body).unwrap();
        let found = event.validate();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].path, "/time_config/end_time");
    }
}
