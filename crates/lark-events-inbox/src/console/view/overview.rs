//! The queue at a glance, and dead letters by error and by type.

use lark_events_pages::{Live, thousands};
use maud::{Markup, html};

use super::page;
use crate::admin::{Grouping, State};
use crate::console::Shared;
use crate::console::answer::{Answer, Failure};
use crate::console::moment::duration;
use crate::console::reading::Group;
use crate::console::redaction::Text;
use crate::console::selection::Selection;
use crate::store::Status;

/// The groups of dead letters that are shown: the largest.
const GROUPS: usize = 20;
const SECONDS: u32 = 5;

pub(in crate::console) async fn get(shared: &Shared) -> Result<Answer, Failure> {
    let status = shared.store.status().await?;
    let no_list = shared.no_list();
    let dead = Selection::of(State::Dead).filter();
    let (mut errors, mut types) = (Vec::new(), Vec::new());
    if no_list.is_none() && status.dead > 0 {
        errors = shared.groups(&dead, Grouping::Error, GROUPS).await?;
        types = shared.groups(&dead, Grouping::EventType, GROUPS).await?;
    }
    let main = html! {
        h1 { "Inbox" }
        (queue(&status, no_list.is_none()))
        section #dead data-live aria-labelledby="dead-title" {
            h2 #dead-title { "Dead letters" }
            @if status.dead == 0 { p { "None." } }
            @else if let Some(reason) = no_list { p.note { (reason) } }
            @else {
                (groups("Error", &errors, |error| Selection {
                    error: Some(error.to_owned()),
                    ..Selection::of(State::Dead)
                }))
                (groups("Event type", &types, |event_type| Selection {
                    event_type: Some(event_type.to_owned()),
                    ..Selection::of(State::Dead)
                }))
            }
        }
    };
    let live = Live::Poll { seconds: SECONDS };
    Ok(page(shared, "Overview", "?", live, main))
}

fn queue(status: &Status, has_lists: bool) -> Markup {
    let states = [
        (State::Ready, status.ready),
        (State::Waiting, status.waiting),
        (State::Leased, status.leased),
        (State::Dead, status.dead),
    ];
    html! {
        section #queue data-live aria-label="Queue" {
            dl.facts {
                @for (state, number) in states {
                    div {
                        dt { (state.as_str()) }
                        dd {
                            @if has_lists { a href=(Selection::of(state).url(None)) { (thousands(number)) } }
                            @else { (thousands(number)) }
                        }
                    }
                }
                div { dt { "lanes that wait for a retry" } dd { (thousands(status.blocked_lanes)) } }
                div { dt { "oldest" } dd { (status.oldest.map_or_else(|| "-".to_owned(), duration)) } }
                div { dt { "lag" } dd { (status.lag.map_or_else(|| "-".to_owned(), duration)) } }
                div {
                    dt { "workers" }
                    dd {
                        @if status.workers == 0 { span.bad { "✗ none runs" } }
                        @else { (thousands(status.workers)) }
                    }
                }
            }
        }
    }
}

fn groups(name: &str, groups: &[Group], selection: impl Fn(&str) -> Selection) -> Markup {
    html! {
        table {
            caption.hidden { "Dead letters by " (name.to_lowercase()) }
            thead { tr { th scope="col" { (name) } th scope="col" { "Events" } } }
            tbody {
                @for group in groups {
                    tr {
                        td {
                            @match group.value.as_ref().and_then(Text::whole) {
                                Some(value) => a href=(selection(value).url(None)) { (value) },
                                None => (group.value.as_deref().unwrap_or("none")),
                            }
                        }
                        td.number { (thousands(group.count)) }
                    }
                }
            }
        }
        @if groups.len() == GROUPS { p.faint { "The largest groups are shown." } }
    }
}
