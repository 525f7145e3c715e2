//! Every event of the enabled domains as data, for tools that show, check or replay any of them. An app
//! does not need it.
//!
//! ```
//! use lark_events_types::catalogue;
//!
//! let known = catalogue::find("vc.reserve_config.updated_v1").unwrap();
//! assert_eq!(known.info.scopes, ["vc:room", "vc:room:readonly"]);
//!
//! // Decodes a body into its type and serialises it again, without naming the type.
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
    /// The name of the domain, such as `vc`.
    pub name: &'static str,
    /// The crate with the types of the events.
    pub crate_name: &'static str,
    /// The path of the module, such as `vc_events`.
    pub module: &'static str,
    /// The documented facts of each event.
    pub events: &'static [KnownEvent],
    /// The Rust type of each event, in the same order, such as `ReserveConfigUpdatedV1`.
    pub names: &'static [&'static str],
    /// The source of each event, in the same order.
    pub origins: &'static [Origin],
    pub(crate) outline: &'static str,
}

/// The source of an event: a page, SDKs, or neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Origin {
    /// The title of the platform's page, most often in Chinese. For an event without such a page, a title of this
    /// project, in Chinese.
    pub title: Option<&'static str>,
    /// The SDKs and other programs that the fields come from, each with its version; empty if they come
    /// from a page.
    pub sdks: &'static [&'static str],
    /// Whether no official source has the event.
    pub is_unconfirmed: bool,
}

/// The source of an event. `None` for an event that is not in the catalogue.
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

/// Every event of the enabled domains, by domain.
pub fn events() -> impl Iterator<Item = &'static KnownEvent> {
    DOMAINS.iter().flat_map(|domain| domain.events)
}

/// The event with the given event type, such as `vc.reserve_config.updated_v1`.
#[must_use]
pub fn find(event_type: &str) -> Option<&'static KnownEvent> {
    events().find(|known| known.info.event_type == event_type)
}
