//! The content of a red packet, of which the platform tells little.

use lark_events::lenient;
use serde::Deserialize;

/// The content of a `hongbao` message.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct HongbaoContent {
    /// What a chat shows in its place, such as `[红包]`.
    #[serde(deserialize_with = "lenient::field")]
    pub text: Option<String>,
}
