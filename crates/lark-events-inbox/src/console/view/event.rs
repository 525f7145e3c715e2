//! One event, with its attempts and its body.

use lark_events_pages::Live;
use maud::{Markup, html};

use super::{badge, page, visible};
use crate::admin::{AttemptRecord, Shown};
use crate::console::answer::{Answer, Failure};
use crate::console::moment::{duration, moment};
use crate::console::params::Params;
use crate::console::{Access, Action, Shared};

pub(in crate::console) async fn get(
    shared: &Shared,
    access: Access,
    query: &Params,
) -> Result<Answer, Failure> {
    let shown = find(shared, query).await?;
    let title = format!("Event #{}", shown.listed.seq);
    let body = shared.shown_body(&shown.delivery);
    let main = html! {
        h1 { (title) }
        (facts(&shown))
        @if access == Access::All { (actions(shared, &shown)) }
        h2 { "Attempts" }
        (attempts(&shown.history))
        h2 #body-title { "Body" }
        pre tabindex="0" role="region" aria-labelledby="body-title" { code { (body.as_str()) } }
    };
    Ok(page(&title, "", Live::No, main))
}

pub(super) async fn find(shared: &Shared, query: &Params) -> Result<Shown, Failure> {
    let seq = query.number("seq")?;
    let seq = seq.ok_or_else(|| Failure::bad("expected the number of an event as seq"))?;
    let shown = shared.store.show(seq).await?;
    shown.ok_or_else(|| {
        Failure::not_found(format!(
            "no event #{seq}: the store does not have it, or no longer"
        ))
    })
}

fn facts(shown: &Shown) -> Markup {
    let listed = &shown.listed;
    let texts = [
        ("Event id", &listed.event_id),
        ("App", &listed.app_id),
        ("Tenant", &listed.tenant_key),
        ("Lane", &listed.lane),
        ("Trace", &shown.trace),
    ];
    html! {
        dl.facts {
            div { dt { "State" } dd { (badge(listed.state)) (visible(listed)) } }
            div { dt { "Type" } dd { span.type { (listed.event_type) } } }
            @for (name, value) in texts {
                @if let Some(value) = value { div { dt { (name) } dd { code { (value) } } } }
            }
            div { dt { "Received" } dd { (moment(listed.received_at)) " by " (listed.transport.as_str()) } }
            div { dt { "Attempts that count" } dd { (listed.attempts) } }
            @if let Some(error) = &listed.last_error { div { dt { "Last error" } dd { (error) } } }
        }
    }
}

fn actions(shared: &Shared, shown: &Shown) -> Markup {
    let offered = Action::of(shown.listed.state);
    let revision = shared.jobs().revision();
    html! {
        section aria-label="Actions" {
            form.actions method="post" action="?" {
                input type="hidden" name="seq" value=(shown.listed.seq);
                input type="hidden" name="state" value=(shown.listed.state.as_str());
                input type="hidden" name="revision" value=(revision);
                @for action in offered {
                    @match action.unsupported(&*shared.store) {
                        Some(reason) => p.note { (reason) }
                        None => button name="action" value=(action.as_str()) { (action.verb()) }
                    }
                }
                @match super::edit::reason(shared, &shown.delivery) {
                    Some(reason) => p.faint { (reason) }
                    None => a.button href={ "?view=edit&seq=" (shown.listed.seq) } { "Replay with another body…" }
                }
            }
        }
    }
}

fn attempts(history: &[AttemptRecord]) -> Markup {
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
                            td data-label="Outcome" { (attempt.outcome.as_str().replace('_', " ")) }
                            td data-label="Error" { (attempt.error.as_deref().unwrap_or("-")) }
                        }
                    }
                }
            }
        }
    }
}
