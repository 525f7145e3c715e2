//! The control: all that the other cases get wrong, right.

use lark_events::callback::{CardActionReply, CardActionTrigger};
use lark_events::{Dispatcher, Event};

async fn on_card(_: Event<CardActionTrigger>) -> CardActionReply {
    CardActionReply::new()
}

fn main() {
    let _ = Dispatcher::builder().on::<CardActionTrigger>(on_card).build();
}
