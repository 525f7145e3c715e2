//! `cargo xtask simulate`: plays the platform's schedule of redeliveries against a model of an app, to size it.
//! `docs/guide/sizing.md` explains the formulas.

mod model;
#[cfg(test)]
mod real_run;
mod report;

use std::str::FromStr;

use self::model::{App, Load, Outage};
use crate::positive;

/// The longest time for which the app may take to catch up, and the longest outage, in seconds: two days.
const MAX_SECONDS: u32 = 2 * 24 * 3600;
/// The longest time for which an event is kept, in seconds: 30 days.
const MAX_KEPT: u32 = 30 * 24 * 3600;
/// The most events per second. The platform sends fewer to one app.
const MAX_RATE: f64 = 1e6;

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Events per second
    #[arg(long, default_value_t = 10.0, value_parser = positive)]
    rate: f64,
    /// A burst: a multiple of the rate, and its duration, such as `10x60s`. It begins after a minute
    #[arg(long, value_name = "TIMES")]
    burst: Option<Burst>,
    /// Duration of a handler
    #[arg(long, default_value = "200ms", value_name = "TIME")]
    handler: Span,
    /// Number of processes
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    replicas: u32,
    /// Events that a process handles at once: `workers` of its inbox, or `max_running` of a webhook without an
    /// inbox
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..))]
    at_once: u32,
    /// Simulate an app without an inbox: an event is acknowledged once it is handled
    #[arg(long)]
    no_inbox: bool,
    /// Maximum of events per second that all processes together can store, or receive without an inbox.
    /// docs/guide/sizing.md has the figure of each store
    #[arg(long, default_value_t = 20_000.0, value_parser = positive)]
    stores: f64,
    /// Maximum of events per second that the store lets all processes together handle, as docs/guide/sizing.md has
    /// measured it. Without it, only the handlers set the limit
    #[arg(long, value_parser = positive, conflicts_with = "no_inbox")]
    handles: Option<f64>,
    /// Bytes of a stored event
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..))]
    event_bytes: u32,
    /// Time for which a finished event is kept
    #[arg(long, default_value = "7d", value_name = "TIME")]
    kept: Span,
    /// Length of an outage of the whole app, which begins after 10 minutes; `0s` for none
    #[arg(long, default_value = "1h", value_name = "TIME")]
    outage: Span,
}

/// A time such as `200ms`, `15s`, `5m`, `1h`, `7d`, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Span(f64);

/// A burst such as `10x60s`.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Burst {
    times: f64,
    seconds: f64,
}

/// Prints what happens.
pub(crate) fn run(options: &Options) -> Result<(), String> {
    print!("{}", options.play()?);
    Ok(())
}

impl Options {
    fn play(&self) -> Result<String, String> {
        let (load, app) = self.read()?;
        let played = model::play(&load, &app, MAX_SECONDS);
        Ok(report::text(&load, &app, &played))
    }

    fn read(&self) -> Result<(Load, App), String> {
        let burst = self.burst.unwrap_or(Burst {
            times: 1.0,
            seconds: 0.0,
        });
        if self.rate * burst.times.max(1.0) > MAX_RATE {
            return Err(format!(
                "expected a rate of at most {MAX_RATE} events/s, also in the burst"
            ));
        }
        if self.handler.0 <= 0.0 {
            return Err("expected a --handler above 0s".to_owned());
        }
        for (name, seconds, most, text) in [
            ("burst", burst.seconds, MAX_SECONDS, "48h"),
            ("handler", self.handler.0, MAX_SECONDS, "48h"),
            ("outage", self.outage.0, MAX_SECONDS, "48h"),
            ("kept", self.kept.0, MAX_KEPT, "30d"),
        ] {
            if seconds > f64::from(most) {
                return Err(format!("expected --{name} of at most {text}"));
            }
        }
        let load = Load {
            rate: self.rate,
            burst: self.burst.map(|burst| (burst.times, burst.seconds)),
            outage: Outage {
                begins: 600,
                seconds: whole(self.outage.0),
            },
        };
        let app = App {
            has_inbox: !self.no_inbox,
            stores: self.stores,
            store_handles: self.handles.unwrap_or(f64::INFINITY),
            at_once: f64::from(self.replicas) * f64::from(self.at_once),
            handler: self.handler.0,
            kept: whole(self.kept.0),
            event_bytes: f64::from(self.event_bytes),
        };
        Ok((load, app))
    }
}

