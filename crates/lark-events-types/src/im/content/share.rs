//! Contents that are the card of a chat or of a user.

use lark_events::lenient;
use serde::{Deserialize, Serialize};

/// The content of a `share_chat` message.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ShareChatContent {
    /// The chat that was shared.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub chat_id: Option<String>,
}

/// The content of a `share_user` message.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ShareUserContent {
    /// The user who was shared: their `open_id`.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
}
