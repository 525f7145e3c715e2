//! The platform-wide callbacks: requests of the platform whose answer somebody is looking at. They
//! must be answered within 3 seconds and are not sent again.

mod card;
#[cfg(feature = "card-v1")]
mod card_v1;
mod context;
mod url_preview;

pub use self::card::{CardAction, CardActionReply, CardActionTrigger, ReplyCard, Toast, ToastKind};
#[cfg(feature = "card-v1")]
pub use self::card_v1::{CardActionTriggerV1, CardV1Reply};
pub use self::context::{CallbackContext, CallbackOperator};
pub use self::url_preview::{InlinePreview, PreviewUrl, UrlPreviewGet, UrlPreviewReply};
