//! The body of an event as a form, for a new event.

use lark_events_pages::{Layout, Live, lay_out};
use maud::html;

use super::{event_url, page};
use crate::console::answer::{Answer, Failure};
use crate::console::params::Params;
use crate::console::{Action, Shared};

pub(in crate::console) async fn get(shared: &Shared, query: &Params) -> Result<Answer, Failure> {
    let seq = query.number("seq")?.unwrap_or_default();
    let revision = shared.jobs().revision();
    let shown = shared.editable(seq).await?;
    let body = lay_out(shown.delivery.raw.as_str(), Layout::Pretty);
    let main = html! {
        h1 { "Replay #" (seq) " with another body" }
        p { (Action::Edit.explained()) }
        form.column method="post" action="?" {
            input type="hidden" name="action" value=(Action::Edit.as_str());
            input type="hidden" name="seq" value=(seq);
            input type="hidden" name="revision" value=(revision);
            label { "Body" textarea name="body" rows="20" spellcheck="false" { (body) } }
            div.actions {
                button.primary { "Append the event" }
                a.button href=(event_url(seq)) { "Cancel" }
            }
        }
    };
    Ok(page(shared, "Edit", "", Live::No, main))
}
