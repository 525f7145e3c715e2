//! The old card callback.

use lark_events::callback::{CardActionTriggerV1, OldCardReply, Toast};
use lark_events::{BoxError, Dispatcher, Event};

async fn on_card_action_trigger(
    event: Event<CardActionTriggerV1>,
) -> Result<OldCardReply, BoxError> {
    println!("{:?}", event.body);
    Ok(OldCardReply::new().toast(Toast::success("done")))
}

pub(super) fn dispatcher() -> Result<Dispatcher, BoxError> {
    Ok(Dispatcher::builder()
        .on::<CardActionTriggerV1>(on_card_action_trigger)
        .build()?)
}
