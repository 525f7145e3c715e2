//! What changed since the last release.

use maud::{Markup, html};

use super::home::link;
use super::{Frame, Page};
use crate::Files;
use crate::catalogue::Catalogue;
use crate::changes::{Change, Changes, Difference};

/// Adds the page.
pub(crate) fn add_changes(
    files: &mut Files,
    frame: Frame,
    catalogue: &Catalogue,
    changes: &Changes,
) {
    let main = match changes {
        Changes::BeforeFirstRelease => html! {
            h1 { "Changes" }
            p { "There is no earlier release: all events are new." }
        },
        Changes::NoHistory => html! {
            h1 { "Changes" }
            p { "This site was built without the history of the repository, so it cannot tell what changed." }
        },
        Changes::Since { tag, difference } => since(catalogue, tag, difference),
    };
    let page = Page {
        path: "changes.html",
        title: "Changes",
        about: "What changed in the events of Feishu and Lark since the last release of lark-events.",
        scripts: &[],
        main,
    };
    files.add(page.path, frame.page(&page));
}

fn since(catalogue: &Catalogue, tag: &str, difference: &Difference) -> Markup {
    let entries = |types: &[String]| {
        html! {
            ul.events {
                @for event_type in types {
                    li {
                        @match catalogue.find(event_type) {
                            Some(entry) => (link(entry, "events/")),
                            None => span.type { (event_type) },
                        }
                    }
                }
            }
        }
    };
    html! {
        h1 { "Changes since " (tag) }
        @if difference.is_empty() { p { "No event has changed." } }
        @if !difference.added.is_empty() { h2 { "New events" } (entries(&difference.added)) }
        @if !difference.removed.is_empty() { h2 { "Removed events" } (entries(&difference.removed)) }
        @if !difference.changed.is_empty() {
            h2 { "Changed events" }
            @for (event_type, changes) in &difference.changed {
                section {
                    h3.type { a href={ "events/" (event_type) ".html" } { (event_type) } }
                    ul { @for change in changes { li { (one(change)) } } }
                }
            }
        }
    }
}

fn one(change: &Change) -> Markup {
    html! {
        @match change {
            Change::Added { what, name } => { "New " (what) " " code { (name) } },
            Change::Removed { what, name } => { "Removed " (what) " " code { (name) } },
            Change::Other { what, before, after } => {
                (what) ": " code { (before) } " became " code { (after) }
            },
        }
    }
}
