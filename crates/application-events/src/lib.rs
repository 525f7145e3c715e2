//! Typed `application` events of Feishu/Lark, for [`lark_events`]: apps, their versions, installation, purchase and feedback, and bot menus.
//!
//! Every field is an `Option`, because the platform does not document which it always
//! sends, and an odd value costs its own field only (see [`lark_events::lenient`]).
//!
//! ```
//! use application_events::ApplicationEvent;
//! use lark_events::Dispatcher;
//!
//! // One handler for all of them; `on` registers one for a single event.
//! let dispatcher = Dispatcher::builder()
//!     .on_all::<ApplicationEvent>(|event| async move { println!("{}", event.header().event_type) })
//!     .build()?;
//! # Ok::<(), lark_events::BuildError>(())
//! ```
//!
//! [`EVENTS`] lists what the platform documents of each event.

mod generated;

pub use generated::*;
