//! An event to push, as it is typed: `im.message.receive_v1 message.chat_id=oc_1`.

use std::time::UNIX_EPOCH;

use lark_events::{Delivery, Transport};
use lark_events_sim::{Document, Platform};

use crate::document::set::Set;
use crate::document::template::{Form, Template};

/// A new event each time that it is pushed.
#[derive(Debug, Clone)]
pub(crate) struct Pushable {
    pub(crate) event_type: String,
    pub(crate) document: Document,
    /// A callback is delivered once: its user waits for the reply.
    pub(crate) is_callback: bool,
}

impl Pushable {
    /// The event type, and values for its body.
    pub(crate) fn parse(words: &[&str]) -> Result<Self, String> {
        let (event_type, sets) = words.split_first().ok_or("expected an event type")?;
        let mut template = Template::sample(event_type)?;
        for set in sets {
            let set: Set = set.parse().map_err(|error| format!("{set} {error}"))?;
            template = template.set(&set).map_err(|error| error.to_string())?;
        }
        Ok(template.into())
    }
}

impl From<Template> for Pushable {
    fn from(template: Template) -> Self {
        let (document, is_card) = match template.form {
            Form::Document(document) => (document, false),
            // Pushed unchanged.
            Form::Card(body) => (body.into_bytes().into(), true),
        };
        let json = Platform::builder().request(document.clone()).into_body();
        let delivery = Delivery::parse_unauthenticated(json, Transport::Local, UNIX_EPOCH);
        let is_callback = delivery.is_ok_and(|delivery| delivery.is_callback());
        Self {
            document,
            event_type: template.event_type,
            is_callback: is_callback || is_card,
        }
    }
}
