//! The content of a message that asks for votes.

use lark_events::lenient;
use serde::{Deserialize, Serialize};

/// The content of a `vote` message.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct VoteContent {
    /// The topic of the vote.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// The options.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub options: Option<Vec<String>>,
}
