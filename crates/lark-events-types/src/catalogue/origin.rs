//! Where an event is known from: a page, SDKs, or neither.

use serde::Serialize;

use super::outline::Outline;

/// What is known of an event beyond its facts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Origin {
    /// What the platform's page calls it, most often in Chinese.
    pub title: Option<String>,
    /// The SDKs that its fields are from, each with its version, where they are from no page.
    pub sdks: Vec<String>,
    /// No official source that is known here has it: its name is from other programs.
    pub is_unconfirmed: bool,
}

/// Where an event is known from. `None` for an event that is not in the catalogue.
///
/// ```
/// use lark_events_types::catalogue::origin;
///
/// let message = origin("im.message.receive_v1").unwrap();
/// assert_eq!(message.title.as_deref(), Some("接收消息"));
/// assert!(message.sdks.is_empty(), "its page is known");
///
/// let invited = origin("vc.bot.meeting_invited_v1").unwrap();
/// assert_eq!(invited.sdks, ["@larksuiteoapi/node-sdk 1.74.0", "lark-oapi 1.7.5"]);
/// ```
///
/// # Panics
///
/// Never: a test reads every outline.
#[must_use]
pub fn origin(event_type: &str) -> Option<Origin> {
    let (_, mut outline) = Outline::with(event_type)?;
    let (title, sdks, is_unconfirmed) = outline.origins.remove(event_type)?;
    Some(Origin {
        title,
        sdks,
        is_unconfirmed,
    })
}
