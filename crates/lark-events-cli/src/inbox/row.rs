//! One event in a list, for machines and in a table.

use std::time::Duration;

use clap::builder::styling::Style;
use lark_events_inbox::{Listed, State};
use serde::Serialize;

use super::when::{short, since, utc};
use crate::output::{BAD, FAINT, GOOD, NAME, STRONG};
use crate::table::Table;
use crate::text::Text;

/// Scripts rely on the members and their order.
#[derive(Serialize)]
pub(super) struct Row<'a> {
    seq: u64,
    state: &'static str,
    app_id: Option<&'a str>,
    event_type: &'a str,
    event_id: Option<&'a str>,
    tenant_key: Option<&'a str>,
    lane: Option<&'a str>,
    transport: &'static str,
    received_at: String,
    attempts: u32,
    /// The time until it becomes visible, or until its lease ends.
    visible_in_seconds: Option<f64>,
    error: Option<&'a str>,
}

impl<'a> From<&'a Listed> for Row<'a> {
    fn from(listed: &'a Listed) -> Self {
        Self {
            seq: listed.seq,
            state: listed.state.as_str(),
            app_id: listed.app_id.as_deref(),
            event_type: &listed.event_type,
            event_id: listed.event_id.as_deref(),
            tenant_key: listed.tenant_key.as_deref(),
            lane: listed.lane.as_deref(),
            transport: listed.transport.as_str(),
            received_at: utc(listed.received_at),
            attempts: listed.attempts,
            visible_in_seconds: listed.visible_in.as_ref().map(Duration::as_secs_f64),
            error: listed.last_error.as_deref(),
        }
    }
}

/// Events below each other. An error is cut: `show` prints it whole.
pub(super) fn table(listed: &[Listed]) -> Text {
    let mut table = Table::default();
    table.row([
        "SEQ",
        "STATE",
        "AGE",
        "ATTEMPTS",
        "EVENT TYPE",
        "EVENT ID",
        "LANE",
        "ERROR",
    ]);
    for one in listed {
        table.row([
            one.seq.to_string(),
            one.state.as_str().to_owned(),
            short(since(one.received_at)),
            one.attempts.to_string(),
            one.event_type.clone(),
            one.event_id.clone().unwrap_or_default(),
            one.lane.clone().unwrap_or_default(),
            one.last_error.as_deref().map(beginning).unwrap_or_default(),
        ]);
    }
    let states: Vec<_> = listed.iter().map(|one| one.state).collect();
    Text::below(table.lines(|row, column| match (row, column) {
        (0, _) => STRONG,
        (_, 1) => painted(states[row - 1]),
        (_, 4) => NAME,
        _ => Style::new(),
    }))
}

/// The style of a state.
pub(super) fn painted(state: State) -> Style {
    match state {
        State::Dead => BAD,
        State::Leased => GOOD,
        State::Done => FAINT,
        _ => Style::new(),
    }
}

/// The beginning of an error.
fn beginning(error: &str) -> String {
    const MAX_CHARS: usize = 60;
    match error.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}…", &error[..end]),
        None => error.to_owned(),
    }
}
