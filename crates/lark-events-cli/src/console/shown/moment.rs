//! Points in time: RFC 3339 for machines, the clock for people.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use maud::{Markup, html};
use serde::{Serialize, Serializer};
use tokio::time::Instant;

use crate::utc::rfc_3339;

/// A point in time, in UTC to the millisecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment(SystemTime);

impl Moment {
    /// The moment of a reading of the monotonic clock.
    pub(crate) fn of(instant: Instant) -> Self {
        let now = SystemTime::now();
        Self(now.checked_sub(instant.elapsed()).unwrap_or(UNIX_EPOCH))
    }

    pub(crate) fn after(self, time: Duration) -> Self {
        Self(self.0.checked_add(time).unwrap_or(self.0))
    }

    /// `2026-05-31T01:00:00.125Z`; empty after the year 9999.
    pub(crate) fn rfc_3339(self) -> String {
        rfc_3339(self.0).unwrap_or_default()
    }

    /// The time of day. The script of the page shows it in the time zone of the browser.
    pub(crate) fn clock(self) -> Markup {
        let text = self.rfc_3339();
        let clock = text.get(11..19).unwrap_or_default();
        html! { time datetime=(text) data-clock { (clock) " UTC" } }
    }

    /// The time of day, which the script replaces by the time until then.
    pub(crate) fn countdown(self) -> Markup {
        let text = self.rfc_3339();
        let clock = text.get(11..19).unwrap_or_default();
        html! { time datetime=(text) data-countdown { "at " (clock) " UTC" } }
    }
}

impl From<SystemTime> for Moment {
    fn from(time: SystemTime) -> Self {
        Self(time)
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.rfc_3339())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_in_utc() {
        let moment = Moment::from(UNIX_EPOCH + Duration::from_micros(1_780_189_200_125_900));
        assert_eq!(moment.rfc_3339(), "2026-05-31T01:00:00.125Z");
        assert!(moment.clock().into_string().contains(">01:00:00 UTC<"));
    }
}
