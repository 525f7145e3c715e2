//! A table of groups of events, each with a link to its events.

use lark_events_pages::thousands;
use maud::{Markup, html};

use crate::console::reading::Groups;
use crate::console::redaction::Text;
use crate::console::selection::Selection;

/// `link` is the list of a group; none if it cannot have one.
pub(super) fn table(
    caption: &str,
    name: &str,
    found: &Groups,
    link: impl Fn(&str) -> Option<Selection>,
) -> Markup {
    let shown: u64 = found.groups.iter().map(|group| group.events).sum();
    html! {
        table.groups {
            caption.hidden { (caption) }
            thead { tr { th scope="col" { (name) } th.number scope="col" { "Events" } } }
            tbody {
                @for group in &found.groups {
                    tr {
                        td.text {
                            @match group.value.as_ref().and_then(Text::whole).and_then(&link) {
                                Some(list) => a.clip href=(list.url()) { (group.value.as_deref().unwrap_or_default()) },
                                None => (group.value.as_deref().unwrap_or("none")),
                            }
                        }
                        td.number { (thousands(group.events)) }
                    }
                }
            }
        }
        @if shown < found.count.events { p.faint { "The largest groups are shown." } }
        @if !found.count.is_all {
            p.faint {
                "Of the " (if found.is_newest { "newest " } else { "oldest " }) (thousands(found.count.events))
                " events."
            }
        }
    }
}
