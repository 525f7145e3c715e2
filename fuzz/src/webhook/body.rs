//! Behind the envelope: every type of the catalogue, and handlers.

use std::pin::pin;
use std::sync::LazyLock;
use std::task::{Context, Poll, Waker};

use lark_events::callback::{
    CardActionReply, CardActionTrigger, CardActionTriggerV1, OldCardReply, UrlPreviewGet,
    UrlPreviewReply,
};
use lark_events::error::DispatchErrorKind;
use lark_events::event::KnownEvent;
use lark_events::{Delivery, Dispatcher, Event, RawJson, UnhandledPolicy, Validate as _};
use lark_events_types::catalogue::{events, find};
use lark_events_types::im::{EventMessage, ImEvent};
use lark_events_types::vc::VcEvent;
use serde_json::Value;

static DISPATCHER: LazyLock<Dispatcher> = LazyLock::new(|| {
    let dispatcher = Dispatcher::builder()
        .unhandled(UnhandledPolicy::Acknowledge)
        .on_all::<ImEvent>(|event: ImEvent| async move {
            if let ImEvent::MessageReceiveV1(event) = event {
                event.body.message.iter().for_each(reads);
            }
        })
        .on_all::<VcEvent>(|event: VcEvent| async move {
            if let VcEvent::ReserveConfigUpdatedV1(Event { body, .. }) = event {
                body.validate();
                let Some(config) = body.time_config else {
                    return;
                };
                let _times = (config.ahead(), config.opens_at(), config.longest());
                let _ends = (config.starts_at(), config.ends_at());
            }
        })
        .on::<CardActionTrigger>(async |_| CardActionReply::new())
        .on::<CardActionTriggerV1>(async |_| OldCardReply::new())
        .on::<UrlPreviewGet>(async |_| UrlPreviewReply::new());
    dispatcher.build().expect("each event once")
});

/// All that a message says of what is in it.
fn reads(message: &EventMessage) {
    let _content = message.parsed_content();
    let text = message.text();
    let without = message.text_without_mentions();
    assert_eq!(text.is_some(), without.is_some());
    let longest = text.map_or(0, |text| text.len());
    assert!(without.is_none_or(|without| without.len() <= longest));
}

/// An event of the catalogue, whatever the number.
pub(super) fn known(number: u16) -> &'static KnownEvent {
    static ALL: LazyLock<Vec<&KnownEvent>> = LazyLock::new(|| events().collect());
    ALL[usize::from(number) % ALL.len()]
}

/// What its type makes of a delivery, and a handler.
pub(super) fn handles(delivery: Delivery) {
    if let Some(known) = find(&delivery.header.event_type) {
        decodes(known, &delivery.raw);
    }
    let is_callback = delivery.is_callback();
    let mut dispatching = pin!(DISPATCHER.dispatch(delivery));
    let polled = dispatching
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()));
    let Poll::Ready(dispatched) = polled else {
        panic!("a handler waits for nothing");
    };
    match dispatched.map_err(|error| error.kind()) {
        Ok(_) | Err(DispatchErrorKind::Decode) => {}
        // Without a reply it cannot be acknowledged.
        Err(DispatchErrorKind::Unhandled) if is_callback => {}
        Err(kind) => panic!("{kind:?}"),
    }
}

/// An object is taken, whatever is in it, and what comes of it stays as it is.
pub(super) fn decodes(known: &KnownEvent, raw: &RawJson) {
    let info = known.info;
    let is_object = raw.as_str().trim_start().starts_with('{');
    let typed = match known.decode(raw) {
        Ok(typed) => typed,
        Err(error) => {
            assert!(!is_object, "{}: {error}", info.event_type);
            return;
        }
    };
    assert!(
        is_object,
        "{} is taken from what is no object",
        info.event_type
    );
    let again = known
        .decode(&typed.json)
        .expect("what a type writes it reads");
    assert_eq!(
        again.json.as_str(),
        typed.json.as_str(),
        "{}",
        info.event_type
    );
    assert_eq!(again.unread, [""; 0], "{}", info.event_type);
    if let Ok(value) = raw.decode::<Value>() {
        for path in &typed.unread {
            assert!(value.pointer(path).is_some(), "{path} is nowhere");
        }
    }
}
