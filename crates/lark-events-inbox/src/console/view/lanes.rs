//! The lanes with the most events that wait.

use lark_events_pages::Live;
use maud::html;

use super::{LANES, groups, page};
use crate::admin::{Grouping, State};
use crate::console::Shared;
use crate::console::answer::{Answer, Failure};
use crate::console::selection::Selection;

const SECONDS: u32 = 5;

pub(in crate::console) async fn get(shared: &Shared) -> Result<Answer, Failure> {
    if let Some(reason) = shared.no_list() {
        return Err(Failure::unsupported(reason));
    }
    let waiting = Selection {
        states: vec![State::Ready, State::Waiting],
        ..Selection::default()
    };
    let found = shared.groups(&waiting.filter(), Grouping::Lane).await?;
    let main = html! {
        h1 { "Lanes" }
        p { "The events of a lane are handled one at a time, in their order." }
        section #lanes data-live aria-label="Lanes with the most events that wait" {
            @if found.groups.is_empty() { p { "No events are waiting." } }
            @else {
                (groups::table("Events that wait, by lane", "Lane", &found, |lane| Some(Selection {
                    lane: Some(lane.to_owned()),
                    ..waiting.clone()
                })))
            }
        }
    };
    let live = Live::Poll { seconds: SECONDS };
    Ok(page(shared, "Lanes", LANES, live, main))
}
