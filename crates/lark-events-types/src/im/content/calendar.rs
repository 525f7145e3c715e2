//! Contents about an event in a calendar, which three message types have.

use lark_events::lenient;
use serde::{Deserialize, Serialize};

/// The content of a `share_calendar_event`, `calendar` or `general_calendar` message.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct CalendarContent {
    /// The title of the calendar event.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// When it begins. In milliseconds.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub start_time: Option<String>,
    /// When it ends. In milliseconds.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub end_time: Option<String>,
}
