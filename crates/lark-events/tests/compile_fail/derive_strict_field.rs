//! A struct in a body that is not lenient itself.

use lark_events::EventType;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Cup {}

#[derive(Serialize, EventType)]
#[event("kitchen.tea.ready_v1")]
struct TeaReadyV1 {
    cup: Option<Cup>,
    //~ derive `Lenient`
}

fn main() {}
