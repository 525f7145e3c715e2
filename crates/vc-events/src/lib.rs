//! Typed `vc` events of Feishu/Lark, for [`lark_events`]: video conferences, meeting rooms and
//! reservations.
//!
//! Every field is an `Option`, because the platform does not document which it always sends, and
//! an odd value costs its own field only (see [`lark_events::lenient`]).
//!
//! ```
//! use lark_events::{Dispatcher, Event};
//! use vc_events::ReserveConfigUpdatedV1;
//!
//! async fn on_updated(event: Event<ReserveConfigUpdatedV1>) {
//!     println!("{:?} changed {:?}", event.header.tenant_key, event.body.scope_id);
//! }
//!
//! let dispatcher = Dispatcher::builder()
//!     .on::<ReserveConfigUpdatedV1>(on_updated)
//!     .build()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The bodies are generated from `specs/vc`; [`EVENTS`] lists what the platform documents of each.

mod generated;
mod meeting_user_id;
mod reserve_config;

pub use self::meeting_user_id::MeetingUserId;
pub use generated::*;

/// The README's example is a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
