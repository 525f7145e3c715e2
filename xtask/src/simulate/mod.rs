//! `cargo xtask simulate`: plays the platform's schedule of redeliveries against a model of an app, to size it.
//! `docs/guide/sizing.md` explains the formulas.

mod model;
mod report;

use std::str::FromStr;

use self::model::{App, Load, Outage};

/// The longest time that is simulated, in seconds: two days.
const MAX_SECONDS: u32 = 2 * 24 * 3600;

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Events per second
    #[arg(long, default_value_t = 100.0)]
    rate: f64,
    /// A burst: a multiple of the rate, and its duration, such as `10x60s`. It begins after a minute
    #[arg(long, value_name = "TIMES")]
    burst: Option<Burst>,
    /// Duration of a handler
    #[arg(long, default_value = "200ms", value_name = "TIME")]
    handler: Span,
    /// Number of processes
    #[arg(long, default_value_t = 1)]
    replicas: u32,
    /// Events that a process handles at once: `workers` of its inbox, or `max_running` of a webhook without an
    /// inbox
    #[arg(long, default_value_t = 16)]
    at_once: u32,
    /// Simulate an app without an inbox: an event is acknowledged once it is handled
    #[arg(long)]
    no_inbox: bool,
    /// Maximum of events per second that all processes together can store, or receive without an inbox
    #[arg(long, default_value_t = 10_000.0)]
    stores: f64,
    /// Bytes of a stored event
    #[arg(long, default_value_t = 2_048)]
    event_bytes: u32,
    /// Time for which a finished event is kept
    #[arg(long, default_value = "8h", value_name = "TIME")]
    kept: Span,
    /// Length of an outage of the whole app, which begins after 10 minutes; `0s` for none
    #[arg(long, default_value = "1h", value_name = "TIME")]
    outage: Span,
}

/// A time such as `200ms`, `15s`, `5m`, `1h`, in seconds.
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
    let (load, app) = options.read()?;
    print!(
        "{}",
        report::text(&load, &app, &model::play(&load, &app, MAX_SECONDS))
    );
    Ok(())
}

impl Options {
    fn read(&self) -> Result<(Load, App), String> {
        let positive = |name: &str, value: f64| match value > 0.0 && value.is_finite() {
            true => Ok(value),
            false => Err(format!("expected --{name} above zero, got {value}")),
        };
        let seconds = |name: &str, Span(span): Span| {
            if span > f64::from(MAX_SECONDS) {
                return Err(format!("expected --{name} of at most 48h"));
            }
            Ok(span)
        };
        let at_once = f64::from(self.replicas) * f64::from(self.at_once);
        let load = Load {
            rate: positive("rate", self.rate)?,
            burst: self.burst.map(|burst| (burst.times, burst.seconds)),
            outage: Outage {
                begins: 600,
                seconds: whole(seconds("outage", self.outage)?),
            },
        };
        let app = App {
            has_inbox: !self.no_inbox,
            stores: positive("stores", self.stores)?,
            at_once: positive("replicas and --at-once", at_once)?,
            handler: positive("handler", self.handler.0)?,
            kept: whole(seconds("kept", self.kept)?),
            event_bytes: f64::from(self.event_bytes),
        };
        Ok((load, app))
    }
}

/// Whole seconds of a time that is not negative and not longer than a few days.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a bounded time")]
fn whole(seconds: f64) -> u32 {
    seconds.round() as u32
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("expected a time such as 200ms, 15s, 5m or 1h, got {text}");
        let unit = text
            .find(|char: char| char.is_ascii_alphabetic())
            .ok_or_else(wrong)?;
        let (number, unit) = text.split_at(unit);
        let seconds = match unit {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
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
        let wrong = || format!("expected a burst such as 10x60s, got {text}");
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
    use super::*;

    #[test]
    fn times_and_bursts_have_units() {
        for (text, seconds) in [("200ms", 0.2), ("15s", 15.0), ("1.5h", 5400.0), ("0s", 0.0)] {
            assert_eq!(text.parse(), Ok(Span(seconds)), "{text}");
        }
        for text in ["", "5", "s", "-1s", "1d", "NaNs", "infs", "1e400s"] {
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
