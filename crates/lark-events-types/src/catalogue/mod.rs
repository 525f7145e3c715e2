//! Every event of the domains that are on, as data: for tools that show, check or replay any of them.
//! An app does not need it.
//!
//! ```
//! use lark_events_types::catalogue;
//!
//! let info = catalogue::find("vc.reserve_config.updated_v1").unwrap();
//! assert_eq!(info.scopes, ["vc:room", "vc:room:readonly"]);
//!
//! // A body becomes its type and JSON again, without naming the type.
//! let body = lark_events::RawJson::parse(r#"{"scope_type": "2", "colour": "red"}"#)?;
//! let typed = info.typed(&body)?;
//! assert_eq!(typed.json.as_str(), r#"{"scope_type":2}"#);
//! assert_eq!(typed.unread, ["/colour"]);
//! # Ok::<(), lark_events::DecodeError>(())
//! ```

mod origin;
mod outline;

use lark_events::EventInfo;

pub use self::origin::{Origin, origin};
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
    pub events: &'static [EventInfo],
    /// The Rust type of each, in the same order: `ReserveConfigUpdatedV1`.
    pub names: &'static [&'static str],
    pub(crate) outline: &'static str,
}

/// Every event of the domains that are on, by domain.
pub fn events() -> impl Iterator<Item = &'static EventInfo> {
    DOMAINS.iter().flat_map(|domain| domain.events)
}

/// The event of a type such as `vc.reserve_config.updated_v1`.
#[must_use]
pub fn find(event_type: &str) -> Option<&'static EventInfo> {
    events().find(|info| info.event_type == event_type)
}
