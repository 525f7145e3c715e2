//! The content of the platform's notices: a template and its values.

use std::collections::BTreeMap;

use lark_events::lenient;
use serde::{Deserialize, Serialize};

/// The content of a `system` message.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct SystemContent {
    /// The notice with names of other fields in braces:
    /// `{from_user} invited {to_chatters} to this chat.`
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// For `{from_user}`: the names of the acting users.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub from_user: Option<Vec<String>>,
    /// For `{to_chatters}`: the names of the affected users.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub to_chatters: Option<Vec<String>>,
    /// For `{divider_text}`: the words on a dividing line.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub divider_text: Option<DividerText>,
}

/// The words on a dividing line.
///
/// Part of [`SystemContent`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct DividerText {
    /// The default words.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The words by language, such as `zh_cn`.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub i18n_text: Option<BTreeMap<String, String>>,
}

lark_events::lenient_object!(DividerText);
