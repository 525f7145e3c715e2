//! The calls that handlers end in.

mod files;
mod messages;
mod people;
mod sending;
mod ticket;

pub use self::files::{FileKind, MAX_DOWNLOAD_BYTES, ResourceKind};
pub use self::people::{BotInfo, Person, User, UserStatus};
pub use self::sending::{Replying, Sending, Sent};
