//! How an action goes.

use lark_events_pages::{Live, query, thousands};
use maud::html;

use super::page;
use crate::console::Shared;
use crate::console::answer::{Answer, Failure};
use crate::console::count::events;
use crate::console::jobs::Ended;
use crate::console::params::Params;

const SECONDS: u32 = 1;

pub(in crate::console) fn get(shared: &Shared, asked: &Params) -> Result<Answer, Failure> {
    let id = asked.number("id")?.unwrap_or_default();
    let job = shared.jobs().find(id);
    let job = job.ok_or_else(|| {
        Failure::not_found(
            "expected an action of this process: it runs in another process of the app, or was some time ago",
        )
    })?;
    let (ended, done) = (job.ended(), job.done());
    let live = match ended {
        None => Live::Poll { seconds: SECONDS },
        Some(_) => Live::No,
    };
    let again = query(&[("view", "action"), ("id", &id.to_string())]);
    let main = html! {
        h1 { (job.action.verb()) }
        div #progress data-live role="status" {
            @match &ended {
                None => p {
                    "In progress: " (thousands(done))
                    @if let Some(total) = job.total { " of " (total.words()) }
                    ". " a href={ "?" (again) } { "Look again" }
                }
                Some(Ended::Complete) => {
                    p.done { (job.action.done()) " " (events(done)) "." }
                    @if job.total.is_some_and(|total| total.is_all && total.events > done) {
                        p { "The others had changed since." }
                    }
                }
                Some(Ended::Failed(error)) => p.error {
                    (job.action.done()) " " (events(done)) ", then failed: " (error)
                }
            }
        }
        p { a href=(job.back) { "Back" } }
    };
    Ok(page(job.action.verb(), "", live, main))
}
