//! The result in words.

use std::fmt::Write as _;

use super::model::{App, Load, Played};

/// The names of the attempts.
const ATTEMPTS: [&str; 5] = [
    "first attempt",
    "after 15 s",
    "after 5 min",
    "after 1 h",
    "after 6 h",
];

pub(super) fn text(load: &Load, app: &App, played: &Played) -> String {
    let events = format!(
        "{} in {}",
        number(played.events),
        span(f64::from(played.seconds))
    );
    let name = match app.is_limited_by_store() {
        true => "the store lets the app handle",
        false => "the handlers do",
    };
    let mut lines = vec![
        (
            name.to_owned(),
            format!("{} events/s", number(app.handles())),
        ),
        ("events".to_owned(), events),
        (
            "attempts in the busiest second".to_owned(),
            number(played.peak_attempts),
        ),
    ];
    for (name, failed) in ATTEMPTS.iter().zip(played.failed) {
        if failed >= 0.5 {
            lines.push((format!("failed, {name}"), number(failed)));
        }
    }
    lines.push((
        "redeliveries".to_owned(),
        number(played.failed[..4].iter().sum()),
    ));
    lines.push((
        "given up by the platform".to_owned(),
        number(played.given_up),
    ));
    if app.has_inbox {
        lines.push(("largest backlog".to_owned(), number(played.peak_backlog)));
        lines.push((
            "longest wait for a handler".to_owned(),
            span(played.longest_wait),
        ));
        let bytes = played.peak_stored * app.event_bytes;
        let stored = format!("{} events, {}", number(played.peak_stored), size(bytes));
        lines.push(("largest store".to_owned(), stored));
    }
    match played.over {
        Some(second) if load.settles() > 0 => {
            let after = span(f64::from(second - load.settles()));
            lines.push((
                "caught up".to_owned(),
                format!("{after} after {}", last(load)),
            ));
        }
        Some(_) => {}
        None => {
            let never = format!("not within {}", span(f64::from(played.seconds)));
            lines.push(("caught up".to_owned(), never));
        }
    }
    let width = lines
        .iter()
        .map(|(name, _)| name.len())
        .max()
        .unwrap_or_default();
    let mut text = String::new();
    for (name, value) in lines {
        // A String takes everything.
        let _ = writeln!(text, "{name:width$}  {value}");
    }
    for hint in hints(load, app, played) {
        let _ = writeln!(text, "\n{hint}");
    }
    text
}

/// What of a load ends last.
fn last(load: &Load) -> &'static str {
    match load.burst_ends() > load.outage_ends() {
        true => "the burst",
        false => "the outage",
    }
}

/// What is wrong, and what to do.
fn hints(load: &Load, app: &App, played: &Played) -> Vec<String> {
    let mut hints = Vec::new();
    let come = number(load.rate);
    if app.handles() < load.rate {
        let handles = number(app.handles());
        hints.push(match app.is_limited_by_store() {
            true => format!(
                "The store lets the app handle {handles} events/s, and {come} come: choose a faster store, and raise \
                 --handles."
            ),
            false => format!(
                "The handlers do {handles} events/s, and {come} come: raise --at-once or --replicas."
            ),
        });
    }
    if app.stores < load.rate {
        let (stores, remedy) = match app.has_inbox {
            true => ("stores", "choose a faster store"),
            false => ("receives", "add processes"),
        };
        let most = number(app.stores);
        hints.push(format!(
            "The app {stores} {most} events/s, and {come} come: {remedy}, and raise --stores."
        ));
    }
    if app.is_late() {
        hints.push(
            "The handler misses the ack deadline, so that each event is redelivered. Use an inbox. Without \
             DedupLayer, the handler runs again for each redelivery."
                .to_owned(),
        );
    }
    if played.given_up >= 0.5 {
        let events =
            "Fetch the events that were given up with the platform's API, if it has one for them";
        hints.push(format!("{events}: they do not come again."));
    }
    hints
}

/// `1,200`; below ten with one digit after the point, if there is something.
fn number(amount: f64) -> String {
    if amount < 10.0 && amount.fract() > 0.05 {
        return format!("{amount:.1}");
    }
    let digits = format!("{amount:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn span(seconds: f64) -> String {
    match seconds {
        seconds if seconds < 120.0 => format!("{seconds:.0} s"),
        seconds if seconds < 7200.0 => format!("{:.0} min", seconds / 60.0),
        seconds if seconds % 3600.0 < 180.0 => format!("{:.0} h", seconds / 3600.0),
        seconds => format!("{:.1} h", seconds / 3600.0),
    }
}

fn size(bytes: f64) -> String {
    match bytes {
        bytes if bytes < 1e6 => format!("{:.0} KB", bytes / 1e3),
        bytes if bytes < 1e9 => format!("{:.0} MB", bytes / 1e6),
        bytes if bytes < 1e12 => format!("{:.1} GB", bytes / 1e9),
        bytes => format!("{:.1} TB", bytes / 1e12),
    }
}
