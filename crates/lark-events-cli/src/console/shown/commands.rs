//! A delivery as commands for a shell, without secrets.

use lark_events_sim::Sent;
use serde::Serialize;

use super::Content;
use crate::console::web::masked::{Masked, Masks};
use crate::payload::sealed_text;
use crate::serve::copied::Pushed;
use crate::serve::history::Delivery;

#[derive(Debug, Serialize)]
pub(crate) struct CommandsShown {
    /// Whether there is none because it would contain a secret: masked, it would push something else.
    pub(crate) withheld: bool,
    /// `lark-events push`.
    pub(crate) push: Option<Masked>,
    pub(crate) curl: Option<Masked>,
}

impl CommandsShown {
    /// The token of the document comes from the environment. Any other secret makes a command wrong.
    pub(crate) fn new(delivery: &Delivery, masks: &Masks) -> Self {
        let sent = delivery
            .attempts
            .iter()
            .rev()
            .find_map(|attempt| match &attempt.sent {
                Some(Sent::Request { url, body, .. }) => Some((url.as_str(), body)),
                _ => None,
            });
        let encrypted = sent
            .as_ref()
            .filter(|(_, body)| sealed_text(body).is_some());
        let encrypted = encrypted.and_then(|(_, body)| std::str::from_utf8(body).ok());
        let url = sent.as_ref().map(|(url, _)| *url);
        let document = Content::document(&delivery.document, &Masks::default());
        // Here, since a shell quotes characters of secrets.
        let has_secret = document.text() != Content::document(&delivery.document, masks).text()
            || [
                delivery.event_type.as_str(),
                &delivery.event_id,
                url.unwrap_or_default(),
            ]
            .iter()
            .any(|text| masks.text(text).as_str() != *text);
        if has_secret {
            return Self::withheld();
        }
        let pushed = Pushed {
            event_type: &delivery.event_type,
            event_id: &delivery.event_id,
            document: document.text(),
            url,
            encrypted,
        };
        let commands = pushed.commands();
        let masked = |command: &Option<String>| command.as_deref().map(|text| masks.text(text));
        let shown = Self {
            withheld: false,
            push: masked(&commands.push),
            curl: masked(&commands.curl),
        };
        let text = |command: &Option<Masked>| command.as_ref().map(ToString::to_string);
        let is_whole = text(&shown.push) == commands.push && text(&shown.curl) == commands.curl;
        if is_whole { shown } else { Self::withheld() }
    }

    fn withheld() -> Self {
        Self {
            withheld: true,
            push: None,
            curl: None,
        }
    }
}
