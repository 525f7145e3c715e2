//! A fact that the attribute does not have.

use lark_events::EventType;

#[derive(EventType)]
#[event("kitchen.tea.ready_v1", version = "2.0")]
//~ expected `reply` or `schema`
struct TeaReadyV1 {}

fn main() {}
