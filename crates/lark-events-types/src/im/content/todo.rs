//! The content of a message that is a task.

use lark_events::lenient;
use serde::Deserialize;

use super::PostContent;

/// The content of a `todo` message.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct TodoContent {
    /// The id of the task.
    #[serde(deserialize_with = "lenient::field")]
    pub task_id: Option<String>,
    /// The summary of the task.
    #[serde(deserialize_with = "lenient::field")]
    pub summary: Option<PostContent>,
    /// The due time, in milliseconds.
    #[serde(deserialize_with = "lenient::field")]
    pub due_time: Option<String>,
}
