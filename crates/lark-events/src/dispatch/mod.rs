//! Registering handlers, routing and decoding deliveries, and returning outcomes to the transport.

mod builder;
mod dispatcher;
mod handler;
mod late;
mod manifest;
mod outcome;
mod registered;
mod unhandled;
mod verdict;

pub use self::builder::{DispatcherBuilder, HasState, NoState};
pub use self::dispatcher::{DispatchFuture, Dispatcher, UnhandledPolicy};
pub use self::handler::{Handler, HandlerWith, SetHandler, SetHandlerWith};
pub use self::late::LateHandler;
pub use self::manifest::{Manifest, ManifestEntry};
pub use self::outcome::{IntoReply, Outcome, RawReply};
pub use self::verdict::{Reject, RetryAfter, Verdict};
