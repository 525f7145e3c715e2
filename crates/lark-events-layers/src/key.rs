//! Keys that identify or group deliveries, as the layers of this crate use them. With them, a layer of your own
//! recognizes the same duplicates and keeps the same order.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use lark_events::event::duplicate_key;
use lark_events::{Delivery, RawJson};

use crate::error::LayerBuildError;

/// Longer keys are ignored. The platform's keys have a tenth of this length, and a store keeps all of
/// them.
const MAX_KEY_BYTES: usize = 1_024;

/// How much longer than the request is valid an event is remembered: the clocks of processes that share
/// a store differ, and one may be set back in the meantime.
const CLOCK_MARGIN: Duration = Duration::from_mins(1);

/// Returns the key of a delivery, if it has one.
pub(crate) type KeyFn = Arc<dyn Fn(&Delivery) -> Option<String> + Send + Sync>;

/// The keys by which a [`DedupLayer`](crate::DedupLayer) recognizes duplicates. Clones are cheap.
///
/// ```
/// use lark_events::{Delivery, EventHeader, RawJson};
/// use lark_events_layers::key::{DuplicateKeys, at_pointer};
///
/// let keys = DuplicateKeys::default().key_for("shop.order.placed_v1", at_pointer("/order/id")?);
///
/// let mut header = EventHeader::new("shop.order.placed_v1");
/// header.app_id = Some("cli_a".to_owned());
/// header.event_id = Some("e-1".to_owned());
/// let order = RawJson::parse(r#"{"order":{"id":7}}"#)?;
/// let key = keys.of(&Delivery::new(header.clone(), order));
/// assert_eq!(key.as_deref(), Some("cli_a:shop.order.placed_v1:7"));
///
/// let key = keys.of(&Delivery::new(header, RawJson::default()));
/// assert_eq!(key.as_deref(), Some("cli_a:shop.order.placed_v1:e-1"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct DuplicateKeys {
    own: Arc<HashMap<String, KeyFn>>,
}

impl DuplicateKeys {
    /// Identifies events of a type by the result of `key`, or by their event id if `key` returns
    /// `None`.
    #[must_use]
    pub fn key_for(
        mut self,
        event_type: impl Into<String>,
        key: impl Fn(&Delivery) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        Arc::make_mut(&mut self.own).insert(event_type.into(), Arc::new(key));
        self
    }

    /// The key of a delivery: `app id:event type:id`. Duplicates have the same key.
    ///
    /// The id is the result of the type's own [key](Self::key_for), else the value that the
    /// documentation of the event names ([`duplicate_key`]), such as the id of the message for
    /// `im.message.receive_v1`, else the event id (version 1: `uuid`).
    ///
    /// `None` for a delivery without an id, for a key of more than 1,024 bytes, and for callbacks, which are never
    /// redelivered.
    #[must_use]
    pub fn of(&self, delivery: &Delivery) -> Option<String> {
        if delivery.is_callback() {
            return None;
        }
        let header = &delivery.header;
        let app = header.app_id.as_deref().unwrap_or_default();
        let event_type = &header.event_type;
        let key = |id: &str| {
            let key = (!id.is_empty()).then(|| format!("{app}:{event_type}:{id}"));
            key.filter(|key| key.len() <= MAX_KEY_BYTES)
        };
        let own = match self.own.get(event_type) {
            Some(own) => own(delivery),
            None => duplicate_key(event_type).and_then(|at| text_at(&delivery.raw, at)),
        };
        own.and_then(|id| key(&id))
            .or_else(|| key(header.event_id.as_deref()?))
    }
}

impl fmt::Debug for DuplicateKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DuplicateKeys")
            .field("own", &self.own.keys())
            .finish()
    }
}

/// How long to remember a handled delivery, so that no replay of it is handled: `kept`, or the time for which the
/// webhook would accept the same request ([`Delivery::replayable_for`]) plus a minute for clock differences,
/// whichever is longer. If `replayable_for` is `None`, it is `kept`.
///
/// ```
/// use std::time::Duration;
///
/// use lark_events::{Delivery, EventHeader, RawJson};
/// use lark_events_layers::key::remembered_for;
///
/// let hours = Duration::from_hours;
/// let mut delivery = Delivery::new(EventHeader::new("vc.room.created_v1"), RawJson::default());
/// assert_eq!(remembered_for(hours(1), &delivery), hours(1));
/// delivery.replayable_for = Some(hours(8));
/// assert_eq!(remembered_for(hours(1), &delivery), Duration::from_mins(8 * 60 + 1));
/// assert_eq!(remembered_for(hours(24), &delivery), hours(24));
/// ```
#[must_use]
pub fn remembered_for(kept: Duration, delivery: &Delivery) -> Duration {
    let replayable_for = delivery.replayable_for;
    let needed = replayable_for.map(|time| time.saturating_add(CLOCK_MARGIN));
    kept.max(needed.unwrap_or_default())
}

/// The tenant of an event. `None` for callbacks, which should not wait in a lane.
///
/// ```
/// use lark_events::{Delivery, EventHeader, RawJson};
/// use lark_events_layers::key::tenant;
///
/// let mut header = EventHeader::new("vc.room.created_v1");
/// header.tenant_key = Some("t-1".to_owned());
/// let delivery = Delivery::new(header, RawJson::default());
/// assert_eq!(tenant(&delivery).as_deref(), Some("t-1"));
/// ```
#[must_use]
pub fn tenant(delivery: &Delivery) -> Option<String> {
    let tenant = delivery.header.tenant_key.clone();
    tenant.filter(|_| !delivery.is_callback())
}

