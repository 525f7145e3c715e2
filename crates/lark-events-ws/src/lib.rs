//! The long connection of Feishu/Lark: events over a WebSocket that the app opens, without a public
//! address.
//!
//! So far this crate has the connection's [`frame`]s, which `lark-events-sim` serves.

pub mod frame;
