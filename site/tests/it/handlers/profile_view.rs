//! A callback whose answer is any JSON.

use lark_events::callback::ProfileViewGet;
use lark_events::{BoxError, Dispatcher, Event, RawJson};

async fn on_profile_view_get(event: Event<ProfileViewGet>) -> Result<RawJson, BoxError> {
    println!("{:?}", event.body);
    Ok(RawJson::parse("{}")?)
}

pub(super) fn dispatcher() -> Result<Dispatcher, BoxError> {
    Ok(Dispatcher::builder()
        .on::<ProfileViewGet>(on_profile_view_get)
        .build()?)
}
