//! A handler that takes a state, which the builder is not given.

use std::sync::Arc;

use lark_events::callback::{CardActionReply, CardActionTrigger};
use lark_events::{Dispatcher, Event};

struct App;

impl App {
    async fn on_card(self: Arc<Self>, _: Event<CardActionTrigger>) -> CardActionReply {
        CardActionReply::new()
    }
}

fn main() {
    //~ no method named `build` found for struct `DispatcherBuilder<Arc<App>>`
    //~ the method was found for
    let _ = Dispatcher::builder().on_with(App::on_card).build();
}
