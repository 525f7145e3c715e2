//! Typed `attendance` events of Feishu/Lark, for [`lark_events`]: attendance records.
//!
//! Every field is an `Option`, because the platform does not document which it always
//! sends, and an odd value costs its own field only (see [`lark_events::lenient`]).
//! [`EVENTS`] lists what the platform documents of each event.

mod generated;

pub use generated::*;
