//! A list of events, page by page, with what can be done to them.

use lark_events_pages::{Live, thousands};
use maud::{Markup, html};

use super::{DEAD, badge, event_url, lane, page, visible};
use crate::admin::{Operation, Order, Page, State};
use crate::console::answer::{Answer, Failure};
use crate::console::count::AT_MOST;
use crate::console::moment::moment;
use crate::console::params::Params;
use crate::console::reading::{OLDEST_FIRST, Row};
use crate::console::selection::Selection;
use crate::console::{Access, Action, Shared, export};

/// The events of a page.
const PAGE: usize = 100;

pub(in crate::console) async fn get(
    shared: &Shared,
    access: Access,
    query: &Params,
) -> Result<Answer, Failure> {
    let selection = Selection::read(query, &shared.redaction)?;
    if let Some(reason) = shared.no_list() {
        return Err(Failure::unsupported(reason));
    }
    let after = query.number("after")?;
    let order = shared.order(query);
    let look = Page {
        after,
        order,
        ..Page::first(PAGE)
    };
    let (rows, next) = shared.list(&selection.filter(), look).await?;
    let fitting = match (access, selection.state()) {
        (Access::All, Some(state)) => Action::of(state),
        _ => &[],
    };
    let (offered, missing): (Vec<Action>, Vec<Action>) = fitting.iter().partition(|action| {
        action
            .unsupported(&*shared.store, selection.state())
            .is_none()
    });
    let main = html! {
        h1 { "Events" }
        (form(shared, &selection))
        @if rows.is_empty() {
            p #empty {
                @match next {
                    None => "No event matches.",
                    Some(_) => {
                        "No event matches among the " (thousands(AT_MOST))
                        " that were looked through. The next page looks further."
                    }
                }
            }
        } @else {
            (all_that_match(&selection, &offered))
            (selected(shared, &selection, &rows, order, &offered))
        }
        @for action in &missing { p.note { (action.unsupported(&*shared.store, selection.state()).unwrap_or_default()) } }
        @if access == Access::All { (why_no_action(&selection)) }
        (further(shared, &selection, look, next))
    };
    let path = match selection.states[..] {
        [State::Dead] => DEAD,
        [State::Waiting] => "?view=events&state=waiting",
        [State::Done] => "?view=events&state=done",
        [] => "?view=events",
        _ => "",
    };
    Ok(page(shared, "Events", path, Live::No, main))
}

/// Links to the other pages, the other order, and the file.
fn further(shared: &Shared, selection: &Selection, look: Page, next: Option<u64>) -> Markup {
    let can_reverse = shared.can(Operation::ListNewestFirst);
    let is_oldest_first = can_reverse && look.order == Order::OldestFirst;
    let order = ("order", if is_oldest_first { OLDEST_FIRST } else { "" });
    let url = |view, after: Option<u64>| {
        let after = after.map(|seq| seq.to_string()).unwrap_or_default();
        selection.url_of(view, &[order, ("after", &after)])
    };
    html! {
        nav.paging aria-label="Further events" {
            @if look.after.is_some() { a href=(url("events", None)) { "First page" } }
            @if next.is_some() { a rel="next" href=(url("events", next)) { "Next page" } }
            @if is_oldest_first { a href=(selection.url()) { "Newest first" } }
            @else if can_reverse {
                a href=(selection.url_of("events", &[("order", OLDEST_FIRST)])) { "Oldest first" }
            }
            a href=(url("export", look.after)) { "Export as JSON lines" }
        }
        @if !can_reverse { p.faint { "This store lists the oldest events first." } }
        p.faint { "A file has at most " (thousands(export::MAX_EVENTS as u64)) " events, from this page on." }
    }
}

fn why_no_action(selection: &Selection) -> Markup {
    html! {
        @match selection.state() {
            None => p.faint { "To act on events, choose a state." }
            Some(State::Leased) => p.faint { "Workers are handling these events. They can be changed afterwards." }
            _ => {}
        }
    }
}

