//! One handler for all events of a set, and what the console needs for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use lark_events::callback::{UrlPreviewGet, UrlPreviewReply};
use lark_events::error::DispatchErrorKind;
use lark_events::{
    DecodeError, Delivery, Dispatcher, Event, EventHeader, EventInfo, EventSet, EventType, Outcome,
    RawJson, lenient,
};
use serde::{Deserialize, Serialize};

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct TeaReadyV1 {
    #[serde(deserialize_with = "lenient::field")]
    kind: Option<String>,
}

impl EventType for TeaReadyV1 {
    const EVENT_TYPE: &'static str = "kitchen.tea.ready_v1";
    const INFO: EventInfo = EventInfo::new(Self::EVENT_TYPE)
        .title("Tea is ready")
        .scopes(&["kitchen:tea"]);
    type Reply = ();
}

#[derive(Debug, Serialize, Deserialize)]
struct CupBrokenV1 {
    cup: u8,
}

impl EventType for CupBrokenV1 {
    const EVENT_TYPE: &'static str = "kitchen.cup.broken_v1";
    type Reply = ();
}

enum KitchenEvent {
    TeaReadyV1(Event<TeaReadyV1>),
    CupBrokenV1(Event<CupBrokenV1>),
}

impl EventSet for KitchenEvent {
    const EVENTS: &'static [EventInfo] = &[
        TeaReadyV1::INFO,
        CupBrokenV1::INFO,
        EventInfo::new("kitchen.forgotten_v1"),
    ];

    fn decode(event: Event<RawJson>) -> Result<Option<Self>, DecodeError> {
        Ok(Some(match event.header.event_type.as_str() {
            TeaReadyV1::EVENT_TYPE => Self::TeaReadyV1(event.typed()?),
            CupBrokenV1::EVENT_TYPE => Self::CupBrokenV1(event.typed()?),
            _ => return Ok(None),
        }))
    }
}

async fn dispatch(
    dispatcher: &Dispatcher,
    event_type: &str,
    body: &str,
) -> Result<Outcome, DispatchErrorKind> {
    let raw = RawJson::parse(body.to_owned()).unwrap();
    let delivery = Delivery::new(EventHeader::new(event_type), raw);
    let outcome = dispatcher.clone().dispatch(delivery).await;
    outcome.map_err(|error| error.kind())
}

