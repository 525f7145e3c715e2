//! The changes as JSON: each delivery, each call, and the status, in the order of their last change.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::console::Console;
use crate::console::failure::Failure;
use crate::console::filter::{Filter, FilterQuery};
use crate::console::page;
use crate::console::shown::{CallShown, RowShown};
use crate::console::stream::after;
use crate::console::web::sse::{self, Position};

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct AfterQuery {
    after: String,
}

struct Client {
    console: Arc<Console>,
    filter: Filter,
    position: Position,
    /// The status that was sent last.
    status: String,
}

pub(super) async fn get(
    State(console): State<Arc<Console>>,
    query: Result<Query<AfterQuery>, QueryRejection>,
    filter: Result<Query<FilterQuery>, QueryRejection>,
    headers: HeaderMap,
) -> Response {
    let revisions = console.control.history.revisions();
    let place = console.place();
    let client = Client::new(console, query, filter, &headers);
    match client.and_then(|client| Ok((client, place?))) {
        Ok((mut client, place)) => sse::stream(place, revisions, move || client.changes()),
        Err(failure) => failure.json(),
    }
}

impl Client {
    fn new(
        console: Arc<Console>,
        query: Result<Query<AfterQuery>, QueryRejection>,
        filter: Result<Query<FilterQuery>, QueryRejection>,
        headers: &HeaderMap,
    ) -> Result<Self, Failure> {
        let filter = console.filter_beside(filter, &["after"])?;
        let after = after(&console, &console.query(query)?.after, headers)?;
        let run = console.control.history.run();
        Ok(Self {
            console,
            filter,
            position: after.unwrap_or(Position { run, revision: 0 }),
            status: String::new(),
        })
    }

    fn changes(&mut self) -> Option<String> {
        let now = self.console.position();
        let mut events = String::new();
        if self.position.run != now.run || self.position.revision > now.revision {
            self.position = Position { revision: 0, ..now };
            let reset = json!({"run": now.run}).to_string();
            events += &sse::event("reset", self.position, &reset);
        }
        let changes = self.console.control.history.since(self.position.revision);
        let masks = &self.console.masks;
        let (filter, before) = (&self.filter, self.filter.before.unwrap_or(usize::MAX));
        let selected = changes.deliveries.iter();
        let selected = selected.filter(|one| one.number < before && filter.may_select(one));
        let rows = selected.map(|one| match filter.selects(one) {
            true => (one.revision, "delivery", text(&RowShown::new(one, masks))),
            // The client may have it, from before its progress changed.
            false => (
                one.revision,
                "unselected",
                text(&json!({"number": one.number})),
            ),
        });
        let calls = changes.calls.iter();
        let calls = calls.map(|one| (one.revision, "call", text(&CallShown::new(one, masks))));
        let mut all: Vec<_> = rows.chain(calls).collect();
        all.sort_by_key(|(revision, ..)| *revision);
        for (revision, name, data) in all {
            events += &sse::event(name, Position { revision, ..now }, &data);
        }
        self.position.revision = changes.revision;
        let status = text(&page::current(&self.console));
        if status != self.status {
            events += &sse::event("status", self.position, &status);
            self.status = status;
        }
        (!events.is_empty()).then_some(events)
    }
}

/// A view model has no key that is not a string, and is JSON.
fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
