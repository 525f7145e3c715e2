//! Typed `acs` events of Feishu/Lark, for [`lark_events`]: smart access control, its records and what it recognises users by.
//!
//! Every field is an `Option`, because the platform does not document which it always
//! sends, and an odd value costs its own field only (see [`lark_events::lenient`]).
//! [`EVENTS`] lists what the platform documents of each event.

mod generated;

pub use generated::*;
