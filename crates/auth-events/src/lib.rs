//! Typed `auth` events of Feishu/Lark, for [`lark_events`]: user access tokens that were revoked.
//!
//! Every field is an `Option`, because the platform does not document which it always
//! sends, and an odd value costs its own field only (see [`lark_events::lenient`]).
//!
//! ```
//! use auth_events::AuthEvent;
//! use lark_events::Dispatcher;
//!
//! // One handler for all of them; `on` registers one for a single event.
//! let dispatcher = Dispatcher::builder()
//!     .on_all::<AuthEvent>(|event| async move { println!("{}", event.header().event_type) })
//!     .build()?;
//! # Ok::<(), lark_events::BuildError>(())
//! ```
//!
//! [`EVENTS`] lists what the platform documents of each event.

mod generated;

pub use generated::*;
