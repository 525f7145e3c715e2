//! `url.preview.get`: a user posted a link of the app, and the platform asks how to show it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::card::ReplyCard;
use super::context::{CallbackContext, CallbackOperator};
use crate::event::{EventInfo, EventType};
use crate::json::lenient;

/// A request for the preview of a link.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct UrlPreviewGet {
    /// The user who posted the link.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub operator: Option<CallbackOperator>,
    /// Where the link is shown, such as `im_message`.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The link, and the message and chat that hold it.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub context: Option<CallbackContext>,
}

crate::lenient_object!(UrlPreviewGet);

impl EventType for UrlPreviewGet {
    const EVENT_TYPE: &'static str = "url.preview.get";
    const INFO: EventInfo = EventInfo::new(Self::EVENT_TYPE)
        .title("The platform requests the preview of a posted link")
        .page("https://open.feishu.cn/document/development-link-preview/callback/pull-link-preview-data-callback-structure")
        .updated("2025-04-17")
        .field_scopes(&["contact:user.employee_id:readonly"])
        .app_types(&["custom", "isv"])
;
    const SAMPLE: Option<&'static str> = Some(include_str!("samples/url.preview.get.json"));
    type Reply = UrlPreviewReply;
}

/// The answer to a [`UrlPreviewGet`]: an inline preview, a card, or both.
///
/// ```
/// use lark_events::callback::{InlinePreview, UrlPreviewReply};
///
/// let reply = UrlPreviewReply::new().inline(InlinePreview::new("Ticket 7").image_key("img_1"));
/// assert_eq!(
///     serde_json::to_string(&reply)?,
///     r#"{"inline":{"title":"Ticket 7","image_key":"img_1"}}"#,
/// );
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[must_use]
pub struct UrlPreviewReply {
    #[serde(skip_serializing_if = "Option::is_none")]
    inline: Option<InlinePreview>,
    #[serde(skip_serializing_if = "Option::is_none")]
    card: Option<ReplyCard>,
}

impl UrlPreviewReply {
    /// Leaves the link as it is.
    pub fn new() -> Self {
        Self::default()
    }

    /// Replaces the link's text with a title.
    pub fn title(title: impl Into<String>) -> Self {
        Self::new().inline(InlinePreview::new(title))
    }

    /// Replaces the link's text.
    pub fn inline(mut self, inline: InlinePreview) -> Self {
        self.inline = Some(inline);
        self
    }

    /// Shows a card below the message.
    pub fn card(mut self, card: impl Into<ReplyCard>) -> Self {
        self.card = Some(card.into());
        self
    }
}

/// The text that replaces the link in the message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[must_use]
pub struct InlinePreview {
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    i18n_title: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<PreviewUrl>,
}

impl InlinePreview {
    /// A preview with this title.
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: Some(title.into()),
            i18n_title: BTreeMap::new(),
            image_key: None,
            url: None,
        }
    }

    /// Adds the title for one language, such as `zh_cn`. Titles by language replace the single title.
    pub fn i18n_title(mut self, language: impl Into<String>, title: impl Into<String>) -> Self {
        self.title = None;
        self.i18n_title.insert(language.into(), title.into());
        self
    }

    /// The icon before the title, given by the key of an uploaded image.
    pub fn image_key(mut self, key: impl Into<String>) -> Self {
        self.image_key = Some(key.into());
        self
    }

    /// Sets where the preview leads, by platform.
    pub fn url(mut self, url: PreviewUrl) -> Self {
        self.url = Some(url);
        self
    }
}

/// Where a preview leads, by platform. A platform without a URL opens the link itself.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
#[must_use]
pub struct PreviewUrl {
    /// The URL that is copied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub copy_url: Option<String>,
    /// On iOS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ios: Option<String>,
    /// On Android.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub android: Option<String>,
    /// In the desktop client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pc: Option<String>,
    /// In the browser.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub web: Option<String>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_field_of_the_reply_can_be_written() {
        let url = PreviewUrl {
            copy_url: Some("c".to_owned()),
            ios: Some("i".to_owned()),
            android: Some("a".to_owned()),
            pc: Some("p".to_owned()),
            web: Some("w".to_owned()),
        };
        let inline = InlinePreview::new("t").i18n_title("zh_cn", "题").url(url);
        let reply = UrlPreviewReply::new()
            .inline(inline)
            .card(ReplyCard::template("id"));
        assert_eq!(
            serde_json::to_value(reply).unwrap(),
            json!({
                "inline": {
                    "i18n_title": {"zh_cn": "题"},
                    "url": {"copy_url": "c", "ios": "i", "android": "a", "pc": "p", "web": "w"},
                },
                "card": {"type": "template", "data": {"template_id": "id"}},
            })
        );
        let card_alone = UrlPreviewReply::new().card(ReplyCard::raw(json!({})));
        assert_eq!(
            serde_json::to_value(card_alone).unwrap(),
            json!({"card": {"type": "raw", "data": {}}})
        );
        assert_eq!(
            serde_json::to_value(UrlPreviewReply::title("t")).unwrap(),
            json!({"inline": {"title": "t"}})
        );
    }
}
