//! A stream of events, and the time of its next event.

use tokio::time::Instant;

use super::stream::Stream;

pub(super) struct Due {
    pub(super) stream: Stream,
    pub(super) at: Instant,
}

impl Due {
    /// Moves on to the next event after `now`; `false` if there is none.
    pub(super) fn go_on(&mut self, now: Instant) -> bool {
        let Some(every) = self.stream.every else {
            return false;
        };
        let next = self.at + every;
        // Missed events are skipped.
        self.at = if next <= now { now + every } else { next };
        true
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_was_missed_is_not_made_up_for() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let stream = "im.message.receive_v1@1/s".parse().unwrap();
        let mut due = Due { stream, at: start };
        // A little late is no later in the end.
        assert!(due.go_on(at(10)));
        assert_eq!(due.at, at(1000));
        // The app was away; it gets one event, and the next an interval later.
        assert!(due.go_on(at(5500)));
        assert_eq!(due.at, at(6500));
    }

    #[test]
    fn a_stream_without_a_rate_has_one_event() {
        let stream = "im.message.receive_v1".parse().unwrap();
        let now = Instant::now();
        let mut due = Due { stream, at: now };
        assert!(!due.go_on(now));
    }
}
