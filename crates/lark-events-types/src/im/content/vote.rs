//! The content of a message that asks for votes.

use lark_events::lenient;
use serde::Deserialize;

/// The content of a `vote` message.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct VoteContent {
    /// What is voted on.
    #[serde(deserialize_with = "lenient::field")]
    pub topic: Option<String>,
    /// What can be voted for.
    #[serde(deserialize_with = "lenient::field")]
    pub options: Option<Vec<String>>,
}