/// The events, with boxes to select some.
fn selected(
    shared: &Shared,
    selection: &Selection,
    rows: &[Row],
    order: Order,
    offered: &[Action],
) -> Markup {
    html! {
        form method="get" aria-label="Selected events" {
            input type="hidden" name="view" value="confirm";
            (selection.hidden())
            (table(shared, rows, order, !offered.is_empty()))
            @if !offered.is_empty() {
                div.actions {
                    @for action in offered.iter().filter(|action| rows.iter().any(|row| action.changes(row))) {
                        button name="action" value=(action.as_str()) { (action.verb()) " selected…" }
                    }
                }
            }
        }
    }
}

fn all_that_match(selection: &Selection, offered: &[Action]) -> Markup {
    html! {
        @if !offered.is_empty() {
            form.actions method="get" aria-label="All events that match" {
                input type="hidden" name="view" value="confirm";
                input type="hidden" name="scope" value="all";
                (selection.hidden())
                @for action in offered {
                    button name="action" value=(action.as_str()) { (action.verb()) " all that match…" }
                }
            }
        }
    }
}

fn form(shared: &Shared, selection: &Selection) -> Markup {
    let (fields, fixed) = selection.split();
    html! {
        form.filter method="get" aria-label="Filter" {
            input type="hidden" name="view" value="events";
            label {
                "State"
                select name="state" {
                    option value="" { "Any" }
                    @if fields.states.len() > 1 {
                        option value=(fields.states()) selected { (fields.states().replace(',', " or ")) }
                    }
                    @for state in State::ALL {
                        option value=(state.as_str()) selected[fields.state() == Some(state)] { (state.as_str()) }
                    }
                }
            }
            label { "Event type" input type="search" name="type" value=[&fields.event_type]; }
            label { "Lane" input type="search" name="lane" value=[&fields.lane]; }
            @if !shared.redaction.hides_texts() {
                label { "Part of the error" input type="search" name="error" value=[&fields.error]; }
            }
            (fixed.hidden())
            button { "Filter" }
            @if *selection != Selection::default() { a href="?view=events" { "Show all" } }
        }
        @for (words, rest) in fixed.removable(selection) {
            p { "Only those with " (words) " " a href=(rest.url()) { "Show others also" } }
        }
    }
}

fn table(shared: &Shared, rows: &[Row], order: Order, can_select: bool) -> Markup {
    let first = match order {
        Order::NewestFirst => "newest",
        Order::OldestFirst => "oldest",
    };
    html! {
        div.scroll {
            table.cards {
                caption.hidden { "Events, the " (first) " first" }
                thead {
                    tr {
                        @if can_select { th scope="col" { "Select" } }
                        @for name in ["#", "Event", "State", "Lane", "Attempts", "Received", "Last error"] {
                            th scope="col" { (name) }
                        }
                    }
                }
                tbody { @for one in rows { (row(shared, one, can_select)) } }
            }
        }
    }
}

fn row(shared: &Shared, one: &Row, can_select: bool) -> Markup {
    html! {
        tr {
            @if can_select {
                td data-label="Select" {
                    input type="checkbox" name="seq" value=(one.seq) aria-label={ "Select #" (one.seq) };
                }
            }
            th scope="row" {
                @if shared.no_show().is_some() { "#" (one.seq) }
                @else { a href=(event_url(one.seq)) { "#" (one.seq) } }
            }
            td data-label="Event" {
                span.type { (one.event_type) }
                @if let Some(id) = &one.event_id { br; code.faint { (id) } }
            }
            td data-label="State" { (badge(one.state)) (visible(one)) }
            td.text data-label="Lane" { (lane(shared, one.lane.as_ref())) }
            td.number data-label="Attempts" { (one.attempts) }
            td data-label="Received" { (moment(one.received_at)) }
            td.text data-label="Last error" { div.clip { (one.error.as_deref().unwrap_or("-")) } }
        }
    }
}
