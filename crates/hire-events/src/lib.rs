//! Typed `hire` events of Feishu/Lark, for [`lark_events`]: applications, talents, offers, referrals, background checks and exams of the recruitment system.
//!
//! Every field is an `Option`, because the platform does not document which it always
//! sends, and an odd value costs its own field only (see [`lark_events::lenient`]).
//!
//! ```
//! use hire_events::HireEvent;
//! use lark_events::Dispatcher;
//!
//! // One handler for all of them; `on` registers one for a single event.
//! let dispatcher = Dispatcher::builder()
//!     .on_all::<HireEvent>(|event| async move { println!("{}", event.header().event_type) })
//!     .build()?;
//! # Ok::<(), lark_events::BuildError>(())
//! ```
//!
//! [`EVENTS`] lists what the platform documents of each event.

mod generated;

pub use generated::*;
