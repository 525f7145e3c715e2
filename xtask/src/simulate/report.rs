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
    let mut lines = vec![
        ("events".to_owned(), number(played.events)),
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
    let ended = load.outage.begins + load.outage.seconds;
    let over = match played.over {
        Some(second) if load.outage.seconds > 0 => {
            format!(
                "{} after the outage",
                span(f64::from(second.saturating_sub(ended)))
            )
        }
        Some(second) => format!("{} after the start", span(f64::from(second))),
        None => format!("not within {}", span(f64::from(played.seconds))),
    };
    lines.push(("caught up".to_owned(), over));
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
    if app.has_inbox && app.handles() < load.rate {
        let _ = writeln!(
            text,
            "\nThe handlers do {} events/s, and {} come: add workers or replicas.",
            number(app.handles()),
            number(load.rate)
        );
    }
    text
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
        seconds => format!("{:.1} h", seconds / 3600.0),
    }
}

fn size(bytes: f64) -> String {
    match bytes {
        bytes if bytes < 1e6 => format!("{:.0} KB", bytes / 1e3),
        bytes if bytes < 1e9 => format!("{:.0} MB", bytes / 1e6),
        bytes => format!("{:.1} GB", bytes / 1e9),
    }
}
