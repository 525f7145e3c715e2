//! A callback handled without its reply.

use lark_events::Dispatcher;
use lark_events::callback::CardActionTrigger;

fn main() {
    //~ a handler of this event must return `CardActionReply` or `Result<CardActionReply, E>`, not `()`
    //~ callbacks such as `card.action.trigger` need their reply; notifications return `()`
    let _ = Dispatcher::builder().on::<CardActionTrigger>(|event| async move {
        println!("{:?}", event.body.action);
    }).build();
}
