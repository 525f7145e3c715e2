//! The envelope of a recorded or forwarded event, in which the token and the app are set. Everything else stays as
//! the platform sent it, so that the event is the same one.

use bytes::Bytes;
use lark_events::RawJson;

use super::members::Members;

/// A document with the envelope of an event or callback.
#[derive(Debug)]
pub(crate) struct Envelope {
    members: Members,
    /// Version 1 has the token beside the event, and the app in it.
    is_old: bool,
}

impl Envelope {
    /// Reads a document; `None` if it has no envelope, like the callback of an old card.
    pub(crate) fn parse(document: &str) -> Option<Self> {
        let members = Members::parse(document)?;
        let header = members.get("header");
        let header = header.and_then(|header| Members::parse(header.as_str()));
        let event_type = header.as_ref().and_then(|header| header.get("event_type"));
        let is_old = match event_type.and_then(text) {
            Some(_) => false,
            None if members.get("type").and_then(text)? == "event_callback" => true,
            None => return None,
        };
        Some(Self { members, is_old })
    }

    /// Sets the Verification Token.
    pub(crate) fn set_token(&mut self, token: &str) {
        let token = json(token);
        match self.is_old {
            true => self.members.set("token", token),
            false => self
                .members
                .change("header", |header| header.set("token", token)),
        }
    }

    /// Removes the Verification Token.
    pub(crate) fn remove_token(&mut self) {
        self.members
            .change("header", |header| header.remove(&["token"]));
        if self.is_old {
            self.members.remove(&["token"]);
        }
    }

    /// Sets the id of the app that receives it.
    pub(crate) fn set_app_id(&mut self, id: &str) {
        let place = if self.is_old { "event" } else { "header" };
        self.members
            .change(place, |members| members.set("app_id", json(id)));
    }

    pub(crate) fn json(&self) -> RawJson {
        self.members.json()
    }

    /// The text of the document.
    pub(crate) fn into_bytes(self) -> Bytes {
        self.json().into_bytes()
    }
}

fn text(value: &RawJson) -> Option<String> {
    value.decode().ok()
}

fn json(text: &str) -> RawJson {
    RawJson::encode(&text).expect("strings can be written")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_and_the_app_are_set_and_nothing_else_changes() {
        for (before, after, without) in [
            (
                r#"{"schema":"2.0","x":1e400,"header":{"token":"a","event_id":"e","event_type":"t"},"event":{"b":1,"a":2}}"#,
                r#"{"schema":"2.0","x":1e400,"header":{"token":"b","event_id":"e","event_type":"t","app_id":"cli"},"event":{"b":1,"a":2}}"#,
                r#"{"schema":"2.0","x":1e400,"header":{"event_id":"e","event_type":"t","app_id":"cli"},"event":{"b":1,"a":2}}"#,
            ),
            (
                r#"{"uuid":"e","type":"event_callback","event":{"type":"t","token":"of the event"}}"#,
                r#"{"uuid":"e","type":"event_callback","event":{"type":"t","token":"of the event","app_id":"cli"},"token":"b"}"#,
                r#"{"uuid":"e","type":"event_callback","event":{"type":"t","token":"of the event","app_id":"cli"}}"#,
            ),
        ] {
            let mut envelope = Envelope::parse(before).unwrap();
            envelope.set_token("b");
            envelope.set_app_id("cli");
            assert_eq!(envelope.json().as_str(), after);
            envelope.remove_token();
            assert_eq!(envelope.json().as_str(), without);
        }
        for none in [
            "",
            "[]",
            "{}",
            r#"{"header":{}}"#,
            r#"{"type":"url_verification"}"#,
        ] {
            assert!(Envelope::parse(none).is_none(), "{none}");
        }
    }
}
