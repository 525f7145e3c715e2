//! The content of a message that names a place.

use lark_events::lenient;
use serde::{Deserialize, Serialize};

/// The content of a `location` message.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct LocationContent {
    /// The name of the place.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its longitude, as a decimal number.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub longitude: Option<String>,
    /// Its latitude, as a decimal number.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub latitude: Option<String>,
}
