//! Events as JSON, for other programs: the members are those of `lark-events inbox show --body --json`.

use std::time::Duration;

use http::Method;
use lark_events::RawJson;
use lark_events_pages::{Layout, lay_out};
use serde::Serialize;

use super::Shared;
use super::answer::{Answer, Export, Failure};
use super::moment::utc_text;
use super::params::Params;
use super::reading::{Attempt, Event, Row};
use super::selection::Selection;
use super::view::event::find;
use crate::admin::{Operation, Page};

/// The events of one file. It is made in memory.
pub(super) const MAX_EVENTS: usize = 1_000;
/// The size of one file, but for its last event.
const MAX_BYTES: usize = 4 * 1024 * 1024;
/// The events of one look at the store.
const PAGE: usize = 100;
/// A filter that matches few events is looked for no further.
const MAX_LOOKS: usize = 20;

/// The event of a number, or those of a list.
pub(super) async fn get(
    shared: &Shared,
    method: &Method,
    query: &Params,
) -> Result<Answer, Failure> {
    let (name, content_type, content) = match query.number("seq")? {
        Some(seq) => {
            let event = find(shared, query).await?;
            let name = format!("event-{seq}.json");
            let json = json(&Exported::from(&event))?;
            (name, "application/json", lay_out(&json, Layout::Pretty))
        }
        None => {
            let lines = lines(shared, method, query).await?;
            ("events.ndjson".to_owned(), "application/x-ndjson", lines)
        }
    };
    Ok(Answer::Export(Export {
        name,
        content_type,
        content,
    }))
}

async fn lines(shared: &Shared, method: &Method, query: &Params) -> Result<String, Failure> {
    let selection = Selection::read(query, &shared.redaction)?;
    if let Some(reason) = shared.no_list() {
        return Err(Failure::unsupported(reason));
    }
    if method == Method::HEAD {
        return Ok(String::new());
    }
    let filter = selection.filter();
    let mut page = Page {
        after: query.number("after")?,
        order: shared.order(query),
        ..Page::first(PAGE)
    };
    let (mut lines, mut events) = (String::new(), 0_usize);
    for _ in 0..MAX_LOOKS {
        let (rows, next) = shared.list(&filter, page).await?;
        for row in rows {
            if events == MAX_EVENTS || lines.len() >= MAX_BYTES {
                return cut(lines, page.after);
            }
            page.after = Some(row.seq);
            let event = match shared.can(Operation::Show) {
                true => shared.show(row.seq).await?,
                false => None,
            };
            lines.push_str(&match &event {
                Some(event) => json(&Exported::from(event))?,
                None => json(&ExportedRow::from(&row))?,
            });
            lines.push('\n');
            events = events.saturating_add(1);
        }
        if next.is_none() {
            return Ok(lines);
        }
        page.after = next;
    }
    cut(lines, page.after)
}

fn cut(mut lines: String, cut_after: Option<u64>) -> Result<String, Failure> {
    lines.push_str(&json(&Cut { cut_after })?);
    lines.push('\n');
    Ok(lines)
}

/// The last line of a file that has not all events.
#[derive(Serialize)]
struct Cut {
    /// Where the next file begins, as the value `after` of the URL.
    cut_after: Option<u64>,
}

#[derive(Serialize)]
struct ExportedRow<'a> {
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
    visible_in_seconds: Option<f64>,
    error: Option<&'a str>,
}

#[derive(Serialize)]
struct Exported<'a> {
    #[serde(flatten)]
    row: ExportedRow<'a>,
    trace: Option<&'a str>,
    history: Vec<ExportedAttempt<'a>>,
    body: RawJson,
}

#[derive(Serialize)]
struct ExportedAttempt<'a> {
    number: u32,
    ended_at: String,
    millis: f64,
    outcome: &'static str,
    error: Option<&'a str>,
}

impl<'a> From<&'a Row> for ExportedRow<'a> {
    fn from(row: &'a Row) -> Self {
        Self {
            seq: row.seq,
            state: row.state.as_str(),
            app_id: row.app_id.as_deref(),
            event_type: &row.event_type,
            event_id: row.event_id.as_deref(),
            tenant_key: row.tenant_key.as_deref(),
            lane: row.lane.as_deref(),
            transport: row.transport,
            received_at: utc_text(row.received_at),
            attempts: row.attempts,
            visible_in_seconds: row.visible_in.as_ref().map(Duration::as_secs_f64),
            error: row.error.as_deref(),
        }
    }
}

impl<'a> From<&'a Event> for Exported<'a> {
    fn from(event: &'a Event) -> Self {
        // Each event is on one line.
        let body = lay_out(event.body.as_str(), Layout::Compact);
        Self {
            row: ExportedRow::from(&event.row),
            trace: event.trace.as_deref(),
            history: event.history.iter().map(ExportedAttempt::from).collect(),
            body: RawJson::parse(body).unwrap_or_default(),
        }
    }
}

impl<'a> From<&'a Attempt> for ExportedAttempt<'a> {
    fn from(attempt: &'a Attempt) -> Self {
        Self {
            number: attempt.number,
            ended_at: utc_text(attempt.ended),
            millis: attempt.took.as_secs_f64() * 1e3,
            outcome: attempt.outcome,
            error: attempt.error.as_deref(),
        }
    }
}

fn json(value: &impl Serialize) -> Result<String, Failure> {
    let json = RawJson::encode(value).map_err(|error| {
        let status = http::StatusCode::INTERNAL_SERVER_ERROR;
        Failure::new(
            status,
            format!("expected an event that can be JSON: {error}"),
        )
    })?;
    Ok(json.as_str().to_owned())
}
