//! The content of a red packet, for which the platform sends few details.

use lark_events::lenient;
use serde::{Deserialize, Serialize};

/// The content of a `hongbao` message.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct HongbaoContent {
    /// The text that a chat shows instead, such as `[红包]`.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}
