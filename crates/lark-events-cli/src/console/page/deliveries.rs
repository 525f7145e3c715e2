//! The list of deliveries, with its filter.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use lark_events_pages::{joined, with_query};
use maud::{Markup, html};

use super::{Content, badge};
use crate::console::Console;
use crate::console::filter::{
    Filter, FilterQuery, PROGRESSES, TRANSPORTS, progress_name, transport_name,
};
use crate::console::list::{self, Counts, Listed};
use crate::console::shown::RowShown;
use crate::figures::time;

pub(crate) async fn get(
    State(console): State<Arc<Console>>,
    query: Result<Query<FilterQuery>, QueryRejection>,
) -> Response {
    let filter = match console.filter(query) {
        Ok(filter) => filter,
        Err(failure) => return super::failed(&console, &failure),
    };
    let listed = list::all(&console.control.history, &filter);
    let content = Content {
        title: "Deliveries".to_owned(),
        path: "/",
        main: main(&console, &filter, &listed),
        stream: joined("page=deliveries", &filter.query()),
        position: listed.position,
    };
    super::respond(&console, content)
}

fn thousands(number: usize) -> String {
    lark_events_pages::thousands(number as u64)
}

/// The element of all rows.
pub(crate) const ROWS: &str = "deliveries";

pub(crate) fn main(console: &Console, filter: &Filter, listed: &Listed) -> Markup {
    let masks = &console.masks;
    html! {
        h1 { "Deliveries" }
        (form(filter))
        (counts(filter, &listed.counts))
        div.scroll {
            table.cards {
                caption.hidden { "Deliveries, newest first" }
                thead {
                    tr {
                        @for name in [
                            "#", "Event", "Transport", "State", "Attempts", "Last answer", "Faults", "Pushed", "Next",
                        ] {
                            th scope="col" { (name) }
                        }
                    }
                }
                tbody #(ROWS) data-order="desc" {
                    @for delivery in &listed.deliveries { (row(&RowShown::new(delivery, masks))) }
                }
            }
        }
        (empty(filter, &listed.counts))
        (paging(filter, &listed.counts, listed.numbers.last().copied()))
    }
}

fn form(filter: &Filter) -> Markup {
    html! {
        form.filter method="get" action="/" aria-label="Filter" {
            label { "Event type" input type="search" name="type" value=(filter.event_type); }
            label {
                "State"
                select name="progress" {
                    option value="" { "Any" }
                    @for progress in PROGRESSES {
                        option value=(progress_name(progress)) selected[filter.progress == Some(progress)] {
                            (progress_name(progress).replace('-', " "))
                        }
                    }
                }
            }
            label {
                "Transport"
                select name="transport" {
                    option value="" { "Any" }
                    @for mode in TRANSPORTS {
                        option value=(transport_name(mode)) selected[filter.transport == Some(mode)] {
                            (transport_name(mode).replace('-', " "))
                        }
                    }
                }
            }
            label.check {
                input type="checkbox" name="faults" value="on" checked[filter.only_with_faults];
                "Only with faults"
            }
            button { "Filter" }
            @if !filter.is_open() { a href="/" { "Show all" } }
        }
    }
}

pub(crate) fn counts(filter: &Filter, counts: &Counts) -> Markup {
    let Counts {
        shown,
        selected,
        kept,
        forgotten,
        ..
    } = *counts;
    html! {
        p #counts {
            (thousands(shown)) " of " (thousands(kept)) " shown"
            @if !filter.is_open() { "; " (thousands(counts.hidden)) " hidden by the filter" }
            @if selected > shown { "; " (thousands(selected - shown)) " on other pages" }
            @if forgotten > 0 {
                "; " (thousands(forgotten)) " older "
                @if forgotten == 1 { "one is" } @else { "ones are" }
                " no longer kept"
            }
        }
    }
}

pub(crate) fn empty(filter: &Filter, counts: &Counts) -> Markup {
    html! {
        p #empty {
            @if counts.kept == 0 {
                "No delivery yet. " a href="/compose" { "Compose a push" } ", or type "
                code { "push im.message.receive_v1" } " in the terminal."
            } @else if counts.shown == 0 && counts.selected > 0 {
                // The page begins before the oldest one; the newest are a link below.
                @if filter.is_open() { "No older delivery is kept." }
                @else { "The filter selects no older delivery." }
            } @else if counts.shown == 0 {
                "The filter hides all deliveries. " a href="/" { "Show all" } "."
            }
        }
    }
}

pub(crate) fn paging(filter: &Filter, counts: &Counts, last: Option<usize>) -> Markup {
    let page = |before| {
        let filter = Filter {
            before,
            ..filter.clone()
        };
        with_query("/", &filter.query())
    };
    html! {
        nav.paging #paging aria-label="Further deliveries" {
            @if filter.before.is_some() { a href=(page(None)) { "Newest" } }
            @if counts.has_older {
                a rel="next" href=(page(last)) { "Older deliveries" }
            }
        }
    }
}

pub(crate) fn row_id(number: usize) -> String {
    format!("d{number}")
}

pub(crate) fn row(row: &RowShown) -> Markup {
    html! {
        tr id=(row_id(row.number)) data-n=(row.number) {
            th scope="row" { a href={ "/deliveries/" (row.number) } { "#" (row.number) } }
            td data-label="Event" {
                span.type { (row.event_type) }
                @if row.callback { " " span.tag { "callback" } }
                @if let Some(of) = row.replay_of {
                    " " span.tag { "replay of " a href={ "/deliveries/" (of) } { "#" (of) } }
                }
                @if !row.event_id.as_str().is_empty() { br; code.faint { (row.event_id) } }
            }
            td data-label="Transport" { (row.transport.replace('-', " ")) }
            td data-label="State" { (badge(row.progress)) }
            td.number data-label="Attempts" { (row.attempt_count) }
            td data-label="Last answer" {
                @if let Some(last) = &row.last_attempt {
                    (last.answer)
                    @if last.copy { " " span.tag { "copy" } }
                    " " span.faint { (time(last.took)) }
                } @else { "-" }
            }
            td data-label="Faults" {
                @if row.faults.is_empty() { "-" }
                @for fault in &row.faults { span.tag.fault { "⚡ " (fault) } " " }
            }
            td data-label="Pushed" { (row.pushed_at.clock()) }
            td data-label="Next" {
                @if let Some(next) = row.next_attempt { (next.countdown()) } @else { "-" }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_says_how_much_it_hides() {
        let text = |filter: &Filter, shown, selected, kept, forgotten| {
            let counts = Counts {
                shown,
                selected,
                kept,
                hidden: kept - selected,
                forgotten,
                has_older: false,
            };
            let html = super::counts(filter, &counts).into_string();
            html.trim_start_matches("<p id=\"counts\">")
                .trim_end_matches("</p>")
                .to_owned()
        };
        let open = Filter::default();
        let filter = Filter {
            only_with_faults: true,
            ..Filter::default()
        };
        assert_eq!(text(&open, 0, 0, 0, 0), "0 of 0 shown");
        assert_eq!(
            text(&filter, 24, 24, 340, 1200),
            "24 of 340 shown; 316 hidden by the filter; 1,200 older ones are no longer kept"
        );
        assert_eq!(
            text(&open, 200, 1000, 1000, 1),
            "200 of 1,000 shown; 800 on other pages; 1 older one is no longer kept"
        );
    }
}
