//! The content of messages forwarded as one, which has no details.

use lark_events::lenient;
use serde::{Deserialize, Serialize};

use super::decode::decode;

/// The fixed text of such a message. The documentation has it in an object; events have it without one.
const BARE: &str = "Merged and Forwarded Message";

/// The content of a `merge_forward` message. To get the forwarded messages, request the message by its
/// id from the API.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct MergeForwardContent {
    /// Always `Merged and Forwarded Message`.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
}

impl MergeForwardContent {
    pub(super) fn parse(content: &str) -> Option<Self> {
        if content == BARE {
            let content = Some(BARE.to_owned());
            return Some(Self { content });
        }
        decode(content)
    }

    /// Whether `content` is the fixed text alone.
    pub(super) fn is(&self, content: &str) -> bool {
        self.content.as_deref() == Some(content)
    }
}
