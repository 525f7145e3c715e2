//! Which delivery a call of the API belongs to: the latest one whose event the call names.

use std::collections::VecDeque;

use lark_events::event::duplicate_key;
use lark_events_sim::ApiCall;
use serde_json::Value;

/// The deliveries that calls are compared with: an app answers an event soon, if at all.
const MAX_DELIVERIES: usize = 200;
/// The shortest id that a call is searched for; a shorter one would occur by chance.
const MIN_ID_BYTES: usize = 4;

/// The ids by which calls name the events of the last deliveries.
#[derive(Default)]
pub(super) struct Links {
    /// The number and the ids of each delivery, oldest first.
    deliveries: VecDeque<(usize, Vec<String>)>,
}

impl Links {
    /// Adds a delivery, by its number and its plain document.
    pub(super) fn pushed(&mut self, number: usize, document: &[u8]) {
        let ids = ids(document);
        if ids.is_empty() {
            return;
        }
        if self.deliveries.len() >= MAX_DELIVERIES {
            self.deliveries.pop_front();
        }
        self.deliveries.push_back((number, ids));
    }

    /// The latest delivery with an id in the path or the body of a call.
    pub(super) fn delivery_of(&self, call: &ApiCall) -> Option<usize> {
        // The body of a call for a token has no id of an event.
        if call.is_for_token() {
            return None;
        }
        self.named_in(&call.path, &String::from_utf8_lossy(&call.body))
    }

    fn named_in(&self, path: &str, body: &str) -> Option<usize> {
        let mut latest_first = self.deliveries.iter().rev();
        let found = latest_first.find(|(_, ids)| {
            let mut ids = ids.iter();
            ids.any(|id| contains(path, id) || contains(body, id))
        });
        found.map(|(number, _)| *number)
    }
}

/// The id of the event, the key of its duplicates, and the token and the message of a card callback.
fn ids(document: &[u8]) -> Vec<String> {
    let Ok(document) = serde_json::from_slice::<Value>(document) else {
        return Vec::new();
    };
    let (header, event) = (&document["header"], &document["event"]);
    let event_type = [&header["event_type"], &event["type"]];
    let event_type = event_type.iter().find_map(|name| name.as_str());
    let key = event_type.and_then(duplicate_key);
    let mut values = vec![&header["event_id"], &document["uuid"]];
    values.extend(key.and_then(|pointer| event.pointer(pointer)));
    if event_type == Some("card.action.trigger") {
        values.extend([&event["token"], &event["context"]["open_message_id"]]);
    } else if document["action"].is_object() {
        // The callback of an old card.
        values.extend([&document["token"], &document["open_message_id"]]);
    }
    let ids = values.into_iter().filter_map(|value| match value {
        Value::String(id) => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    });
    let mut ids: Vec<_> = ids.filter(|id| id.len() >= MIN_ID_BYTES).collect();
    ids.dedup();
    ids
}

/// Whether a text contains an id, and not as a part of a longer one.
fn contains(text: &str, id: &str) -> bool {
    let is_of_an_id = |char: char| char.is_alphanumeric() || matches!(char, '_' | '-');
    text.match_indices(id).any(|(at, _)| {
        let before = text.get(..at).and_then(|text| text.chars().next_back());
        let after = text.get(at + id.len()..);
        let after = after.and_then(|text| text.chars().next());
        !before.is_some_and(is_of_an_id) && !after.is_some_and(is_of_an_id)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn links(documents: &[Value]) -> Links {
        let mut links = Links::default();
        for (number, document) in (1..).zip(documents) {
            links.pushed(number, document.to_string().as_bytes());
        }
        links
    }

    fn message(event_id: &str, message_id: &str) -> Value {
        json!({
            "schema": "2.0",
            "header": {"event_id": event_id, "event_type": "im.message.receive_v1", "token": "v-token"},
            "event": {"message": {"message_id": message_id, "chat_id": "oc_1"}},
        })
    }

    #[test]
    fn a_call_belongs_to_the_delivery_whose_event_it_names() {
        let old_event = json!({
            "uuid": "uuid-1", "token": "v-token", "type": "event_callback",
            "event": {"type": "message_read"},
        });
        let card = json!({
            "header": {"event_id": "card-1", "event_type": "card.action.trigger", "token": "v-token"},
            "event": {"token": "c-token", "context": {"open_message_id": "om_card"}},
        });
        let old_card = json!({
            "open_message_id": "om_old", "token": "c-old", "action": {"value": {}},
        });
        let links = links(&[
            message("event-1", "om_1"),
            message("event-2", "om_2"),
            old_event,
            card,
            old_card,
        ]);
        for (path, body, delivery) in [
            ("/open-apis/im/v1/messages/om_1/reply", "{}", Some(1)),
            ("/open-apis/im/v1/messages/om_2/reactions", "", Some(2)),
            ("/open-apis/im/v1/messages/om_2?a=b", "", Some(2)),
            ("/a", r#"{"uuid": "event-2"}"#, Some(2)),
            ("/a", r#"{"content": "{\"of\": \"uuid-1\"}"}"#, Some(3)),
            ("/card/v1/update", r#"{"token": "c-token"}"#, Some(4)),
            ("/open-apis/im/v1/messages/om_card", "{}", Some(4)),
            ("/card/v1/update", r#"{"token": "c-old"}"#, Some(5)),
            // Longer ids, and what is not of the event.
            ("/open-apis/im/v1/messages/om_11/reply", "{}", None),
            ("/open-apis/im/v1/messages/x-om_1/reply", "{}", None),
            ("/a", r#"{"receive_id": "oc_1"}"#, None),
            ("/a", r#"{"token": "v-token"}"#, None),
        ] {
            assert_eq!(links.named_in(path, body), delivery, "{path} {body}");
        }
    }

    #[test]
    fn the_latest_delivery_of_an_event_is_the_one() {
        let links = links(&[
            message("event-1", "om_1"),
            message("event-1", "om_1"),
            message("event-2", "om_2"),
        ]);
        assert_eq!(links.named_in("/messages/om_1/reply", ""), Some(2));
    }

    #[test]
    fn only_the_last_deliveries_are_searched() {
        let documents: Vec<_> = (1..=MAX_DELIVERIES + 1)
            .map(|number| message(&format!("event-{number}"), "om_0"))
            .collect();
        let links = links(&documents);
        assert_eq!(links.deliveries.len(), MAX_DELIVERIES);
        assert_eq!(links.named_in("/event-1", ""), None);
        assert_eq!(links.named_in("/event-2", ""), Some(2));
    }

    #[test]
    fn a_document_without_an_id_names_nothing() {
        for document in ["{", "[]", "{}", r#"{"header": {"event_id": "e-1"}}"#] {
            let mut links = Links::default();
            links.pushed(1, document.as_bytes());
            assert_eq!(links.named_in("/", document), None, "{document}");
        }
    }
}
