//! A local Feishu/Lark platform.

mod attempt;
mod builder;
mod clock;
mod connection;
mod deliver;
mod document;
mod fault;
mod platform;
mod push;
mod random;
mod shared;
mod stats;
mod violation;
mod webhook;

pub use self::attempt::{Answer, Attempt, Missing, Mode};
pub use self::builder::{
    ANSWER_LIMIT, FRAGMENT_BYTES, PlatformBuilder, REDELIVERIES, StartError, StartErrorKind,
};
pub use self::clock::clock;
pub use self::connection::{ClientConfig, MAX_CONNECTIONS, MAX_VIOLATIONS};
pub use self::document::Document;
pub use self::fault::Fault;
pub use self::platform::Platform;
pub use self::push::{CallbackError, Push, PushCallback, Report};
pub use self::stats::Stats;
pub use self::violation::{Violation, ViolationKind};
pub use self::webhook::WebhookError;

/// The largest answer of a webhook that is read.
pub const MAX_ANSWER_BYTES: usize = 4 * 1024 * 1024;
