//! One event, with its attempts and its body.

use lark_events_pages::{Layout, Live, lay_out, query};
use maud::{Markup, html};

use super::{badge, lane, page, visible};
use crate::admin::State;
use crate::console::answer::{Answer, Failure};
use crate::console::moment::{duration, moment};
use crate::console::params::Params;
use crate::console::reading::{Attempt, Event, HIDDEN};
use crate::console::{Access, Action, Shared};

pub(in crate::console) async fn get(
    shared: &Shared,
    access: Access,
    query: &Params,
) -> Result<Answer, Failure> {
    let event = find(shared, query).await?;
    let title = format!("Event #{}", event.row.seq);
    let main = html! {
        h1 { (title) }
        (facts(shared, &event))
        @if access == Access::All { (actions(shared, &event)) }
        h2 { "Attempts" }
        (attempts(&event.history))
        h2 #body-title { "Body" }
        pre tabindex="0" role="region" aria-labelledby="body-title" {
            code { (lay_out(event.body.as_str(), Layout::Pretty)) }
        }
        p { a href=(export_url(event.row.seq)) { "Export as JSON" } }
    };
    Ok(page(shared, &title, "", Live::No, main))
}

pub(in crate::console) async fn find(shared: &Shared, query: &Params) -> Result<Event, Failure> {
    if let Some(reason) = shared.no_show() {
        return Err(Failure::unsupported(reason));
    }
    let seq = query.number("seq")?;
    let seq = seq.ok_or_else(|| Failure::bad("expected the number of an event as seq"))?;
    let event = shared.show(seq).await?;
    event.ok_or_else(|| {
        Failure::not_found(format!(
            "no event #{seq}: the store does not have it, or no longer"
        ))
    })
}

fn export_url(seq: u64) -> String {
    format!(
        "?{}",
        query(&[("view", "export"), ("seq", &seq.to_string())])
    )
}

fn facts(shared: &Shared, event: &Event) -> Markup {
    let row = &event.row;
    let texts = [
        ("Event id", &row.event_id),
        ("App", &row.app_id),
        ("Tenant", &row.tenant_key),
        ("Trace", &event.trace),
    ];
    html! {
        dl.facts {
            div { dt { "State" } dd { (badge(row.state)) (visible(row)) } }
            div { dt { "Type" } dd { span.type { (row.event_type) } } }
            @if row.lane.is_some() { div { dt { "Lane" } dd { (lane(shared, row.lane.as_ref())) } } }
            @for (name, value) in texts {
                @if let Some(value) = value { div { dt { (name) } dd { code { (value) } } } }
            }
            div { dt { "Received" } dd { (moment(row.received_at)) " by " (row.transport) } }
            div { dt { "Attempts that count" } dd { (row.attempts) } }
            @if let Some(error) = &row.error { div { dt { "Last error" } dd { (error) } } }
        }
    }
}

fn actions(shared: &Shared, event: &Event) -> Markup {
    let (seq, state) = (event.row.seq, event.row.state);
    let revision = shared.jobs().revision();
    html! {
        section aria-label="Actions" {
            @if state == State::Leased {
                p.faint { "A worker is handling this event. It can be changed after the attempt." }
            }
            form.actions method="post" action="?" {
                input type="hidden" name="seq" value=(seq);
                input type="hidden" name="state" value=(state.as_str());
                input type="hidden" name="revision" value=(revision);
                @if state == State::Waiting && event.row.visible_in.is_none() {
                    p.faint { "This event waits for its lane: it is handled after those before it." }
                }
                @for action in Action::of(state).iter().filter(|action| action.changes(&event.row)) {
                    @match action.unsupported(&*shared.store, Some(state)) {
                        Some(reason) => p.note { (reason) }
                        None => button name="action" value=(action.as_str()) { (action.verb()) }
                    }
                }
                @if event.is_whole {
                    a.button href={ "?view=edit&seq=" (seq) } { "Replay with another body…" }
                } @else {
                    p.faint { (HIDDEN) }
                }
            }
        }
    }
}

fn attempts(history: &[Attempt]) -> Markup {
    html! {
        @if history.is_empty() {
            p { "The store remembers none." }
        } @else {
            table.cards {
                caption.hidden { "Attempts in order" }
                thead {
                    tr {
                        @for name in ["#", "Ended", "Took", "Outcome", "Error"] { th scope="col" { (name) } }
                    }
                }
                tbody {
                    @for attempt in history {
                        tr {
                            th scope="row" { "#" (attempt.number) }
                            td data-label="Ended" { (moment(attempt.ended)) }
                            td data-label="Took" { (duration(attempt.took)) }
                            td data-label="Outcome" { (attempt.outcome.replace('_', " ")) }
                            td.text data-label="Error" { (attempt.error.as_deref().unwrap_or("-")) }
                        }
                    }
                }
            }
        }
    }
}
