//! A derive that does not say which event it is.

use lark_events::EventType;

#[derive(EventType)]
//~ add the event type, as in #[event("kitchen.tea.ready_v1")]
struct TeaReadyV1 {}

fn main() {}
