//! What a command is doing, on a terminal, once it has taken longer than a second.

use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::when::short;
use crate::figures::count;
use crate::output::Output;

/// When a command is slow enough to say so.
const SLOW: Duration = Duration::from_secs(1);
/// The time between two drawings.
const PAUSE: Duration = Duration::from_millis(100);

/// The progress of one command. Its line disappears with it.
pub(super) struct Progress {
    output: Output,
    /// Such as `retrying`.
    what: &'static str,
    events: usize,
    began: Instant,
    /// When the line is drawn next.
    due: Instant,
    is_shown: bool,
}

impl Progress {
    pub(super) fn new(what: &'static str, output: Output) -> Self {
        let began = Instant::now();
        Self {
            output,
            what,
            events: 0,
            began,
            due: began + SLOW,
            is_shown: false,
        }
    }

    /// Adds finished events.
    pub(super) fn add(&mut self, events: u64) {
        self.events = self
            .events
            .saturating_add(usize::try_from(events).unwrap_or(usize::MAX));
    }

    /// Removes the line, so that a result can be printed.
    pub(super) fn clear(&mut self) {
        if self.is_shown {
            self.output.busy_with("");
            self.is_shown = false;
        }
    }

    /// Waits for a part of the work.
    pub(super) async fn during<T>(&mut self, part: impl Future<Output = T>) -> T {
        let mut part = pin!(part);
        loop {
            tokio::select! {
                result = &mut part => return result,
                () = sleep_until(self.due) => self.draw(),
            }
        }
    }

    fn draw(&mut self) {
        self.is_shown = true;
        self.due = Instant::now() + PAUSE;
        self.output
            .busy_with(line(self.what, self.events, self.began.elapsed()));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}

/// `retrying … 1500 events, 3s`
fn line(what: &str, events: usize, time: Duration) -> String {
    match events {
        0 => format!("{what} … {}", short(time)),
        events => format!("{what} … {}, {}", count(events, "event"), short(time)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_how_many_events_and_how_long() {
        let three = Duration::from_millis(3_400);
        assert_eq!(line("checking", 0, three), "checking … 3s");
        assert_eq!(line("retrying", 1_500, three), "retrying … 1500 events, 3s");
    }
}