#[tokio::test]
async fn one_handler_is_given_every_event_of_the_set_typed() {
    let letters = Arc::new(AtomicUsize::new(0));
    let captured = Arc::clone(&letters);
    let dispatcher = Dispatcher::builder()
        .on_all::<KitchenEvent>(move |event| {
            let letters = Arc::clone(&captured);
            async move {
                match event {
                    KitchenEvent::TeaReadyV1(event) => {
                        let kind = event.body.kind.unwrap_or_default();
                        letters.fetch_add(kind.len(), Ordering::Relaxed);
                    }
                    KitchenEvent::CupBrokenV1(event) => anyhow::ensure!(event.body.cup < 7),
                }
                Ok(())
            }
        })
        .build()
        .unwrap();
    let tea = dispatch(&dispatcher, "kitchen.tea.ready_v1", r#"{"kind": "oolong"}"#).await;
    assert_eq!(tea, Ok(Outcome::Handled));
    let odd = dispatch(&dispatcher, "kitchen.tea.ready_v1", r#"{"kind": "\ud800"}"#).await;
    assert_eq!(odd, Ok(Outcome::Handled));
    assert_eq!(letters.load(Ordering::Relaxed), 6);
    let cup = dispatch(&dispatcher, "kitchen.cup.broken_v1", r#"{"cup": 7}"#).await;
    assert_eq!(cup, Err(DispatchErrorKind::Handler));
    let cup = dispatch(&dispatcher, "kitchen.cup.broken_v1", "{}").await;
    assert_eq!(cup, Err(DispatchErrorKind::Decode));
    let forgotten = dispatch(&dispatcher, "kitchen.forgotten_v1", "{}").await;
    assert_eq!(forgotten, Err(DispatchErrorKind::Handler));
    let other = dispatch(&dispatcher, "kitchen.other_v1", "{}").await;
    assert_eq!(other, Err(DispatchErrorKind::Unhandled));
}

#[tokio::test]
async fn the_handler_may_be_a_function_or_a_closure() {
    async fn on_kitchen(_: KitchenEvent) {}
    for builder in [
        Dispatcher::builder().on_all::<KitchenEvent>(on_kitchen),
        Dispatcher::builder().on_all(on_kitchen),
        Dispatcher::builder().on_all::<KitchenEvent>(|_| async move {}),
        Dispatcher::builder().on_all(async |event: KitchenEvent| drop(event)),
    ] {
        let dispatcher = builder.build().unwrap();
        let tea = dispatch(&dispatcher, "kitchen.tea.ready_v1", "{}").await;
        assert_eq!(tea, Ok(Outcome::Handled));
    }
}

#[test]
fn a_handler_beside_that_of_its_set_is_an_error_that_names_both_places() {
    let first_line = line!() + 2;
    let error = Dispatcher::builder()
        .on_all::<KitchenEvent>(|_| async move {})
        .on::<CupBrokenV1>(|_| async move {})
        .build()
        .unwrap_err();
    let place = |line: u32| format!("{}:{line}:10", file!());
    assert_eq!(
        error.to_string(),
        format!(
            "two handlers for kitchen.cup.broken_v1: at {} and at {}",
            place(first_line),
            place(first_line + 1),
        )
    );
}

#[test]
fn the_manifest_has_what_is_known_of_every_handler() {
    let dispatcher = Dispatcher::builder()
        .on_all::<KitchenEvent>(|_| async move {})
        .on::<UrlPreviewGet>(|_| async move { UrlPreviewReply::new() })
        .on_raw("a.something_v1", |_| async move {})
        .fallback(|_| async move {})
        .build()
        .unwrap();
    assert_eq!(
        dispatcher.manifest().to_string(),
        "Events:\n\
         - [ ] a.something_v1\n      \
         permissions: unknown\n\
         - [ ] kitchen.cup.broken_v1\n      \
         permissions: unknown\n\
         - [ ] kitchen.forgotten_v1\n      \
         permissions: unknown\n\
         - [ ] kitchen.tea.ready_v1: Tea is ready\n      \
         permission (any one): kitchen:tea\n\
         Callbacks:\n\
         - [ ] url.preview.get: The platform requests the preview of a posted link\n      \
         permissions for single fields: contact:user.employee_id:readonly\n      \
         app types: custom, isv\n      \
         https://open.feishu.cn/document/development-link-preview/callback/pull-link-preview-data-callback-structure\n\
         The fallback handles every other subscribed event.\n"
    );
}

#[test]
fn a_callback_in_a_set_is_an_error_that_names_the_place() {
    struct WithCallback;

    impl EventSet for WithCallback {
        const EVENTS: &'static [EventInfo] = &[TeaReadyV1::INFO, UrlPreviewGet::INFO];

        fn decode(_: Event<RawJson>) -> Result<Option<Self>, DecodeError> {
            Ok(None)
        }
    }

    let line = line!() + 2;
    let error = Dispatcher::builder()
        .on_all::<WithCallback>(|_| async move {})
        .fallback(|_| async move {})
        .build()
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "url.preview.get is a callback and needs its own reply: register it with `on`, not in a set, at {}:{line}:10",
            file!()
        )
    );
}

#[tokio::test]
async fn a_fallback_has_what_no_set_has() {
    let dispatcher = Dispatcher::builder()
        .on_all::<KitchenEvent>(|_| async move {})
        .fallback(|_| async move { Err::<(), _>("the fallback") })
        .build()
        .unwrap();
    let tea = dispatch(&dispatcher, "kitchen.tea.ready_v1", "{}").await;
    assert_eq!(tea, Ok(Outcome::Handled));
    // It is the set's, whose `decode` does not know it.
    let forgotten = dispatch(&dispatcher, "kitchen.forgotten_v1", "{}").await;
    assert_eq!(forgotten, Err(DispatchErrorKind::Handler));
    let other = dispatch(&dispatcher, "kitchen.other_v1", "{}").await;
    assert_eq!(other, Err(DispatchErrorKind::Handler));
}
