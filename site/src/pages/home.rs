//! The first page: the search, and every event by domain.

use maud::{Markup, html};

use super::prose::prose;
use super::{Frame, Page};
use crate::Files;
use crate::catalogue::{Catalogue, Entry};

/// Adds the page.
pub(crate) fn add_home(files: &mut Files, frame: Frame, catalogue: &Catalogue) {
    let entries = &catalogue.entries;
    let callbacks = entries.iter().filter(|entry| entry.is_callback()).count();
    let about = format!(
        "{} events and {callbacks} callbacks of Feishu and Lark, with fields, samples, permissions and Rust types.",
        entries.len() - callbacks
    );
    let main = html! {
        h1 { "Events of Feishu and Lark" }
        p.lead { (about) }
        form #search role="search" hidden {
            label {
                "Search by event type, title, Rust type, field or permission"
                input #query type="search" name="q" autocomplete="off" autocapitalize="off" spellcheck="false"
                    aria-describedby="hint" placeholder="message, 消息, chat_id, im:chat:readonly";
            }
            p #hint .faint {
                kbd { "/" } " starts a search, " kbd { "↓" } " and " kbd { "↑" } " select an event, " kbd { "Enter" }
                " opens it, " kbd { "Esc" } " returns to the search."
            }
        }
        noscript { p.note { "The search needs JavaScript. Below are all events." } }
        p #count role="status" {}
        ol #results .events hidden {}
        div #all {
            nav aria-label="Domains" {
                ul.domains {
                    @for domain in &catalogue.domains {
                        li {
                            a href={ "#" (domain.name) } { (domain.name) }
                            " " span.faint { (catalogue.of(domain.name).count()) }
                        }
                    }
                }
            }
            @for domain in &catalogue.domains {
                section aria-labelledby=(domain.name) {
                    h2 #(domain.name) { (domain.name) " " small { (domain.about) } }
                    ul.events {
                        @for entry in catalogue.of(domain.name) { li { (link(entry, "events/")) } }
                    }
                }
            }
        }
    };
    let page = Page {
        path: "index.html",
        title: "Events of Feishu and Lark",
        about: &about,
        scripts: &["search-index.js", "search.js"],
        main,
    };
    files.add(page.path, frame.page(&page));
}

/// An event in a list, as the script of the search makes it too.
pub(super) fn link(entry: &Entry, folder: &str) -> Markup {
    html! {
        a.type href={ (folder) (entry.event_type()) ".html" } { (entry.event_type()) }
        " " span { (prose(entry.info.title)) }
        @if let Some(title) = entry.origin.title {
            " " span.faint lang="zh-CN" { (title) }
        }
    }
}
