//! What the API reads.

use std::sync::Arc;

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::respond;
use crate::catalogue::Search;
use crate::catalogue::{self, Known};
use crate::console::Console;
use crate::console::failure::{Failure, json};
use crate::console::fault_names;
use crate::console::filter::FilterQuery;
use crate::console::list::{self, Counts};
use crate::console::page;
use crate::console::shown::{self, CallShown, ConnectionsShown, DeliveryShown, RowShown};
use crate::serve::compose::sample_text;

pub(super) async fn status(State(console): State<Arc<Console>>) -> Response {
    json(StatusCode::OK, &page::current(&console))
}

pub(super) async fn deliveries(
    State(console): State<Arc<Console>>,
    query: Result<Query<FilterQuery>, QueryRejection>,
) -> Response {
    #[derive(Serialize)]
    struct List {
        /// The position that the list shows, for the stream.
        after: String,
        #[serde(flatten)]
        counts: Counts,
        /// The `before` of the next page.
        before: Option<usize>,
        deliveries: Vec<RowShown>,
    }
    let filter = match console.filter(query) {
        Ok(filter) => filter,
        Err(failure) => return failure.json(),
    };
    let listed = list::all(&console.control.history, &filter);
    let rows = listed.deliveries.iter();
    let last = listed.numbers.last().copied();
    let list = List {
        after: listed.position.to_string(),
        counts: listed.counts,
        before: last.filter(|_| listed.counts.has_older),
        deliveries: rows
            .map(|delivery| RowShown::new(delivery, &console.masks))
            .collect(),
    };
    json(StatusCode::OK, &list)
}

pub(super) async fn delivery(
    State(console): State<Arc<Console>>,
    number: Result<Path<String>, PathRejection>,
) -> Response {
    let number = match console.segment(number) {
        Ok(number) => number,
        Err(failure) => return failure.json(),
    };
    let history = &console.control.history;
    let delivery = number
        .parse()
        .ok()
        .and_then(|number| history.delivery(number));
    match delivery {
        Some(delivery) => {
            let shown = DeliveryShown::new(&delivery, &history.calls(), &console.masks);
            json(StatusCode::OK, &shown)
        }
        None => console.no_delivery(&number).json(),
    }
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct SearchQuery {
    search: String,
}

/// An event of the catalogue.
#[derive(Serialize)]
struct EventShown {
    #[serde(rename = "type")]
    event_type: &'static str,
    title: &'static str,
    /// The title of its page, which may be in Chinese, or one of this project in Chinese.
    page_title: Option<&'static str>,
}

impl From<&Known> for EventShown {
    fn from(known: &Known) -> Self {
        Self {
            event_type: known.info.event_type,
            title: known.info.title,
            page_title: known.origin.title,
        }
    }
}

pub(super) async fn event_types(
    State(console): State<Arc<Console>>,
    query: Result<Query<SearchQuery>, QueryRejection>,
) -> Response {
    respond(console.query(query).map(|query| {
        let found = Search::new(&query.search).best(usize::MAX);
        let events: Vec<_> = found.events.iter().map(EventShown::from).collect();
        json(StatusCode::OK, &json!({"event_types": events}))
    }))
}

pub(super) async fn event_type(
    State(console): State<Arc<Console>>,
    event_type: Result<Path<String>, PathRejection>,
) -> Response {
    #[derive(Serialize)]
    struct Sample {
        #[serde(flatten)]
        event: EventShown,
        /// The document to edit and push.
        document: Option<Box<serde_json::value::RawValue>>,
    }
    let event_type = match console.segment(event_type) {
        Ok(event_type) => event_type,
        Err(failure) => return failure.json(),
    };
    let known = catalogue::find(&event_type);
    let sample = known.as_ref().zip(sample_text(&event_type).ok());
    let Some((known, text)) = sample else {
        let text = catalogue::unknown(&event_type);
        return Failure::new(StatusCode::NOT_FOUND, &text, &console.masks).json();
    };
    let sample = Sample {
        event: known.into(),
        document: serde_json::value::RawValue::from_string(text).ok(),
    };
    json(StatusCode::OK, &sample)
}

pub(super) async fn faults(State(console): State<Arc<Console>>) -> Response {
    let platform = &console.control.platform;
    let faults = json!({
        "faults": shown::faults(platform),
        "happened": platform.stats().faults,
        "known": fault_names::groups(),
    });
    json(StatusCode::OK, &faults)
}

pub(super) async fn connections(State(console): State<Arc<Console>>) -> Response {
    let shown = ConnectionsShown::new(&console.control.platform, &console.masks);
    json(StatusCode::OK, &shown)
}

pub(super) async fn calls(State(console): State<Arc<Console>>) -> Response {
    #[derive(Serialize)]
    struct Calls {
        /// The last ones, oldest first.
        calls: Vec<CallShown>,
    }
    let calls = console.control.history.calls();
    let calls = calls
        .iter()
        .map(|call| CallShown::new(call, &console.masks))
        .collect();
    json(StatusCode::OK, &Calls { calls })
}
