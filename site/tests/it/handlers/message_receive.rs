//! An event with typed fields.

use lark_events::{BoxError, Dispatcher, Event};
use lark_events_types::im::MessageReceiveV1;

async fn on_message_receive(event: Event<MessageReceiveV1>) -> Result<(), BoxError> {
    println!("{:?}", event.body);
    Ok(())
}

pub(super) fn dispatcher() -> Result<Dispatcher, BoxError> {
    Ok(Dispatcher::builder()
        .on::<MessageReceiveV1>(on_message_receive)
        .build()?)
}
