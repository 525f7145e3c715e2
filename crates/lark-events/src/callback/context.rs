//! What the callbacks have in common: who acted, and where.

use serde::{Deserialize, Serialize};

use crate::json::lenient;

/// The user whose action triggered a callback.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct CallbackOperator {
    /// The user's tenant.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub tenant_key: Option<String>,
    /// The same for all apps within one tenant. Needs `contact:user.employee_id:readonly`.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// The user as one app knows them.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub open_id: Option<String>,
    /// The same for all apps of one developer.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub union_id: Option<String>,
}

/// Where a callback was triggered.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct CallbackContext {
    /// The link, where a link preview is concerned.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Identifies the link preview.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub preview_token: Option<String>,
    /// The message that holds the card or link.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub open_message_id: Option<String>,
    /// The chat that holds the message.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub open_chat_id: Option<String>,
}

crate::lenient_object!(CallbackOperator, CallbackContext);
