//! The changes of a page: elements as HTML, which the script puts in the place of those with the same id.

use std::collections::{BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use http::HeaderMap;
use maud::Markup;
use serde::{Deserialize, Serialize};

use super::Console;
use super::failure::Failure;
use super::filter::{Filter, FilterQuery};
use super::list;
use super::page::{self, calls, connections, deliveries, delivery, faults};
use super::shown::{CallShown, ConnectionsShown, DeliveryShown, RowShown, Status};
use super::web::sse::{self, Position};

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct StreamQuery {
    page: String,
    number: String,
    after: String,
}

/// The page whose changes are sent.
enum View {
    Deliveries(Filter),
    Delivery(usize),
    /// A delivery that is not shown any more, for this reason.
    Gone(delivery::Gone),
    Connections,
    Faults,
    Calls,
    /// Only the state of the platform.
    Other,
}

/// A client of a stream.
struct Client {
    console: Arc<Console>,
    view: View,
    position: Position,
    /// The position of the page, if it is of another run and stays so.
    stays: Option<Position>,
    /// The rows that the client is known to have.
    rows: BTreeSet<usize>,
    /// The revision of the delivery that the client has; `None` if that is not known.
    shown: Option<u64>,
    /// The hashes of the elements that were sent, by id.
    sent: HashMap<String, u64>,
}

/// One event.
#[derive(Default, Serialize)]
struct Update {
    parts: Vec<Part>,
    #[serde(skip_serializing_if = "Option::is_none")]
    keep: Option<Keep>,
}

#[derive(Serialize)]
struct Part {
    id: String,
    /// The element to which it is added if it is new.
    #[serde(skip_serializing_if = "Option::is_none")]
    into: Option<&'static str>,
    html: String,
}

/// All children of an element; the script removes others.
#[derive(Serialize)]
struct Keep {
    within: &'static str,
    ids: Vec<String>,
}

pub(crate) async fn get(
    State(console): State<Arc<Console>>,
    query: Result<Query<StreamQuery>, QueryRejection>,
    filter: Result<Query<FilterQuery>, QueryRejection>,
    headers: HeaderMap,
) -> Response {
    let client = console
        .query(query)
        .and_then(|query| Client::new(Arc::clone(&console), &query, filter, &headers))
        .and_then(|client| Ok((client, console.place()?)));
    match client {
        Ok((mut client, place)) => {
            let revisions = console.control.history.revisions();
            sse::stream(place, revisions, move || client.changes())
        }
        Err(failure) => failure.json(),
    }
}

/// The position after which a client resumes: the header of a browser that reconnects comes before the query.
pub(crate) fn after(
    console: &Console,
    query: &str,
    headers: &HeaderMap,
) -> Result<Option<Position>, Failure> {
    let header = headers
        .get("last-event-id")
        .map(|value| value.to_str().unwrap_or("?"));
    match header.unwrap_or(query) {
        "" => Ok(None),
        text => text
            .parse()
            .map(Some)
            .map_err(|error: String| Failure::bad(&error, &console.masks)),
    }
}

impl Client {
    fn new(
        console: Arc<Console>,
        query: &StreamQuery,
        filter: Result<Query<FilterQuery>, QueryRejection>,
        headers: &HeaderMap,
    ) -> Result<Self, Failure> {
        let filter = console.filter_beside(filter, &["page", "number", "after"])?;
        let view = match query.page.as_str() {
            "" | "deliveries" => View::Deliveries(filter),
            "delivery" => {
                let number = query
                    .number
                    .parse()
                    .map_err(|_| console.no_delivery(&query.number))?;
                View::Delivery(number)
            }
            "connections" => View::Connections,
            "faults" => View::Faults,
            "calls" => View::Calls,
            "compose" => View::Other,
            page => {
                let text = format!(
                    "page: expected one of deliveries, delivery, connections, faults, calls and compose, got {page}"
                );
                return Err(Failure::bad(&text, &console.masks));
            }
        };
        let after = after(&console, &query.after, headers)?;
        let run = console.control.history.run();
        Ok(Self {
            console,
            view,
            position: after.unwrap_or(Position { run, revision: 0 }),
            stays: None,
            rows: BTreeSet::new(),
            shown: None,
            sent: HashMap::new(),
        })
    }

    /// The event for all changes since the last one; none if nothing has changed.
    fn changes(&mut self) -> Option<String> {
        let now = self.console.position();
        let is_reset = self.position.run != now.run || self.position.revision > now.revision;
        if is_reset {
            if let View::Delivery(number) = self.view {
                // The same number is another delivery now.
                self.view = View::Gone(delivery::Gone::Restarted(number));
                self.stays = Some(self.position);
            }
            self.position = Position { revision: 0, ..now };
        } else if self.position == now {
            return None;
        }
        let mut update = Update::default();
        let status = page::current(&self.console);
        self.position = self.update(now, &status, &mut update);
        self.region(&mut update, "status", &page::status(&status));
        if update.parts.is_empty() && update.keep.is_none() {
            return None;
        }
        let data = serde_json::to_string(&update).ok()?;
        let name = if is_reset { "reset" } else { "update" };
        Some(sse::event(name, self.stays.unwrap_or(self.position), &data))
    }

    /// Adds the changes of the page, and returns the position that they reach.
    fn update(&mut self, now: Position, status: &Status, update: &mut Update) -> Position {
        let console = Arc::clone(&self.console);
        let (control, masks) = (&console.control, &console.masks);
        match &self.view {
            View::Deliveries(filter) => {
                let filter = filter.clone();
                return self.rows(&filter, update);
            }
            View::Delivery(number) => {
                let number = *number;
                self.delivery(number, update);
            }
            View::Gone(gone) => self.gone(*gone, update),
            View::Connections => {
                let shown = ConnectionsShown::new(&control.platform, masks);
                let html = connections::connections(&status.webhook, &shown);
                self.region(update, "connections", &html);
            }
            View::Faults => {
                let html = faults::in_effect(&status.faults, status.faults_happened);
                self.region(update, "faults", &html);
            }
            View::Calls => self.calls(update),
            View::Other => {}
        }
        now
    }

    fn rows(&mut self, filter: &Filter, update: &mut Update) -> Position {
        let console = Arc::clone(&self.console);
        let history = &console.control.history;
        let listed = list::changed(history, filter, self.position.revision, &self.rows);
        for delivery in &listed.deliveries {
            update.parts.push(Part {
                id: deliveries::row_id(delivery.number),
                into: Some(deliveries::ROWS),
                html: deliveries::row(&RowShown::new(delivery, &console.masks)).into_string(),
            });
        }
        let numbers = listed.numbers.iter();
        update.keep = Some(Keep {
            within: deliveries::ROWS,
            ids: numbers.map(|number| deliveries::row_id(*number)).collect(),
        });
        let counts = &listed.counts;
        let last = listed.numbers.last().copied();
        self.region(update, "counts", &deliveries::counts(filter, counts));
        self.region(update, "empty", &deliveries::empty(filter, counts));
        self.region(update, "paging", &deliveries::paging(filter, counts, last));
        self.rows = listed.numbers.into_iter().collect();
        listed.position
    }

    fn delivery(&mut self, number: usize, update: &mut Update) {
        let console = Arc::clone(&self.console);
        let history = &console.control.history;
        let revision = history.revision_of(number);
        if revision.is_some() && self.shown == revision {
            return;
        }
        let Some(shown) = history.delivery(number) else {
            let gone = delivery::Gone::Forgotten(number);
            self.view = View::Gone(gone);
            return self.gone(gone, update);
        };
        self.shown = revision;
        let shown = DeliveryShown::new(&shown, &history.calls(), &console.masks);
        self.region(update, "facts", &delivery::facts(&shown.row));
        let mut ids = Vec::new();
        for (at, attempt) in shown.attempts.iter().enumerate() {
            let id = delivery::attempt_id(at);
            self.part(
                update,
                &id,
                Some(delivery::ATTEMPTS),
                &delivery::attempt(at, attempt),
            );
            ids.push(id);
        }
        let within = delivery::ATTEMPTS;
        update.keep = Some(Keep { within, ids });
        self.region(update, "next", &delivery::next(&shown.row));
        self.region(update, "reply", &delivery::reply(shown.reply.as_ref()));
        self.region(update, "calls", &delivery::calls(&shown.calls));
        self.region(update, "commands", &delivery::commands(&shown.commands));
    }

    /// What is known of it stays; nothing can be done with it.
    fn gone(&mut self, gone: delivery::Gone, update: &mut Update) {
        self.region(update, "facts", &delivery::gone(gone));
        self.region(update, "actions", &delivery::no_actions());
        self.region(update, "next", &delivery::no_next());
    }

    fn calls(&mut self, update: &mut Update) {
        let console = Arc::clone(&self.console);
        let all = console.control.history.calls();
        let shown: Vec<_> = all.iter().rev().take(calls::MAX_SHOWN).collect();
        for call in shown
            .iter()
            .filter(|call| call.revision > self.position.revision)
        {
            update.parts.push(Part {
                id: calls::call_id(call.call.number),
                into: Some(calls::CALLS),
                html: calls::call(&CallShown::new(call, &console.masks)).into_string(),
            });
        }
        update.keep = Some(Keep {
            within: calls::CALLS,
            ids: shown
                .iter()
                .map(|call| calls::call_id(call.call.number))
                .collect(),
        });
        self.region(update, "counts", &calls::counts(shown.len(), all.len()));
    }

    /// Adds an element that every page of the view has, if it has changed.
    fn region(&mut self, update: &mut Update, id: &str, html: &Markup) {
        self.part(update, id, None, html);
    }

    fn part(&mut self, update: &mut Update, id: &str, into: Option<&'static str>, html: &Markup) {
        let mut hasher = DefaultHasher::new();
        html.0.hash(&mut hasher);
        let hash = hasher.finish();
        if self.sent.insert(id.to_owned(), hash) != Some(hash) {
            update.parts.push(Part {
                id: id.to_owned(),
                into,
                html: html.0.clone(),
            });
        }
    }
}
