//! Every event of the Feishu/Lark catalogue, as data: for tools that show, check or replay any of
//! them. An app depends on the crates of its domains instead.
//!
//! ```
//! let info = lark_events_types::find("vc.reserve_config.updated_v1").unwrap();
//! assert_eq!(info.scopes, ["vc:room", "vc:room:readonly"]);
//!
//! // A body becomes its type and JSON again, without naming the type.
//! let body = lark_events::RawJson::parse(r#"{"scope_type": "2", "colour": "red"}"#)?;
//! let typed = info.typed(&body)?;
//! assert_eq!(typed.json.as_str(), r#"{"scope_type":2}"#);
//! assert_eq!(typed.unread, ["/colour"]);
//! # Ok::<(), lark_events::DecodeError>(())
//! ```
//!
//! # Features
//!
//! - `outline`: what is in every event, field by field, with descriptions. Off by default.

mod generated;
#[cfg(feature = "outline")]
mod outline;

use lark_events::EventInfo;

pub use self::generated::DOMAINS;
#[cfg(feature = "outline")]
pub use self::outline::{Field, KnownValue, fields};

/// The events of one area of the platform, which share a crate.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Domain {
    /// Such as `vc`.
    pub name: &'static str,
    /// The crate with their types.
    pub crate_name: &'static str,
    /// Where they are in it: `vc_events`.
    pub module: &'static str,
    /// What is documented of each.
    pub events: &'static [EventInfo],
    /// The Rust type of each, in the same order: `ReserveConfigUpdatedV1`.
    pub names: &'static [&'static str],
    #[cfg(feature = "outline")]
    outline: &'static str,
}

/// Every event, by domain.
pub fn events() -> impl Iterator<Item = &'static EventInfo> {
    DOMAINS.iter().flat_map(|domain| domain.events)
}

/// The event of a type such as `vc.reserve_config.updated_v1`.
#[must_use]
pub fn find(event_type: &str) -> Option<&'static EventInfo> {
    events().find(|info| info.event_type == event_type)
}
