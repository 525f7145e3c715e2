//! `profile.view.get`: a callback whose name is known, and neither its body nor the reply to it.

use serde::{Deserialize, Serialize};

use crate::event::{EventInfo, EventType};
use crate::json::RawJson;

/// A request for the view of a profile. No source that is known here describes the body, which is kept
/// as it was sent, or the reply, which is whatever JSON the handler returns.
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
    /// The body as it was sent.
    pub RawJson,
);

impl EventType for ProfileViewGet {
    const EVENT_TYPE: &'static str = "profile.view.get";
    const INFO: EventInfo =
        EventInfo::new(Self::EVENT_TYPE).title("The view of a profile is wanted");
    type Reply = RawJson;
}
