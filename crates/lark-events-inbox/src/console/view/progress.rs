//! How an action goes.

use lark_events_pages::{Live, query, thousands};
use maud::html;

use super::page;
use crate::console::Shared;
use crate::console::answer::{Answer, Failure};
use crate::console::count::{events, words};
use crate::console::jobs::Ended;
use crate::console::params::Params;

const SECONDS: u32 = 1;

pub(in crate::console) fn get(shared: &Shared, asked: &Params) -> Result<Answer, Failure> {
    let id = asked.number("id")?.unwrap_or_default();
    let job = shared.jobs().find(id);
    let job = job.ok_or_else(|| {
        Failure::not_found(
            "expected an action that this process remembers: another process of the app runs it, or this one has \
             restarted, or it has forgotten an old action. See the audit log of the app for its result",
        )
    })?;
    let (ended, done) = (job.ended(), job.done());
    let live = match ended {
        None => Live::Poll { seconds: SECONDS },
        Some(_) => Live::No,
    };
    let again = query(&[("view", "action"), ("id", &id.to_string())]);
    let ask = &job.ask;
    let main = html! {
        h1 { (ask.action.verb()) }
        p { (ask.what) @if let Some(who) = &ask.who { ", started by " (who) } }
        div #progress data-live {
            @if ended.is_none() {
                p {
                    "In progress: " (thousands(done))
                    @if let Some(total) = ask.total { " of " (words(total)) }
                    ". " a href={ "?" (again) } { "Look again" }
                }
                @if let Some(total) = ask.total.filter(|total| total.is_all) {
                    progress max=(total.events) value=(done) aria-label="Events" {}
                }
            }
        }
        // The end only, as each step would be announced otherwise.
        div #ended data-live role="status" {
            @match &ended {
                None => {}
                Some(Ended::Complete) => {
                    p.done { (ask.action.done()) " " (events(done)) "." }
                    @if ask.total.is_some_and(|total| total.is_all && total.events > done) {
                        p { "The others wait for their lane, or have changed." }
                    }
                }
                Some(Ended::Failed(error)) => {
                    p.error { (ask.action.done()) " " (events(done)) ", then failed: " (error) }
                    p { "Whether its last step was done is unknown: look at the events, then try again." }
                }
                Some(Ended::Stopped(error)) => p.error {
                    (ask.action.done()) " " (events(done)) ", then stopped: " (error)
                }
            }
        }
        p { a href=(ask.back) { "Back" } }
    };
    Ok(page(shared, ask.action.verb(), "", live, main))
}
