//! A body type that is nobody's event.

use lark_events::{Dispatcher, Event};

#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct Tea {}

async fn on_tea(_: Event<Tea>) {}

fn main() {
    //~ the trait bound `Tea: EventType` is not satisfied
    let _ = Dispatcher::builder().on(on_tea).build();
}
