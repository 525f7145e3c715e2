//! Contents that are a file: its key, and the facts that are known without downloading it.
//!
//! To download the bytes, use the id of the message and the key.

use lark_events::lenient;
use serde::{Deserialize, Serialize};

/// The content of an `image` message.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ImageContent {
    /// The key of the picture.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub image_key: Option<String>,
}

/// The content of a `file` or `folder` message.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct FileContent {
    /// The key of the file or folder.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub file_key: Option<String>,
    /// The name of the file or folder.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub file_name: Option<String>,
}

/// The content of an `audio` message.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct AudioContent {
    /// The key of the recording.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub file_key: Option<String>,
    /// The duration, in milliseconds.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub duration: Option<i64>,
}

/// The content of a `media` message: a video.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct MediaContent {
    /// The key of the video.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub file_key: Option<String>,
    /// The key of its cover picture.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub image_key: Option<String>,
    /// The name of the file.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub file_name: Option<String>,
    /// The duration, in milliseconds.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub duration: Option<i64>,
}

/// The content of a `sticker` message.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct StickerContent {
    /// The key of the sticker, which can be used to send it, but not to download it.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub file_key: Option<String>,
}
