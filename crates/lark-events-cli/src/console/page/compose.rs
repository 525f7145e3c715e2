//! The composer: find an event type, edit its sample or the document of a delivery, push it.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use lark_events_pages::query;
use maud::{Markup, html};
use serde::Deserialize;

use super::{Content, needs_script, result};
use crate::catalogue::Known;
use crate::catalogue::Search;
use crate::console::Console;
use crate::console::failure::Failure;
use crate::console::filter::{TRANSPORTS, transport_name};
use crate::console::shown;
use crate::console::web::masked::Masked;
use crate::serve::compose::sample_text;

/// The most event types that a search shows.
const MAX_FOUND: usize = 20;

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ComposeQuery {
    search: String,
    #[serde(rename = "type")]
    event_type: String,
    from: String,
}

/// What is in the editor at first.
struct Edited {
    event_type: Masked,
    document: Masked,
    /// The delivery whose document it is.
    from: Option<usize>,
}

pub(crate) async fn get(
    State(console): State<Arc<Console>>,
    query: Result<Query<ComposeQuery>, QueryRejection>,
) -> Response {
    let page = console.query(query).and_then(|query| {
        let edited = edited(&console, &query)?;
        Ok(main(&console, &query, edited.as_ref()))
    });
    match page {
        Ok(main) => {
            let content = Content {
                title: "Compose".to_owned(),
                path: "/compose",
                main,
                stream: "page=compose".to_owned(),
                position: console.position(),
            };
            super::respond(&console, content)
        }
        Err(failure) => super::failed(&console, &failure),
    }
}

fn edited(console: &Console, query: &ComposeQuery) -> Result<Option<Edited>, Failure> {
    let masks = &console.masks;
    if !query.from.is_empty() {
        let number = query.from.parse().ok();
        let delivery = number.and_then(|number| console.control.history.delivery(number));
        let delivery = delivery.ok_or_else(|| console.no_delivery(&query.from))?;
        return Ok(Some(Edited {
            event_type: masks.text(&delivery.event_type),
            document: shown::Content::document(&delivery.document, masks).all(),
            from: Some(delivery.number),
        }));
    }
    if query.event_type.is_empty() {
        return Ok(None);
    }
    let sample = sample_text(&query.event_type).map_err(|error| Failure::bad(&error, masks))?;
    Ok(Some(Edited {
        event_type: masks.text(&query.event_type),
        document: masks.text(&sample),
        from: None,
    }))
}

fn main(console: &Console, query: &ComposeQuery, edited: Option<&Edited>) -> Markup {
    html! {
        h1 { "Compose a push" }
        (search(console, query))
        @if let Some(edited) = edited { (editor(edited)) }
    }
}

fn search(console: &Console, asked: &ComposeQuery) -> Markup {
    let text = console.masks.text(&asked.search);
    let found = Search::new(text.as_str()).best(MAX_FOUND);
    let is_open = asked.event_type.is_empty() && asked.from.is_empty();
    html! {
        section aria-labelledby="search-title" {
            h2 #search-title { "1. Choose an event type" }
            form.filter method="get" action="/compose" role="search" {
                label {
                    "Search in English or Chinese"
                    input type="search" name="search" value=(text)
                        placeholder="message, 会议, im.message.receive_v1";
                }
                button { "Search" }
            }
            @if is_open {
                @if found.events.is_empty() {
                    p { "No event type matches. Try fewer words, or a part of the type." }
                } @else {
                    ul.plain.types {
                        @for known in &found.events { li { (event_type(known, text.as_str())) } }
                    }
                }
                @if found.more > 0 { p.faint { (found.more) " more match; refine the search." } }
            }
        }
    }
}

fn event_type(known: &Known, search: &str) -> Markup {
    let pairs = [("type", known.info.event_type), ("search", search)];
    html! {
        a href={ "/compose?" (query(&pairs)) } { (known.info.event_type) }
        " " span.faint { (known.info.title) }
        @if let Some(title) = known.origin.title { " " span.faint { (title) } }
    }
}

fn editor(edited: &Edited) -> Markup {
    html! {
        section aria-labelledby="edit-title" {
            h2 #edit-title { "2. Edit and push" }
            @if let Some(number) = edited.from {
                p {
                    "The document of delivery " a href={ "/deliveries/" (number) } { "#" (number) }
                    ", as a new event. Masked secrets stay masked."
                }
            }
            form.column data-json data-edits method="post" action="/api/deliveries" aria-labelledby="edit-title"
                data-links="deliveries" data-href="/deliveries/" data-did="Pushed as" {
                label { "Event type" input name="type" value=(edited.event_type) autocomplete="off" spellcheck="false"; }
                label {
                    "Document or body, as JSON"
                    textarea name="document" rows="18" spellcheck="false" autocomplete="off" {
                        // The parser of HTML drops a first line feed.
                        "\n" (edited.document)
                    }
                }
                label {
                    "Values to set, one PATH=VALUE a line"
                    textarea name="set" rows="2" spellcheck="false" autocomplete="off"
                        placeholder="message.chat_id=oc_1" {}
                }
                div.row {
                    label {
                        "Event id"
                        input name="event_id" autocomplete="off" spellcheck="false" aria-describedby="id-hint";
                        small #id-hint { "Leave it empty for a new one." }
                    }
                    label {
                        "Transport"
                        select name="transport" {
                            option value="" { "Each that is open" }
                            @for mode in TRANSPORTS {
                                option value=(transport_name(mode)) { (transport_name(mode).replace('-', " ")) }
                            }
                        }
                    }
                }
                div.actions { button.primary { "Push" } button type="reset" { "Undo all edits" } }
                (needs_script())
                (result())
            }
        }
    }
}
