//! A list of events, page by page, with what can be done to them.

use lark_events_pages::Live;
use maud::{Markup, html};

use super::{DEAD, badge, event_url, page, visible};
use crate::admin::{Listed, Page, State};
use crate::console::answer::{Answer, Failure};
use crate::console::moment::moment;
use crate::console::params::Params;
use crate::console::selection::Selection;
use crate::console::{Access, Action, Shared};

/// The events of a page.
const PAGE: usize = 100;

pub(in crate::console) async fn get(
    shared: &Shared,
    access: Access,
    query: &Params,
) -> Result<Answer, Failure> {
    let selection = Selection::read(query)?;
    let after = query.number("after")?;
    // One more, to see whether there is another page.
    let look = Page {
        after,
        limit: PAGE.saturating_add(1),
    };
    let mut listed = shared.store.list(&selection.filter(), look).await?;
    let has_more = listed.len() > PAGE;
    listed.truncate(PAGE);
    let offered = match (access, selection.state) {
        (Access::All, Some(state)) => Action::of(state),
        _ => &[],
    };
    let (offered, missing): (Vec<Action>, Vec<Action>) = offered
        .iter()
        .partition(|action| action.unsupported(&*shared.store).is_none());
    let main = html! {
        h1 { "Events" }
        (form(&selection))
        @if listed.is_empty() {
            p #empty { "No event matches." }
        } @else {
            form method="get" aria-label="Selected events" {
                input type="hidden" name="view" value="confirm";
                (selection.hidden())
                (table(&listed, !offered.is_empty()))
                @if !offered.is_empty() {
                    div.actions {
                        @for action in &offered {
                            button name="action" value=(action.as_str()) { (action.verb()) " selected…" }
                        }
                    }
                }
            }
            @if !offered.is_empty() {
                form.actions method="get" aria-label="All events that match" {
                    input type="hidden" name="view" value="confirm";
                    input type="hidden" name="scope" value="all";
                    (selection.hidden())
                    @for action in &offered {
                        button name="action" value=(action.as_str()) { (action.verb()) " all that match…" }
                    }
                }
            }
        }
        @for action in &missing { p.note { (action.unsupported(&*shared.store).unwrap_or_default()) } }
        @if access == Access::All && selection.state.is_none() {
            p.faint { "To act on events, choose a state." }
        }
        nav.paging aria-label="Further events" {
            @if after.is_some() { a href=(selection.url(None)) { "First page" } }
            @if has_more {
                a rel="next" href=(selection.url(listed.last().map(|last| last.seq))) { "Next page" }
            }
        }
    };
    let path = match selection.state {
        Some(State::Dead) => DEAD,
        Some(State::Waiting) => "?view=events&state=waiting",
        Some(State::Done) => "?view=events&state=done",
        None => "?view=events",
        _ => "",
    };
    Ok(page("Events", path, Live::No, main))
}

fn form(selection: &Selection) -> Markup {
    html! {
        form.filter method="get" aria-label="Filter" {
            input type="hidden" name="view" value="events";
            label {
                "State"
                select name="state" {
                    option value="" { "Any" }
                    @for state in State::ALL {
                        option value=(state.as_str()) selected[selection.state == Some(state)] { (state.as_str()) }
                    }
                }
            }
            label { "Event type" input type="search" name="type" value=[&selection.event_type]; }
            label { "Lane" input type="search" name="lane" value=[&selection.lane]; }
            label { "Part of the error" input type="search" name="error" value=[&selection.error]; }
            @if let Some(id) = &selection.id { label { "Event id" input type="search" name="id" value=(id); } }
            button { "Filter" }
            @if *selection != Selection::default() { a href="?view=events" { "Show all" } }
        }
    }
}

fn table(listed: &[Listed], can_select: bool) -> Markup {
    html! {
        div.scroll {
            table.cards {
                caption.hidden { "Events, oldest first" }
                thead {
                    tr {
                        @if can_select { th scope="col" { "Select" } }
                        @for name in ["#", "Event", "State", "Lane", "Attempts", "Received", "Last error"] {
                            th scope="col" { (name) }
                        }
                    }
                }
                tbody { @for one in listed { (row(one, can_select)) } }
            }
        }
    }
}

fn row(one: &Listed, can_select: bool) -> Markup {
    html! {
        tr {
            @if can_select {
                td data-label="Select" {
                    input type="checkbox" name="seq" value=(one.seq) aria-label={ "Select #" (one.seq) };
                }
            }
            th scope="row" { a href=(event_url(one.seq)) { "#" (one.seq) } }
            td data-label="Event" {
                span.type { (one.event_type) }
                @if let Some(id) = &one.event_id { br; code.faint { (id) } }
            }
            td data-label="State" { (badge(one.state)) (visible(one)) }
            td data-label="Lane" {
                @if let Some(lane) = &one.lane {
                    @let same = Selection { lane: Some(lane.clone()), ..Selection::default() };
                    a href=(same.url(None)) { (lane) }
                } @else { "-" }
            }
            td.number data-label="Attempts" { (one.attempts) }
            td data-label="Received" { (moment(one.received_at)) }
            td data-label="Last error" { (one.last_error.as_deref().unwrap_or("-")) }
        }
    }
}
