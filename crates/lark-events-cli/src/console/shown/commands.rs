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
    /// `lark-events push`.
    pub(crate) push: Option<Masked>,
    pub(crate) curl: Option<Masked>,
}

impl CommandsShown {
    /// `document` is the plain document without secrets: a shell quotes characters of them otherwise.
    pub(crate) fn new(delivery: &Delivery, document: &Content, masks: &Masks) -> Self {
        let sent = delivery
            .attempts
            .iter()
            .rev()
            .find_map(|attempt| match &attempt.sent {
                Some(Sent::Request { url, body, .. }) => Some((masks.text(url), body)),
                _ => None,
            });
        let encrypted = sent
            .as_ref()
            .filter(|(_, body)| sealed_text(body).is_some());
        let encrypted = encrypted.and_then(|(_, body)| std::str::from_utf8(body).ok());
        let (event_type, event_id) = (
            masks.text(&delivery.event_type),
            masks.text(&delivery.event_id),
        );
        let pushed = Pushed {
            event_type: event_type.as_str(),
            event_id: event_id.as_str(),
            document: document.text(),
            url: sent.as_ref().map(|(url, _)| url.as_str()),
            encrypted,
        };
        let commands = pushed.commands();
        let masked = |command: Option<String>| command.map(|command| masks.text(&command));
        Self {
            push: masked(commands.push),
            curl: masked(commands.curl),
        }
    }
}
