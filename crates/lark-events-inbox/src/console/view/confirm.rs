//! Asks before an action on many events, with their number.

use lark_events_pages::Live;
use maud::html;

use super::page;
use crate::admin::Count;
use crate::console::Shared;
use crate::console::answer::{Answer, Failure};
use crate::console::count::{AT_MOST, exactly, words};
use crate::console::params::Params;
use crate::console::post::Asked;

pub(in crate::console) async fn get(shared: &Shared, query: &Params) -> Result<Answer, Failure> {
    // Before the look at the events: an action that begins meanwhile is a conflict.
    let revision = shared.jobs().revision();
    let asked = Asked::read(shared, query)?;
    let back = asked.selection.url();
    let (count, upto) = match asked.seqs.len() {
        0 => {
            // Events that come later are left alone.
            let upto = shared.store.last().await?;
            let filter = asked.scope(upto).filter;
            (shared.store.count(&filter, AT_MOST).await?, upto)
        }
        selected => (exactly(selected), None),
    };
    let (verb, words) = (asked.action.verb(), words(count));
    let main = html! {
        h1 { (verb) " " (words) "?" }
        p { "Events: " (asked.words()) }
        @if count == Count::all(0) {
            p { "No event matches any more. " a href=(back) { "Back" } }
        } @else {
            p { (asked.action.explained()) }
            form.actions method="post" action="?" {
                input type="hidden" name="action" value=(asked.action.as_str());
                input type="hidden" name="revision" value=(revision);
                @if asked.seqs.is_empty() {
                    input type="hidden" name="scope" value="all";
                    @if count.is_all { input type="hidden" name="count" value=(count.events); }
                }
                @for seq in &asked.seqs { input type="hidden" name="seq" value=(seq); }
                @if let Some(upto) = upto { input type="hidden" name="upto" value=(upto); }
                (asked.selection.hidden())
                button.primary { (verb) " " (words) }
                a.button href=(back) { "Cancel" }
            }
        }
    };
    Ok(page(shared, verb, "", Live::No, main))
}
