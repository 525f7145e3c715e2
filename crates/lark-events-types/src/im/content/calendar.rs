//! The content of the three message types about calendar events.

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
    /// The start time, in milliseconds.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub start_time: Option<String>,
    /// The end time, in milliseconds.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub end_time: Option<String>,
}
