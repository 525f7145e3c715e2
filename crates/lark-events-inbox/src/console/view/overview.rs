//! The queue at a glance, and dead letters by error and by type.

use lark_events_pages::{Live, thousands};
use maud::{Markup, html};

use super::page;
use crate::admin::{Group, Grouping, Operation, State};
use crate::console::answer::{Answer, Failure};
use crate::console::moment::duration;
use crate::console::selection::Selection;
use crate::console::{Access, Shared};
use crate::store::Status;

/// The groups of dead letters that are shown: the largest.
const GROUPS: usize = 20;
const SECONDS: u32 = 5;

pub(in crate::console) async fn get(shared: &Shared, _: Access) -> Result<Answer, Failure> {
    let status = shared.store.status().await?;
    let dead = Selection::of(State::Dead).filter();
    let (mut errors, mut types) = (Vec::new(), Vec::new());
    if shared.store.supports(Operation::List) && status.dead > 0 {
        errors = shared.store.groups(&dead, Grouping::Error, GROUPS).await?;
        types = shared
            .store
            .groups(&dead, Grouping::EventType, GROUPS)
            .await?;
    }
    let main = html! {
        h1 { "Inbox" }
        (queue(&status))
        section #dead data-live aria-labelledby="dead-title" {
            h2 #dead-title { "Dead letters" }
            @if status.dead == 0 { p { "None." } }
            @else {
                (groups("Error", &errors, |value| Selection {
                    error: value.map(str::to_owned),
                    ..Selection::of(State::Dead)
                }))
                (groups("Event type", &types, |value| Selection {
                    event_type: value.map(str::to_owned),
                    ..Selection::of(State::Dead)
                }))
            }
        }
    };
    Ok(page("Overview", "?", Live::Poll { seconds: SECONDS }, main))
}

fn queue(status: &Status) -> Markup {
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
                        dd { a href=(Selection::of(state).url(None)) { (thousands(number)) } }
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

fn groups(name: &str, groups: &[Group], selection: impl Fn(Option<&str>) -> Selection) -> Markup {
    html! {
        table {
            caption.hidden { "Dead letters by " (name.to_lowercase()) }
            thead { tr { th scope="col" { (name) } th scope="col" { "Events" } } }
            tbody {
                @for group in groups {
                    tr {
                        td {
                            a href=(selection(group.value.as_deref()).url(None)) {
                                (group.value.as_deref().unwrap_or("none"))
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
