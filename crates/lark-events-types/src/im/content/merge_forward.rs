//! The content of messages forwarded as one, which says only that they are such.

use lark_events::lenient;
use serde::{Deserialize, Serialize};

use super::decode::decode;

/// What such a message always says. The documentation has it in an object, events have it bare.
const BARE: &str = "Merged and Forwarded Message";

/// The content of a `merge_forward` message. The messages in it are had by asking the platform for
/// the message by its id.
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

    /// Whether it is this bare text.
    pub(super) fn is(&self, content: &str) -> bool {
        self.content.as_deref() == Some(content)
    }
}
