//! Typed `task` events of Feishu/Lark, for [`lark_events`]: tasks and comments on them.
//!
//! Every field is an `Option`, because the platform does not document which it always
//! sends, and an odd value costs its own field only (see [`lark_events::lenient`]).
//!
//! ```
//! use task_events::TaskEvent;
//! use lark_events::Dispatcher;
//!
//! // One handler for all of them; `on` registers one for a single event.
//! let dispatcher = Dispatcher::builder()
//!     .on_all::<TaskEvent>(|event| async move { println!("{}", event.header().event_type) })
//!     .build()?;
//! # Ok::<(), lark_events::BuildError>(())
//! ```
//!
//! [`EVENTS`] lists what the platform documents of each event.

mod generated;

pub use generated::*;
