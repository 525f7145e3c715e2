//! The state of the platform as it is shown, by pages and as JSON alike. Secrets are masked here and nowhere
//! else: text from elsewhere is [`Masked`](super::web::masked::Masked).

mod attempt;
mod call;
mod commands;
mod connection;
mod content;
mod credential;
mod delivery;
mod fault;
mod moment;
mod reply;
mod row;
mod status;

pub(crate) use self::attempt::{AttemptShown, Header, SentShown};
pub(crate) use self::call::CallShown;
pub(crate) use self::commands::CommandsShown;
pub(crate) use self::connection::{ConnectionShown, ConnectionsShown};
pub(crate) use self::content::Content;
pub(crate) use self::delivery::DeliveryShown;
pub(crate) use self::fault::{FaultShown, faults};
pub(crate) use self::moment::Moment;
pub(crate) use self::reply::{CardShown, PreviewShown, ReplyShown, ToastShown};
pub(crate) use self::row::RowShown;
pub(crate) use self::status::{Status, WebhookShown};
