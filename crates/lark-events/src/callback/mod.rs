//! The platform-wide callbacks: requests whose reply the platform shows to a waiting user. The app must
//! answer within 3 seconds, and the platform never redelivers them.

mod card;
mod context;
#[cfg(feature = "old-card")]
mod old_card;
mod profile_view;
mod url_preview;

pub use self::card::{CardAction, CardActionReply, CardActionTrigger, ReplyCard, Toast, ToastKind};
pub use self::context::{CallbackContext, CallbackOperator};
#[cfg(feature = "old-card")]
pub use self::old_card::{CardActionTriggerV1, OldCardReply};
pub use self::profile_view::ProfileViewGet;
pub use self::url_preview::{InlinePreview, PreviewUrl, UrlPreviewGet, UrlPreviewReply};
