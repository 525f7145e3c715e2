//! The content of a red packet, of which the platform tells little.

use lark_events::lenient;
use serde::{Deserialize, Serialize};

/// The content of a `hongbao` message.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct HongbaoContent {
    /// What a chat shows in its place, such as `[红包]`.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}