/// The chat of an event: the value at `/message/chat_id` of its body, as in a received message, else at `/chat_id`,
/// as in the other events of chats. `None` for callbacks, which should not wait in a lane, and for events without a
/// chat.
///
/// ```
/// use lark_events::{Delivery, EventHeader, RawJson};
/// use lark_events_layers::key::chat;
///
/// let of = |event_type, raw| {
///     Ok::<_, lark_events::DecodeError>(chat(&Delivery::new(EventHeader::new(event_type), RawJson::parse(raw)?)))
/// };
/// let received = of("im.message.receive_v1", r#"{"message":{"chat_id":"oc_1"}}"#)?;
/// let recalled = of("im.message.recalled_v1", r#"{"chat_id":"oc_1"}"#)?;
/// assert_eq!((received.as_deref(), recalled), (Some("oc_1"), received.clone()));
/// # Ok::<(), lark_events::DecodeError>(())
/// ```
#[must_use]
pub fn chat(delivery: &Delivery) -> Option<String> {
    let at = |pointer| of_event(delivery, pointer);
    at("/message/chat_id").or_else(|| at("/chat_id"))
}

/// Returns a function that reads the string or number at `pointer` in the body of an event. `pointer` is a JSON
/// pointer (RFC 6901), such as `/message/chat_id`, and cannot lead through arrays. The function returns `None` for
/// callbacks, which should not wait in a lane, for an empty string, and for events without such a value.
///
/// # Errors
///
/// [`InvalidPointer`](crate::LayerBuildErrorKind::InvalidPointer) when `pointer` does not begin with
/// `/`, so that it could never match.
pub fn at_pointer<P: Into<String>>(
    pointer: P,
) -> Result<
    impl Fn(&Delivery) -> Option<String> + Clone + Send + Sync + 'static + use<P>,
    LayerBuildError,
> {
    let pointer = pointer.into();
    if !pointer.starts_with('/') {
        return Err(LayerBuildError::invalid_pointer(pointer));
    }
    Ok(move |delivery: &Delivery| of_event(delivery, &pointer))
}

/// The string or number at a JSON pointer of an event; `None` for a callback.
fn of_event(delivery: &Delivery, pointer: &str) -> Option<String> {
    let is_callback = delivery.is_callback();
    (!is_callback).then(|| text_at(&delivery.raw, pointer))?
}

/// The string or number at a JSON pointer (RFC 6901) through objects; `None` for an empty string.
pub(crate) fn text_at(raw: &RawJson, pointer: &str) -> Option<String> {
    let mut place = raw.clone();
    for name in pointer.split('/').skip(1) {
        let name = name.replace("~1", "/").replace("~0", "~");
        let mut members: HashMap<String, RawJson> = place.decode_leniently().ok()?;
        place = members.remove(&name)?;
    }
    let is_number = || matches!(place.as_bytes(), [b'-' | b'0'..=b'9', ..]);
    let text = place.decode::<String>().ok();
    let text = text.or_else(|| is_number().then(|| place.as_str().to_owned()));
    text.filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use lark_events::EventHeader;

    use super::*;

    fn delivery(event_type: &str, raw: &'static str) -> Delivery {
        Delivery::new(EventHeader::new(event_type), RawJson::parse(raw).unwrap())
    }

    #[test]
    fn the_chat_of_a_message_comes_before_that_of_its_event() {
        for (raw, expected) in [
            (r#"{"chat_id":"b","message":{"chat_id":"a"}}"#, Some("a")),
            (r#"{"chat_id":"b","message":{"chat_id":""}}"#, Some("b")),
            (r#"{"chat_id":"b","message":[]}"#, Some("b")),
            (r#"{"chat_id":null}"#, None),
            ("[]", None),
        ] {
            assert_eq!(chat(&delivery("x_v1", raw)).as_deref(), expected, "{raw}");
        }
        let clicked = delivery("card.action.trigger", r#"{"chat_id":"b"}"#);
        assert_eq!(chat(&clicked), None);
    }

    #[test]
    fn clones_of_keys_are_set_apart() {
        let first = DuplicateKeys::default().key_for("x_v1", |_| Some("a".to_owned()));
        let second = first.clone().key_for("x_v1", |_| Some("b".to_owned()));
        let delivery = delivery("x_v1", "{}");
        assert_eq!(first.of(&delivery).as_deref(), Some(":x_v1:a"));
        assert_eq!(second.of(&delivery).as_deref(), Some(":x_v1:b"));
        assert_eq!(format!("{first:?}"), r#"DuplicateKeys { own: ["x_v1"] }"#);
    }

    #[test]
    fn a_pointer_may_be_borrowed() {
        let pointer = "/a".to_owned();
        let at = at_pointer(&*pointer).unwrap();
        drop(pointer);
        let keys = DuplicateKeys::default().key_for("x_v1", at);
        let key = keys.of(&delivery("x_v1", r#"{"a":1}"#));
        assert_eq!(key.as_deref(), Some(":x_v1:1"));
        assert!(at_pointer("a").is_err());
    }

    #[test]
    fn a_pointer_leads_to_a_string_or_a_number_and_past_whatever_is_odd() {
        let raw = r#"{"a": {"b/c": {"~": "x"}}, "n": -1e400, "s": "", "odd": "\ud800", "\ud800": 1,
            "l": ["y"], "t": true, "": "root"}"#;
        let raw = RawJson::parse(raw).unwrap();
        for (pointer, expected) in [
            ("/a/b~1c/~0", Some("x")),
            ("/n", Some("-1e400")),
            ("/s", None),
            ("/", Some("root")),
            ("", None),
            ("/a", None),
            ("/a/b", None),
            ("/s/b", None),
            ("/odd", None),
            ("/l/0", None),
            ("/t", None),
        ] {
            assert_eq!(text_at(&raw, pointer).as_deref(), expected, "{pointer}");
        }
    }
}
