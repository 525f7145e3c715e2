//! The content of a message about a video call.

use lark_events::lenient;
use serde::{Deserialize, Serialize};

/// The content of a `video_chat` message.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct VideoChatContent {
    /// The title of the call.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// The start time, in milliseconds.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub start_time: Option<String>,
    /// The end time, in milliseconds. Undocumented.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub end_time: Option<String>,
    /// The number to join the call. Undocumented.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub meet_number: Option<String>,
}
