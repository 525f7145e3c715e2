//! A callback that is answered with a toast.

use lark_events::callback::{CardActionReply, CardActionTrigger, Toast};
use lark_events::{BoxError, Dispatcher, Event};

async fn on_card_action_trigger(
    event: Event<CardActionTrigger>,
) -> Result<CardActionReply, BoxError> {
    println!("{:?}", event.body);
    Ok(CardActionReply::new().toast(Toast::success("done")))
}

pub(super) fn dispatcher() -> Result<Dispatcher, BoxError> {
    Ok(Dispatcher::builder()
        .on::<CardActionTrigger>(on_card_action_trigger)
        .build()?)
}
