//! A handler that holds something across an await that cannot go to another thread.

use std::rc::Rc;

use lark_events::Dispatcher;
use lark_events::callback::{CardActionReply, CardActionTrigger};

fn main() {
    //~ future cannot be sent between threads safely
    //~ within `{async block
    //~ `Rc<u8>` which is not `Send`
    let _ = Dispatcher::builder().on::<CardActionTrigger>(|_| async move {
        let kept = Rc::new(1);
        std::future::ready(()).await;
        drop::<Rc<u8>>(kept);
        CardActionReply::new()
    }).build();
}
