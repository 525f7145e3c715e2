//! The content of a message that names a place.

use lark_events::lenient;
use serde::Deserialize;

/// The content of a `location` message.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct LocationContent {
    /// The name of the place.
    #[serde(deserialize_with = "lenient::field")]
    pub name: Option<String>,
    /// Its longitude, as a decimal number.
    #[serde(deserialize_with = "lenient::field")]
    pub longitude: Option<String>,
    /// Its latitude, as a decimal number.
    #[serde(deserialize_with = "lenient::field")]
    pub latitude: Option<String>,
}
