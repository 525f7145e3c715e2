//! Every event of the domains that are on, as data: for tools that show, check or replay any of them.
//! An app does not need it.
//!
//! ```
//! use lark_events_types::catalogue;
//!
//! let known = catalogue::find("vc.reserve_config.updated_v1").unwrap();
//! assert_eq!(known.info.scopes, ["vc:room", "vc:room:readonly"]);
//!
//! // A body becomes its type and JSON again, without naming the type.
//! let body = lark_events::RawJson::parse(r#"{"scope_type": "2", "colour": "red"}"#)?;
//! let typed = known.decode(&body)?;
//! assert_eq!(typed.json.as_str(), r#"{"scope_type":2}"#);
//! assert_eq!(typed.unread, ["/colour"]);
//! # Ok::<(), lark_events::DecodeError>(())
//! ```

mod outline;

use lark_events::event::KnownEvent;

pub use self::outline::{Field, KnownValue, fields};
pub use crate::generated::catalogue::DOMAINS;

/// The events of one area of the platform, which share a module.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Domain {
    /// Such as `vc`.
    pub name: &'static str,
    /// The crate with their types.
    pub crate_name: &'static str,
    /// The path of their module: `vc_events`.
    pub module: &'static str,
    /// What is documented of each.
    pub events: &'static [KnownEvent],
    /// The Rust type of each, in the same order: `ReserveConfigUpdatedV1`.
    pub names: &'static [&'static str],
    /// Where each is known from, in the same order.
    pub origins: &'static [Origin],
    pub(crate) outline: &'static str,
}

/// Where an event is known from: a page, SDKs, or neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Origin {
    /// What the platform's page calls it, most often in Chinese.
    pub title: Option<&'static str>,
    /// The SDKs and other programs that its fields are from, each with its version, where they are from
    /// no page.
    pub sdks: &'static [&'static str],
    /// No official source that is known here has it.
    pub is_unconfirmed: bool,
}

/// Where an event is known from. `None` for an event that is not in the catalogue.
///
/// ```
/// use lark_events_types::catalogue::origin;
///
/// let message = origin("im.message.receive_v1").unwrap();
/// assert_eq!(message.title, Some("接收消息"));
/// assert!(message.sdks.is_empty(), "its fields are those of the page");
///
/// let invited = origin("vc.bot.meeting_invited_v1").unwrap();
/// assert_eq!(invited.sdks, ["@larksuiteoapi/node-sdk 1.74.0", "lark-oapi 1.7.5"]);
/// ```
#[must_use]
pub fn origin(event_type: &str) -> Option<Origin> {
    let mut known = DOMAINS
        .iter()
        .flat_map(|domain| domain.events.iter().zip(domain.origins));
    let (_, origin) = known.find(|(known, _)| known.info.event_type == event_type)?;
    Some(*origin)
}

/// Every event of the domains that are on, by domain.
pub fn events() -> impl Iterator<Item = &'static KnownEvent> {
    DOMAINS.iter().flat_map(|domain| domain.events)
}

/// The event of a type such as `vc.reserve_config.updated_v1`.
#[must_use]
pub fn find(event_type: &str) -> Option<&'static KnownEvent> {
    events().find(|known| known.info.event_type == event_type)
}
