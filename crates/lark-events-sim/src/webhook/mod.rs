//! The webhook side: checks the URL, encrypts, signs and posts.

mod error;
mod poster;
mod registration;
mod request;
mod target;
mod url;

pub use self::error::{WebhookError, WebhookErrorKind};
pub use self::poster::{PostError, PostErrorKind, Poster, WebhookConnection};
pub(crate) use self::registration::Registration;
pub(crate) use self::request::Parcel;
pub(crate) use self::target::Target;
pub use self::url::{WebhookUrl, WebhookUrlError, WebhookUrlErrorKind};
