//! The content of a message about a video call.

use lark_events::lenient;
use serde::Deserialize;

/// The content of a `video_chat` message.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct VideoChatContent {
    /// The title of the call.
    #[serde(deserialize_with = "lenient::field")]
    pub topic: Option<String>,
    /// When it began. In milliseconds.
    #[serde(deserialize_with = "lenient::field")]
    pub start_time: Option<String>,
}
