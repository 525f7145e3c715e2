//! An event whose body is kept as received.

use lark_events::{BoxError, Dispatcher, Event};
use lark_events_types::im::MessageBotMutedV1;

async fn on_message_bot_muted(event: Event<MessageBotMutedV1>) -> Result<(), BoxError> {
    println!("{:?}", event.body);
    Ok(())
}

pub(super) fn dispatcher() -> Result<Dispatcher, BoxError> {
    Ok(Dispatcher::builder()
        .on::<MessageBotMutedV1>(on_message_bot_muted)
        .build()?)
}
