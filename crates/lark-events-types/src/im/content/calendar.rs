//! Contents about an event in a calendar, which three message types have.

use lark_events::lenient;
use serde::Deserialize;

/// The content of a `share_calendar_event`, `calendar` or `general_calendar` message.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct CalendarContent {
    /// The title of the calendar event.
    #[serde(deserialize_with = "lenient::field")]
    pub summary: Option<String>,
    /// When it begins. In milliseconds.
    #[serde(deserialize_with = "lenient::field")]
    pub start_time: Option<String>,
    /// When it ends. In milliseconds.
    #[serde(deserialize_with = "lenient::field")]
    pub end_time: Option<String>,
}
