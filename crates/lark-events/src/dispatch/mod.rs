//! From a delivery to the handler of its type and back: handlers are registered, a delivery is routed
//! and decoded, and its outcome goes back to the transport.

mod builder;
mod dispatcher;
mod handler;
mod late;
mod manifest;
mod outcome;
mod unhandled;

pub use self::builder::DispatcherBuilder;
pub use self::dispatcher::{DispatchFuture, Dispatcher, UnhandledPolicy};
pub use self::handler::{Handler, HandlerWith, SetHandler};
pub use self::late::LateHandler;
pub use self::manifest::{Manifest, ManifestEntry};
pub use self::outcome::{IntoReply, Outcome, RawReply};