/// Whole seconds of a time that is not negative and not longer than some days.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a bounded time")]
fn whole(seconds: f64) -> u32 {
    seconds.round() as u32
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "expected a time such as 200ms, 15s, 5m, 1h or 7d".to_owned();
        let unit = text
            .find(|char: char| char.is_ascii_alphabetic())
            .ok_or_else(wrong)?;
        let (number, unit) = text.split_at(unit);
        let seconds = match unit {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            "d" => 24.0 * 3600.0,
            _ => return Err(wrong()),
        };
        let number: f64 = number.parse().map_err(|_| wrong())?;
        if !(number >= 0.0 && number.is_finite()) {
            return Err(wrong());
        }
        Ok(Self(number * seconds))
    }
}

impl FromStr for Burst {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "expected a burst such as 10x60s".to_owned();
        let (times, span) = text.split_once('x').ok_or_else(wrong)?;
        let times: f64 = times.parse().map_err(|_| wrong())?;
        if !(times >= 0.0 && times.is_finite()) {
            return Err(wrong());
        }
        let Span(seconds) = span.parse()?;
        Ok(Self { times, seconds })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    fn printed(options: &str) -> Result<String, String> {
        let options = ["simulate"].into_iter().chain(options.split_whitespace());
        let line = Line::try_parse_from(options).map_err(|error| error.to_string())?;
        line.options.play()
    }

    #[test]
    fn the_guide_shows_what_the_command_prints() {
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/guide/sizing.md");
        let page = fs::read_to_string(page).unwrap();
        let mut shown = 0;
        for part in page.split("```sh\ncargo xtask simulate").skip(1) {
            let (options, rest) = part.split_once("\n```").unwrap();
            let (_, text) = rest.split_once("```text\n").unwrap();
            let (text, _) = text.split_once("```").unwrap();
            assert_eq!(printed(options).unwrap(), text, "{options}");
            shown += 1;
        }
        assert!(shown > 0);
    }

    #[test]
    fn numbers_that_cannot_be_are_refused() {
        for (options, expected) in [
            ("--rate 0", "positive"),
            ("--rate x", "positive"),
            ("--rate 1e7", "at most 1000000 events/s"),
            ("--rate 1000 --burst 1001x1s", "at most 1000000 events/s"),
            ("--burst 10", "10x60s"),
            ("--burst 2x3d", "--burst of at most 48h"),
            ("--handler 0s", "--handler above 0s"),
            ("--handler 5", "200ms"),
            ("--replicas 0", "1.."),
            ("--at-once -1", "unexpected argument"),
            ("--stores 0", "positive"),
            ("--handles 0", "positive"),
            ("--handles 300 --no-inbox", "cannot be used with"),
            ("--event-bytes 0", "1.."),
            ("--outage 49h", "--outage of at most 48h"),
            ("--kept 31d", "--kept of at most 30d"),
            ("everything", "unexpected argument"),
        ] {
            let error = printed(options).unwrap_err();
            assert!(error.contains(expected), "{options}: {error}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_what_to_do() {
        for (options, expected) in [
            ("--rate 100", "raise --at-once or --replicas"),
            (
                "--rate 100 --replicas 10 --stores 50",
                "choose a faster store",
            ),
            (
                "--rate 400 --replicas 10 --handles 300",
                "The store lets the app handle 300 events/s, and 400 come: choose a faster store",
            ),
            ("--no-inbox --handler 3s --at-once 100", "Use an inbox"),
            ("--outage 12h", "do not come again"),
            ("--rate 81", "not within 48 h"),
        ] {
            let text = printed(options).unwrap();
            assert!(text.contains(expected), "{options}: {text}");
        }
        let text = printed("--outage 0s").unwrap();
        assert!(!text.contains("caught up"), "{text}");
    }

    #[test]
    fn times_and_bursts_have_units() {
        for (text, seconds) in [
            ("200ms", 0.2),
            ("15s", 15.0),
            ("1.5h", 5400.0),
            ("2d", 172_800.0),
            ("0s", 0.0),
        ] {
            assert_eq!(text.parse(), Ok(Span(seconds)), "{text}");
        }
        for text in ["", "5", "s", "-1s", "1w", "NaNs", "infs", "1e400s"] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
        let burst = Burst {
            times: 10.0,
            seconds: 60.0,
        };
        assert_eq!("10x1m".parse(), Ok(burst));
        for text in ["10", "x60s", "10x60", "-1x60s"] {
            assert!(text.parse::<Burst>().is_err(), "{text}");
        }
    }
}
