//! JSON as the platform sends it: kept as text, compared by place, and decoded leniently. Nothing here
//! depends on events.

mod decimal;
pub mod lenient;
mod object;
mod pointer;
mod raw_json;
mod scanner;
mod steps;
mod string;
mod unread;

pub(crate) use self::object::{from_named, from_object};
pub(crate) use self::pointer::Pointer;
pub use self::raw_json::RawJson;
pub(crate) use self::scanner::Scanner;
pub(crate) use self::unread::unread;
