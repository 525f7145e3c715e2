//! The queue at a glance, and dead letters by error and by type.

use lark_events_pages::{Live, thousands};
use maud::{Markup, html};

use super::{groups, page};
use crate::admin::{Count, Glance, Grouping, State};
use crate::console::Shared;
use crate::console::answer::{Answer, Failure};
use crate::console::count::{AT_MOST, short};
use crate::console::moment::duration;
use crate::console::selection::Selection;

const SECONDS: u32 = 5;

pub(in crate::console) async fn get(shared: &Shared) -> Result<Answer, Failure> {
    let glance = shared.store.glance(AT_MOST).await?;
    let main = html! {
        h1 { "Inbox" }
        (queue(&glance, shared.no_list().is_none()))
        section #dead data-live aria-labelledby="dead-title" {
            h2 #dead-title { "Dead letters" }
            (dead_letters(shared, glance.dead).await?)
        }
    };
    let live = Live::Poll { seconds: SECONDS };
    Ok(page(shared, "Overview", "?", live, main))
}

/// Dead letters by error and by type.
async fn dead_letters(shared: &Shared, dead: Count) -> Result<Markup, Failure> {
    if dead == Count::all(0) {
        return Ok(html! { p { "None." } });
    }
    if let Some(reason) = shared.no_list() {
        return Ok(html! { p.note { (reason) } });
    }
    let selection = Selection::of(State::Dead);
    let filter = selection.filter();
    let errors = shared.groups(&filter, Grouping::Error).await?;
    let types = shared.groups(&filter, Grouping::EventType).await?;
    let of_error = |error: &str| selection.clone().with_error(error, &shared.redaction);
    let of_type = |event_type: &str| {
        Some(Selection {
            event_type: Some(event_type.to_owned()),
            ..selection.clone()
        })
    };
    Ok(html! {
        (groups::table("Dead letters by error", "Error", &errors, of_error))
        (groups::table("Dead letters by event type", "Event type", &types, of_type))
    })
}

fn queue(glance: &Glance, has_lists: bool) -> Markup {
    let states = [
        (State::Ready, glance.ready),
        (State::Waiting, glance.waiting),
        (State::Leased, glance.leased),
        (State::Dead, glance.dead),
    ];
    html! {
        section #queue data-live aria-label="Queue" {
            dl.figures {
                @for (state, number) in states {
                    div {
                        dt { (state.as_str()) }
                        dd {
                            @if has_lists { a href=(Selection::of(state).url()) { (short(number)) } }
                            @else { (short(number)) }
                        }
                    }
                }
                div { dt { "lanes that wait for a retry" } dd { (short(glance.blocked_lanes)) } }
                div { dt { "oldest" } dd { (glance.oldest.map_or_else(|| "-".to_owned(), duration)) } }
                div { dt { "lag" } dd { (glance.lag.map_or_else(|| "-".to_owned(), duration)) } }
                div {
                    dt { "workers" }
                    dd {
                        @if glance.workers == 0 { span.bad { "✗ none runs" } }
                        @else { (thousands(glance.workers)) }
                    }
                }
            }
        }
    }
}
