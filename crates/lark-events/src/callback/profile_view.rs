//! `profile.view.get`: a callback that has a known name, but no documented body or reply.

use serde::{Deserialize, Serialize};

use crate::event::{EventInfo, EventType};
use crate::json::RawJson;

/// A request for the view of a profile. No source describes the body or the reply: the body is kept as
/// received, and the handler may return any JSON.
///
/// ```
/// use lark_events::callback::ProfileViewGet;
/// use lark_events::{Dispatcher, Event, RawJson};
///
/// async fn on_view(event: Event<ProfileViewGet>) -> Result<RawJson, lark_events::DecodeError> {
///     println!("{}", event.body.0.as_str());
///     RawJson::parse("{}")
/// }
///
/// Dispatcher::builder().on::<ProfileViewGet>(on_view).build()?;
/// # Ok::<(), lark_events::error::BuildError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProfileViewGet(
    /// The body as received.
    pub RawJson,
);

impl EventType for ProfileViewGet {
    const EVENT_TYPE: &'static str = "profile.view.get";
    const INFO: EventInfo =
        EventInfo::new(Self::EVENT_TYPE).title("The platform requests the view of a profile");
    type Reply = RawJson;
}
