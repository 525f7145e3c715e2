//! The views. Each is complete without the script, which only keeps it up to date.

pub(super) mod confirm;
pub(super) mod edit;
pub(super) mod event;
pub(super) mod events;
pub(super) mod overview;
pub(super) mod progress;
pub(super) mod search;

use http::StatusCode;
use lark_events_pages::{Live, Page, Site, query};
use maud::{Markup, html};

use super::answer::{Answer, Failure};
use crate::admin::{Listed, State};

const SITE: Site = Site {
    name: "Inbox",
    home: "?",
    pages: &[
        ("?", "Overview"),
        (DEAD, "Dead letters"),
        ("?view=events&state=waiting", "Waiting"),
        ("?view=events&state=done", "Finished"),
        ("?view=events", "All events"),
    ],
    lost: "No answer from the app; retrying. The page shows the last known state.",
    style: "?asset=style",
    script: "?asset=script",
    icon: "?asset=icon",
};

pub(super) const DEAD: &str = "?view=events&state=dead";

fn page(title: &str, path: &'static str, live: Live, main: Markup) -> Answer {
    Answer::Page(StatusCode::OK, frame(title, path, live, main))
}

fn frame(title: &str, path: &'static str, live: Live, main: Markup) -> Markup {
    SITE.page(&Page {
        title: title.to_owned(),
        path,
        status: html! {
            form.row method="get" role="search" {
                input type="hidden" name="view" value="search";
                label.check {
                    span { "Number or event id" }
                    input type="search" name="id" required;
                }
                button { "Find" }
            }
        },
        main,
        live,
    })
}

/// A page that says what is wrong.
pub(super) fn failed(failure: &Failure) -> Answer {
    let name = failure.status.canonical_reason().unwrap_or("Error");
    let main = html! {
        h1 { (name) }
        p role="alert" { (failure.text) }
        p { a href="?" { "Overview" } }
    };
    Answer::Page(failure.status, frame(name, "", Live::No, main))
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
fn visible(listed: &Listed) -> Markup {
    html! {
        @if let Some(time) = listed.visible_in { " in " (super::moment::duration(time)) }
    }
}
