//! The calls of the API by the app.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};

use super::Content;
use crate::console::Console;
use crate::console::shown::CallShown;

pub(crate) async fn get(State(console): State<Arc<Console>>) -> Response {
    let position = console.position();
    let all = console.control.history.calls();
    let newest = all.iter().rev().take(MAX_SHOWN);
    let shown: Vec<_> = newest
        .map(|call| CallShown::new(call, &console.masks))
        .collect();
    let content = Content {
        title: "API calls".to_owned(),
        path: "/calls",
        main: main(&shown, all.len()),
        stream: "page=calls".to_owned(),
        position,
    };
    super::respond(&console, content)
}

/// The most calls of a page; the JSON API has all that are kept.
pub(crate) const MAX_SHOWN: usize = 200;
/// The element of all calls.
pub(crate) const CALLS: &str = "call-list";

pub(crate) fn main(calls: &[CallShown], kept: usize) -> Markup {
    html! {
        h1 { "API calls" }
        (counts(calls.len(), kept))
        div #(CALLS) data-order="desc" { @for call in calls { (self::call(call)) } }
    }
}

pub(crate) fn counts(shown: usize, kept: usize) -> Markup {
    html! {
        p #counts {
            @if kept == 0 { "No call yet. The app calls the API at the base URL above." }
            @else { "The last " (shown) " of " (kept) " calls that are kept, newest first." }
        }
    }
}

pub(crate) fn call_id(number: usize) -> String {
    format!("call-{number}")
}

pub(crate) fn call(call: &CallShown) -> Markup {
    let (class, sign) = match (call.answered, call.status, call.code) {
        (true, Some(200), None | Some(0)) => ("good", "✓"),
        _ => ("bad", "✗"),
    };
    html! {
        details.call id=(call_id(call.number)) data-n=(call.number) {
            summary {
                (call.at.clock()) " " b { (call.method) } " " code { (call.path) } " "
                span.(class) { (sign) " " (call.answer()) }
            }
            dl.facts {
                @if let Some(number) = call.delivery {
                    div { dt { "Delivery" } dd { a href={ "/deliveries/" (number) } { "#" (number) } } }
                }
                @if let Some(id) = &call.message_id {
                    div { dt { "Message" } dd { code { (id) } } }
                }
            }
            (call.body.pretty())
        }
    }
}
