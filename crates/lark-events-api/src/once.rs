//! The key by which the platform recognises a message that is sent again.

use std::fmt::{self, Write as _};

use lark_events::{Delivery, Event};
use lark_events_layers::key::DuplicateKeys;
use sha2::{Digest as _, Sha256};

/// The bytes of the hash in a `uuid`, which has at most 50 characters.
const UUID_BYTES: usize = 16;

/// Sends a message once, even if its event is handled more than once.
///
/// The platform drops a message whose `uuid` it has seen in the last **hour**. `Once` derives the `uuid` from
/// the event, the app, and the target of the call. A redelivery of the event derives the same `uuid`, in any
/// process.
///
/// The platform redelivers for 7.1 hours, and an inbox may retry for longer. A retry after more than an hour can
/// therefore send a second message. If that matters, do not answer old events: see
/// [`EventHeader::created_at`](lark_events::EventHeader::created_at).
///
/// If a handler sends several messages to the same target, give each one a [part](Self::part). Otherwise, the
/// platform drops all but the first.
///
/// ```
/// # use lark_events::Event;
/// # use lark_events::callback::UrlPreviewGet;
/// use lark_events_api::{Api, ApiError, Message, Once, Receiver};
///
/// async fn on_event(api: Api, event: Event<UrlPreviewGet>) -> Result<(), ApiError> {
///     let chat = Receiver::chat("oc_1");
///     api.send(chat.clone(), Message::text("one")).once(&event).await?;
///     api.send(chat, Message::text("two")).once(Once::of(&event).part("two")).await?;
///     Ok(())
/// }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Once([u8; 32]);

impl Once {
    /// The key of an event: the value that its documentation names for de-duplication, such as the id of the
    /// message of `im.message.receive_v1`, or else the event id. Without either, it is the body of the event.
    #[must_use]
    pub fn of<E>(event: &Event<E>) -> Self {
        let delivery = Delivery::new(event.header.clone(), event.raw().clone());
        if let Some(key) = DuplicateKeys::default().of(&delivery) {
            return Self::hashed(["event", &key]);
        }
        // A callback, or an event without an id.
        let event_type = &event.header.event_type;
        match event.header.event_id.as_deref() {
            Some(id) if !id.is_empty() => Self::hashed(["callback", event_type, id]),
            _ => Self::hashed(["body", event_type, event.raw().as_str()]),
        }
    }

    /// A key of your own, such as the number of an order.
    #[must_use]
    pub fn key(key: impl AsRef<str>) -> Self {
        Self::hashed(["key", key.as_ref()])
    }

    /// The key of one of several messages to the same target.
    #[must_use]
    pub fn part(self, name: impl fmt::Display) -> Self {
        let whole = hex(&self.0);
        Self::hashed(["part", &whole, &name.to_string()])
    }

    /// The `uuid` of a call of an app.
    pub(crate) fn uuid(&self, app_id: &str, target: &str) -> String {
        let key = hex(&self.0);
        let Self(hash) = Self::hashed(["uuid", app_id, target, &key]);
        hex(hash.get(..UUID_BYTES).unwrap_or(&hash))
    }

    /// Hashes texts with their lengths, so that the border between two of them counts.
    fn hashed<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut hash = Sha256::new();
        for text in texts {
            hash.update(text.len().to_be_bytes());
            hash.update(text.as_bytes());
        }
        Self(hash.finalize().into())
    }
}

impl fmt::Debug for Once {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Once").field(&hex(&self.0)).finish()
    }
}

impl<E> From<&Event<E>> for Once {
    fn from(event: &Event<E>) -> Self {
        Self::of(event)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("a string takes any text");
        hex
    })
}

#[cfg(test)]
mod tests {
    use lark_events::{EventHeader, RawJson};

    use super::*;

    fn event(event_type: &str, id: Option<&str>, body: &str) -> Event<RawJson> {
        let mut header = EventHeader::new(event_type);
        header.event_id = id.map(str::to_owned);
        let delivery = Delivery::new(header, RawJson::parse(body.to_owned()).unwrap());
        Event::new(delivery.header, delivery.raw)
    }

    fn uuid(once: &Once) -> String {
        once.uuid("cli_a", "reply om_1")
    }

    #[test]
    fn a_redelivery_has_the_same_uuid_and_everything_else_another() {
        let kind = "kitchen.tea.ready_v1";
        let first = Once::of(&event(kind, Some("e-1"), r#"{"n":1}"#));
        let again = Once::of(&event(kind, Some("e-1"), r#"{"n":1}"#));
        assert_eq!(uuid(&first), uuid(&again));
        assert_eq!(uuid(&first).len(), 32);
        let others = [
            uuid(&Once::of(&event(kind, Some("e-2"), r#"{"n":1}"#))),
            uuid(&first.clone().part("a")),
            uuid(&first.clone().part("b")),
            uuid(&first.clone().part("a").part("a")),
            first.uuid("cli_b", "reply om_1"),
            first.uuid("cli_a", "reply om_2"),
            uuid(&Once::key("e-1")),
        ];
        let mut all = others.to_vec();
        all.push(uuid(&first));
        all.sort();
        all.dedup();
        assert_eq!(all.len(), others.len() + 1);
    }

    #[test]
    fn a_message_that_comes_as_two_events_has_one_uuid() {
        let body = r#"{"message":{"message_id":"om_1"}}"#;
        let once = |id| Once::of(&event("im.message.receive_v1", Some(id), body));
        assert_eq!(uuid(&once("e-1")), uuid(&once("e-2")));
    }

    #[test]
    fn a_callback_is_known_by_its_id() {
        let once = |id| Once::of(&event("card.action.trigger", Some(id), "{}"));
        assert_eq!(uuid(&once("e-1")), uuid(&once("e-1")));
        assert_ne!(uuid(&once("e-1")), uuid(&once("e-2")));
    }

    #[test]
    fn an_event_without_an_id_is_known_by_its_body() {
        let once = |body| Once::of(&event("kitchen.tea.ready_v1", None, body));
        assert_eq!(uuid(&once("[1]")), uuid(&once("[1]")));
        assert_ne!(uuid(&once("[1]")), uuid(&once("[2]")));
    }
}
