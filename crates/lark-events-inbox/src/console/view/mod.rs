//! The views. Each is complete without the script, which only keeps it up to date.

pub(super) mod confirm;
pub(super) mod edit;
pub(super) mod event;
pub(super) mod events;
mod groups;
pub(super) mod lanes;
pub(super) mod overview;
pub(super) mod progress;
pub(super) mod search;

use http::StatusCode;
use lark_events_pages::{Live, Page, Site, query};
use maud::{Markup, html};

use super::Shared;
use super::answer::{Answer, Failure};
use super::reading::Row;
use super::redaction::Text;
use super::selection::Selection;
use crate::admin::State;

pub(super) const DEAD: &str = "?view=events&state=dead";

const LANES: &str = "?view=lanes";
const OVERVIEW: (&str, &str) = ("?", "Overview");

const SITE: Site = Site {
    name: "Inbox",
    home: "?",
    pages: &[
        OVERVIEW,
        (DEAD, "Dead letters"),
        (LANES, "Lanes"),
        ("?view=events&state=waiting", "Waiting"),
        ("?view=events&state=done", "Finished"),
        ("?view=events", "All events"),
    ],
    lost: "No answer from the app; retrying. The page shows the last known state.",
    style: "?asset=style",
    script: "?asset=script",
    icon: "?asset=icon",
};

/// Of a store that cannot list events.
const WITHOUT_LISTS: Site = Site {
    pages: &[OVERVIEW],
    ..SITE
};

fn page(shared: &Shared, title: &str, path: &'static str, live: Live, main: Markup) -> Answer {
    Answer::Page(StatusCode::OK, frame(shared, title, path, live, main))
}

fn frame(shared: &Shared, title: &str, path: &'static str, live: Live, main: Markup) -> Markup {
    let (no_list, no_show) = (shared.no_list(), shared.no_show());
    let site = if no_list.is_some() {
        WITHOUT_LISTS
    } else {
        SITE
    };
    let look_for = match (no_list, no_show) {
        (None, None) => Some("Number or event id"),
        (None, Some(_)) => Some("Event id"),
        (Some(_), None) => Some("Number"),
        (Some(_), Some(_)) => None,
    };
    site.page(&Page {
        title: title.to_owned(),
        path,
        status: html! {
            @if let Some(look_for) = look_for {
                form.row method="get" role="search" {
                    input type="hidden" name="view" value="search";
                    label.check {
                        span { (look_for) }
                        input type="search" name="id" required;
                    }
                    button { "Find" }
                }
            }
        },
        main,
        live,
    })
}

/// A page that says what is wrong.
pub(super) fn failed(shared: &Shared, failure: &Failure) -> Answer {
    let name = failure.status.canonical_reason().unwrap_or("Error");
    let main = html! {
        h1 { (name) }
        p role="alert" { (failure.text) }
        p {
            @if let Some((url, name)) = &failure.next { a href=(url) { (name) } " " }
            a href="?" { "Overview" }
        }
    };
    Answer::Page(failure.status, frame(shared, name, "", Live::No, main))
}

pub(super) fn event_url(seq: u64) -> String {
    format!(
        "?{}",
        query(&[("view", "event"), ("seq", &seq.to_string())])
    )
}

/// A state: never by its colour alone.
fn badge(state: State) -> Markup {
    let (class, mark) = match state {
        State::Done => ("good", "✓ "),
        State::Dead => ("bad", "✗ "),
        _ => ("wait", "… "),
    };
    html! { span.badge.(class) { (mark) (state.as_str()) } }
}

/// The time until an event becomes visible.
fn visible(row: &Row) -> Markup {
    html! {
        @if let Some(time) = row.visible_in { " in " (super::moment::duration(time)) }
    }
}

/// A lane, with a link to its events if the link may have its name.
fn lane(shared: &Shared, lane: Option<&Text>) -> Markup {
    let Some(lane) = lane else {
        return html! { "-" };
    };
    let selection = lane.whole().map(|lane| Selection {
        lane: Some(lane.to_owned()),
        ..Selection::default()
    });
    html! {
        @match selection.filter(|_| shared.no_list().is_none()) {
            Some(selection) => a href=(selection.url()) { (lane) },
            None => (lane),
        }
    }
}
