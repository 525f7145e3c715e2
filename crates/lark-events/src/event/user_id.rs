//! The identities of a user, which nearly every event carries.

use serde::{Deserialize, Serialize};

use crate::json::lenient;

/// The three ids of one user.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct UserId {
    /// The same for all apps of one developer.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub union_id: Option<String>,
    /// The same for all apps within one tenant. Sent only to custom apps that have the permission
    /// `contact:user.employee_id:readonly`.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// The user's id within one app.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub open_id: Option<String>,
}

crate::lenient_object!(UserId);
