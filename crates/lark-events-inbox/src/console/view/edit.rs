//! The body of an event as a form, for a new event.

use lark_events::Delivery;
use lark_events_pages::Live;
use maud::html;

use super::{event_url, page};
use crate::admin::Shown;
use crate::console::answer::{Answer, Failure};
use crate::console::params::Params;
use crate::console::{Action, Shared};

/// Why an event cannot be edited.
pub(super) fn reason(shared: &Shared, delivery: &Delivery) -> Option<&'static str> {
    if shared.shown_body(delivery) != delivery.raw {
        // The new event would have what is shown.
        return Some("A part of the body is hidden, so it cannot be edited.");
    }
    None
}

pub(in crate::console) async fn get(shared: &Shared, query: &Params) -> Result<Answer, Failure> {
    let seq = query.number("seq")?.unwrap_or_default();
    let revision = shared.jobs().revision();
    let shown = editable(shared, seq).await?;
    let body = shared.shown_body(&shown.delivery);
    let main = html! {
        h1 { "Replay #" (seq) " with another body" }
        p { (Action::Edit.explained()) }
        form.column method="post" action="?" {
            input type="hidden" name="action" value=(Action::Edit.as_str());
            input type="hidden" name="seq" value=(seq);
            input type="hidden" name="revision" value=(revision);
            label { "Body" textarea name="body" rows="20" spellcheck="false" { (body.as_str()) } }
            div.actions {
                button.primary { "Append the event" }
                a.button href=(event_url(seq)) { "Cancel" }
            }
        }
    };
    Ok(page("Edit", "", Live::No, main))
}

/// An event whose body can be edited.
pub(in crate::console) async fn editable(shared: &Shared, seq: u64) -> Result<Shown, Failure> {
    let shown = shared.store.show(seq).await?;
    let shown = shown.ok_or_else(|| Failure::not_found(format!("no event #{seq}")))?;
    match reason(shared, &shown.delivery) {
        Some(reason) => Err(Failure::conflict(reason)),
        None => Ok(shown),
    }
}
