//! An event of a crate of its own.

use lark_events::{BoxError, Dispatcher, Event};
use vc_events::MeetingStartedV1;

async fn on_meeting_started(event: Event<MeetingStartedV1>) -> Result<(), BoxError> {
    println!("{:?}", event.body);
    Ok(())
}

pub(super) fn dispatcher() -> Result<Dispatcher, BoxError> {
    Ok(Dispatcher::builder()
        .on::<MeetingStartedV1>(on_meeting_started)
        .build()?)
}
