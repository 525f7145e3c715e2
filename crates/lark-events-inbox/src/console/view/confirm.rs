//! Asks before an action on many events, with their number.

use lark_events_pages::Live;
use maud::html;

use super::page;
use crate::console::Shared;
use crate::console::answer::{Answer, Failure};
use crate::console::count::{Count, events};
use crate::console::params::Params;
use crate::console::post::Asked;

pub(in crate::console) async fn get(shared: &Shared, query: &Params) -> Result<Answer, Failure> {
    // Before the look at the events: an action that begins meanwhile is a conflict.
    let revision = shared.jobs().revision();
    let asked = Asked::read(shared, query)?;
    let (words, upto) = match asked.seqs.len() {
        0 => {
            // Events that come later are left alone.
            let upto = shared.store.last().await?;
            let count = Count::of(&*shared.store, &asked.scope(upto).filter).await?;
            (count.words(), upto)
        }
        selected => (events(u64::try_from(selected).unwrap_or(u64::MAX)), None),
    };
    let (verb, back) = (asked.action.verb(), asked.selection.url(None));
    let filter = asked.selection.words();
    let main = html! {
        h1 { (verb) " " (words) "?" }
        @if asked.seqs.is_empty() && !filter.is_empty() { p { "All that match: " code { (filter) } } }
        p { (asked.action.explained()) }
        form.actions method="post" action="?" {
            input type="hidden" name="action" value=(asked.action.as_str());
            input type="hidden" name="revision" value=(revision);
            @if asked.seqs.is_empty() { input type="hidden" name="scope" value="all"; }
            @for seq in &asked.seqs { input type="hidden" name="seq" value=(seq); }
            @if let Some(upto) = upto { input type="hidden" name="upto" value=(upto); }
            (asked.selection.hidden())
            button.primary { (verb) " " (words) }
            a.button href=(back) { "Cancel" }
        }
    };
    Ok(page(verb, "", Live::No, main))
}
