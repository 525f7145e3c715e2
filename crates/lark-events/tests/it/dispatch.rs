//! Registering, routing, decoding, replying and failing.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use lark_events::callback::{
    CardActionReply, CardActionTrigger, InlinePreview, Toast, UrlPreviewGet, UrlPreviewReply,
};
use lark_events::error::DispatchErrorKind;
use lark_events::event::Schema;
use lark_events::{
    Delivery, DispatchError, Dispatcher, Event, EventHeader, EventInfo, EventType, Outcome,
    RawJson, RawReply, UnhandledPolicy,
};
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
struct TeaReadyV1 {
    kind: String,
}

impl EventType for TeaReadyV1 {
    const EVENT_TYPE: &'static str = "kitchen.tea.ready_v1";
    type Reply = ();
}

#[derive(Debug, thiserror::Error)]
#[error("no cups left")]
struct NoCups;

fn delivery(event_type: &str, body: &str) -> Delivery {
    let mut header = EventHeader::new(event_type);
    header.event_id = Some("e-1".to_owned());
    header.tenant_key = Some("t-1".to_owned());
    Delivery::new(header, RawJson::parse(body.to_owned()).unwrap())
}

fn tea() -> Delivery {
    delivery("kitchen.tea.ready_v1", r#"{"kind":"oolong"}"#)
}

#[track_caller]
fn kind(result: Result<Outcome, DispatchError>) -> DispatchErrorKind {
    result.expect_err("the delivery fails").kind()
}

async fn reply(dispatcher: Dispatcher, delivery: Delivery) -> serde_json::Value {
    match dispatcher.dispatch(delivery).await.unwrap() {
        Outcome::Replied(reply) => reply.decode().unwrap(),
        other => panic!("not a reply: {other:?}"),
    }
}

#[tokio::test]
async fn a_typed_handler_is_given_header_body_and_raw_text() {
    async fn on_tea(event: Event<TeaReadyV1>) -> anyhow::Result<()> {
        anyhow::ensure!(event.header.event_id.as_deref() == Some("e-1"));
        anyhow::ensure!(event.header.tenant_key.as_deref() == Some("t-1"));
        anyhow::ensure!(event.body.kind == "oolong");
        anyhow::ensure!(event.raw().as_str() == r#"{"kind":"oolong"}"#);
        Ok(())
    }
    let dispatcher = Dispatcher::builder()
        .on::<TeaReadyV1>(on_tea)
        .build()
        .unwrap();
    assert_eq!(dispatcher.dispatch(tea()).await.unwrap(), Outcome::Handled);
}

/// Every shape in which the documentation promises that a handler can be registered.
#[tokio::test]
async fn the_handler_api_takes_every_shape_of_handler() {
    struct App {
        cups: AtomicU32,
    }

    impl App {
        async fn on_tea(self: Arc<Self>, _: Event<TeaReadyV1>) -> Result<(), NoCups> {
            self.cups.fetch_add(1, Ordering::Relaxed);
            Ok(())
        }
    }

    async fn infallible(_: Event<TeaReadyV1>) {}
    async fn with_anyhow(_: Event<TeaReadyV1>) -> anyhow::Result<()> {
        Ok(())
    }
    async fn with_thiserror(_: Event<TeaReadyV1>) -> Result<(), NoCups> {
        Ok(())
    }
    async fn with_box(_: Event<TeaReadyV1>) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ok(())
    }

    let app = Arc::new(App {
        cups: AtomicU32::new(0),
    });
    let seen = Arc::new(AtomicU32::new(0));
    let captured = Arc::clone(&seen);
    let builders = [
        Dispatcher::builder().on::<TeaReadyV1>(infallible),
        Dispatcher::builder().on(infallible),
        Dispatcher::builder().on(with_anyhow),
        Dispatcher::builder().on(with_thiserror),
        Dispatcher::builder().on(with_box),
        Dispatcher::builder().on::<TeaReadyV1>(|event| async move {
            assert_eq!(event.body.kind, "oolong");
        }),
        Dispatcher::builder().on::<TeaReadyV1>(move |event| {
            let seen = Arc::clone(&captured);
            async move {
                let letters = u32::try_from(event.body.kind.len())?;
                seen.fetch_add(letters, Ordering::Relaxed);
                anyhow::Ok(())
            }
        }),
        Dispatcher::builder().on(async |event: Event<TeaReadyV1>| {
            assert_eq!(event.body.kind, "oolong");
        }),
    ];
    for builder in builders {
        let dispatcher = builder.build().unwrap();
        assert_eq!(dispatcher.dispatch(tea()).await.unwrap(), Outcome::Handled);
    }
    assert_eq!(seen.load(Ordering::Relaxed), 6);

    let builders = [
        Dispatcher::builder()
            .with_state(Arc::clone(&app))
            .on_with::<TeaReadyV1>(App::on_tea),
        Dispatcher::builder()
            .with_state(Arc::clone(&app))
            .on_with::<TeaReadyV1>(|app, event| async move {
                assert_eq!(event.body.kind, "oolong");
                app.cups.fetch_add(10, Ordering::Relaxed);
            }),
    ];
    for builder in builders {
        let dispatcher = builder.build().unwrap();
        assert_eq!(dispatcher.dispatch(tea()).await.unwrap(), Outcome::Handled);
    }
    assert_eq!(app.cups.load(Ordering::Relaxed), 11);
}

#[tokio::test]
async fn each_event_goes_to_its_own_handler() {
    let dispatcher = Dispatcher::builder()
        .on::<TeaReadyV1>(|_| async move { Err(NoCups) })
        .on_raw("vc.new_v1", |event| async move {
            assert_eq!(event.body.as_str(), r#"{"a":[1]}"#);
            assert_eq!(event.raw(), &event.body);
        })
        .fallback(|event| async move {
            anyhow::ensure!(event.header.event_type == "other_v1");
            Ok(())
        })
        .build()
        .unwrap();
    let run = |delivery| dispatcher.clone().dispatch(delivery);
    let outcome = run(delivery("vc.new_v1", r#"{"a":[1]}"#)).await.unwrap();
    assert_eq!(outcome, Outcome::Handled);
    let outcome = run(delivery("other_v1", "{}")).await.unwrap();
    assert_eq!(outcome, Outcome::Handled);
    assert_eq!(kind(run(tea()).await), DispatchErrorKind::Handler);
    let mut types: Vec<_> = dispatcher.event_types().collect();
    types.sort_unstable();
    assert_eq!(types, ["kitchen.tea.ready_v1", "vc.new_v1"]);
}

#[tokio::test]
async fn a_callback_is_answered_with_its_typed_reply() {
    let dispatcher = Dispatcher::builder()
        .on::<CardActionTrigger>(|event| async move {
            let value = event.body.action.and_then(|action| action.value);
            let text = value.unwrap_or_default().to_string();
            anyhow::Ok(CardActionReply::new().toast(Toast::info(text)))
        })
        .on(async |event: Event<UrlPreviewGet>| {
            let url = event.body.context.and_then(|context| context.url);
            UrlPreviewReply::new().inline(InlinePreview::new(url.unwrap_or_default()))
        })
        .build()
        .unwrap();
    let card = delivery("card.action.trigger", r#"{"action":{"value":{"key":"v"}}}"#);
    assert_eq!(
        reply(dispatcher.clone(), card).await,
        serde_json::json!({"toast": {"type": "info", "content": "{\"key\":\"v\"}"}})
    );
    let preview = delivery(
        "url.preview.get",
        r#"{"context":{"url":"https://x.test/1"}}"#,
    );
    assert_eq!(
        reply(dispatcher, preview).await,
        serde_json::json!({"inline": {"title": "https://x.test/1"}})
    );
}

#[tokio::test]
async fn raw_handlers_may_reply_too() {
    let json = serde_json::json!({"a": 1});
    let replies = Dispatcher::builder()
        .on_raw("a.get", |_| async move {
            RawReply::json(&serde_json::json!({"a": 1}))
        })
        .on_raw("b.get", |_| async move {
            RawReply::from(RawJson::parse(r#"{"a":1}"#).unwrap())
        })
        .build()
        .unwrap();
    for event_type in ["a.get", "b.get"] {
        assert_eq!(
            reply(replies.clone(), delivery(event_type, "{}")).await,
            json
        );
    }
}

#[tokio::test]
async fn a_callback_without_its_reply_fails() {
    let dispatcher = Dispatcher::builder()
        .on_raw("url.preview.get", |_| async move {})
        .on_raw("x.get", |_| async move { RawReply::none() })
        .fallback(|_| async move {})
        .build()
        .unwrap();
    for callback in ["url.preview.get", "x.get", "card.action.trigger"] {
        let result = dispatcher.clone().dispatch(delivery(callback, "{}")).await;
        assert_eq!(kind(result), DispatchErrorKind::NoReply, "{callback}");
    }
}

#[tokio::test]
async fn an_unhandled_event_is_acknowledged_or_fails_by_policy() {
    let acknowledge = Dispatcher::builder().unhandled(UnhandledPolicy::Acknowledge);
    let acknowledge = acknowledge.build().unwrap();
    let fail = Dispatcher::builder().build().unwrap();
    let outcome = acknowledge.dispatch(tea()).await.unwrap();
    assert_eq!(outcome, Outcome::Unhandled);
    assert_eq!(
        kind(fail.dispatch(tea()).await),
        DispatchErrorKind::Unhandled
    );
}

/// Of a name that would be a callback's in the new envelope.
#[tokio::test]
async fn an_old_event_needs_no_reply_in_whatever_envelope() {
    #[derive(Serialize, Deserialize)]
    struct Message {}
    /// Which says nothing of its envelope.
    impl EventType for Message {
        const EVENT_TYPE: &'static str = "message";
        type Reply = ();
    }
    #[derive(Serialize, Deserialize)]
    struct MessageRead {}
    impl EventType for MessageRead {
        const EVENT_TYPE: &'static str = "message_read";
        const INFO: EventInfo = EventInfo::new(Self::EVENT_TYPE).schema(Schema::V1);
        type Reply = ();
    }
    let dispatcher = Dispatcher::builder()
        .on(async |_: Event<MessageRead>| {})
        .on(async |_: Event<Message>| {})
        .build()
        .unwrap();
    let mut message = delivery("message", "{}");
    message.header.schema = Schema::V1;
    for delivery in [delivery("message_read", "{}"), message] {
        let outcome = dispatcher.clone().dispatch(delivery).await;
        assert!(matches!(outcome, Ok(Outcome::Handled)), "{outcome:?}");
    }
}

#[tokio::test]
async fn an_unhandled_callback_always_fails() {
    for policy in [UnhandledPolicy::Acknowledge, UnhandledPolicy::Fail] {
        let dispatcher = Dispatcher::builder().unhandled(policy).build().unwrap();
        let result = dispatcher
            .dispatch(delivery("card.action.trigger", "{}"))
            .await;
        assert_eq!(kind(result), DispatchErrorKind::Unhandled, "{policy:?}");
    }
}

#[tokio::test]
async fn a_handler_that_fails_hands_on_its_error() {
    let dispatcher = Dispatcher::builder().on::<TeaReadyV1>(|_| async move { Err(NoCups) });
    let result = dispatcher.build().unwrap().dispatch(tea()).await;
    let error = result.unwrap_err();
    assert_eq!(error.kind(), DispatchErrorKind::Handler);
    assert_eq!(error.to_string(), "the handler failed");
    assert!(error.source().unwrap().is::<NoCups>());
}

#[tokio::test]
async fn a_handler_that_panics_fails_and_the_next_event_is_served() {
    let dispatcher = Dispatcher::builder()
        .on::<TeaReadyV1>(|event| async move {
            tokio::task::yield_now().await;
            assert_ne!(event.body.kind, "poison", "a panic while awaiting");
        })
        .on::<UrlPreviewGet>(|_| -> std::future::Ready<UrlPreviewReply> {
            panic!("a panic before the future is made")
        })
        .build()
        .unwrap();
    let poison = delivery("kitchen.tea.ready_v1", r#"{"kind":"poison"}"#);
    let result = dispatcher.clone().dispatch(poison).await;
    assert_eq!(kind(result), DispatchErrorKind::Panic);
    let early = delivery("url.preview.get", "{}");
    let result = dispatcher.clone().dispatch(early).await;
    assert_eq!(kind(result), DispatchErrorKind::Panic);
    assert_eq!(dispatcher.dispatch(tea()).await.unwrap(), Outcome::Handled);
}

#[tokio::test]
async fn a_body_that_does_not_fit_its_type_runs_no_handler() {
    async fn never(_: Event<TeaReadyV1>) {
        panic!("no handler runs");
    }
    let dispatcher = Dispatcher::builder().on(never).build().unwrap();
    for (body, says) in [
        ("{}", "missing field `kind` at line 1 column 2"),
        (
            r#"{"kind":[]}"#,
            "`kind`: expected a string, got a list at line 1 column 8",
        ),
        ("[]", "expected an object"),
        (r#"["oolong"]"#, "expected an object"),
        ("null", "expected an object"),
    ] {
        let delivery = delivery("kitchen.tea.ready_v1", body);
        let error = dispatcher.clone().dispatch(delivery).await.unwrap_err();
        assert_eq!(error.kind(), DispatchErrorKind::Decode, "{body}");
        assert_eq!(error.source().unwrap().to_string(), says);
    }
}

#[tokio::test]
async fn an_unrouted_event_is_never_decoded() {
    let dispatcher = Dispatcher::builder()
        .on::<TeaReadyV1>(|_| async move {})
        .build()
        .unwrap();
    let odd = delivery("another.event_v1", r#"{"kind":[[[]]]}"#);
    assert_eq!(
        kind(dispatcher.dispatch(odd).await),
        DispatchErrorKind::Unhandled
    );
}

#[tokio::test]
async fn a_reply_that_cannot_be_written_fails() {
    use std::collections::BTreeMap;
    let dispatcher = Dispatcher::builder()
        .on_raw("x.get", |_| async move {
            RawReply::json(&BTreeMap::from([(vec![1], "no text for a key")]))
        })
        .build()
        .unwrap();
    let error = dispatcher
        .dispatch(delivery("x.get", "{}"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), DispatchErrorKind::Handler);
    let cause = error.source().unwrap();
    assert_eq!(cause.to_string(), "the value cannot be written as JSON");
    assert!(cause.source().is_some());

    #[derive(Debug, Serialize, Deserialize)]
    struct Odd {}
    impl EventType for Odd {
        const EVENT_TYPE: &'static str = "odd.get";
        type Reply = BTreeMap<Vec<u8>, u8>;
    }
    let dispatcher = Dispatcher::builder()
        .on::<Odd>(|_| async move { BTreeMap::from([(vec![1], 1)]) })
        .build()
        .unwrap();
    let error = dispatcher
        .dispatch(delivery("odd.get", "{}"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), DispatchErrorKind::Encode);
    assert!(error.source().is_some());
}

#[tokio::test]
async fn an_ignored_event_is_acknowledged_whatever_the_policy_and_needs_nothing_of_the_app() {
    let dispatcher = Dispatcher::builder()
        .unhandled(UnhandledPolicy::Fail)
        .ignore(["a_v1", "message"])
        .on_raw("b_v1", |_| async move {})
        .build()
        .unwrap();
    for ignored in ["a_v1", "message"] {
        let outcome = dispatcher.clone().dispatch(delivery(ignored, "{}")).await;
        assert_eq!(outcome.unwrap(), Outcome::Unhandled, "{ignored}");
    }
    let other = dispatcher.clone().dispatch(delivery("c_v1", "{}")).await;
    assert_eq!(kind(other), DispatchErrorKind::Unhandled);
    assert_eq!(dispatcher.event_types().collect::<Vec<_>>(), ["b_v1"]);
    let manifest = dispatcher.manifest().to_string();
    assert!(
        manifest.contains("b_v1") && !manifest.contains("a_v1"),
        "{manifest}"
    );
    assert!(format!("{dispatcher:?}").contains("handlers: 1,"));
}

#[tokio::test]
async fn a_callback_cannot_be_ignored() {
    let builder = Dispatcher::builder()
        .ignore(["card.action.trigger", "card.action.trigger_v1", "b_v1"])
        .on_raw("b_v1", |_| async move {});
    let error = builder.build().unwrap_err().to_string();
    for problem in [
        "card.action.trigger is a callback and needs a reply: register a handler instead of ignoring it, at ",
        "card.action.trigger_v1 is a callback and needs a reply: register a handler instead of ignoring it, at ",
        "two handlers for b_v1: at ",
    ] {
        assert!(error.contains(problem), "{error}");
    }
    // One that no name tells: its user waits for a reply all the same.
    let dispatcher = Dispatcher::builder().ignore(["of_my_own"]).build().unwrap();
    let callback = dispatcher.dispatch(delivery("of_my_own", "{}")).await;
    assert_eq!(kind(callback), DispatchErrorKind::Unhandled);
}

#[test]
fn two_handlers_for_one_event_are_an_error_that_names_both_places() {
    let first_line = line!() + 2;
    let builder = Dispatcher::builder()
        .on::<TeaReadyV1>(|_| async move {})
        .on_raw("x_v1", |_| async move {})
        .on_raw("kitchen.tea.ready_v1", |_| async move {})
        .fallback(|_| async move {})
        .fallback(|_| async move {})
        .with_state(())
        .on_with::<TeaReadyV1>(|(), _| async move {});
    let error = builder.build().unwrap_err().to_string();
    let place = |line: u32, column: u32| format!("{}:{line}:{column}", file!());
    assert_eq!(
        error,
        format!(
            "two handlers for kitchen.tea.ready_v1: at {0} and at {1}; \
             two fallbacks: at {2} and at {3}; \
             two handlers for kitchen.tea.ready_v1: at {0} and at {4}",
            place(first_line, 10),
            place(first_line + 2, 10),
            place(first_line + 3, 10),
            place(first_line + 4, 10),
            place(first_line + 6, 10),
        )
    );
}

#[test]
fn debug_output_shows_no_payload() {
    let builder = Dispatcher::builder().on::<TeaReadyV1>(|_| async move {});
    assert!(format!("{builder:?}").contains("kitchen.tea.ready_v1"));
    let dispatcher = builder.build().unwrap();
    assert_eq!(
        format!("{dispatcher:?}"),
        "Dispatcher { handlers: 1, fallback: false, unhandled: Fail }"
    );
    let shown = format!("{:?}", tea());
    assert!(!shown.contains("oolong"), "{shown}");
    assert!(shown.contains("RawJson(17 bytes)"), "{shown}");
}

#[test]
fn error_kinds_have_names_and_texts_of_their_own() {
    let kinds = [
        DispatchErrorKind::Unhandled,
        DispatchErrorKind::Decode,
        DispatchErrorKind::Handler,
        DispatchErrorKind::Panic,
        DispatchErrorKind::NoReply,
        DispatchErrorKind::Encode,
    ];
    let names = kinds.map(DispatchErrorKind::as_str);
    let expected = [
        "unhandled",
        "undecodable",
        "failed",
        "panicked",
        "no_reply",
        "unencodable",
    ];
    assert_eq!(names, expected);
}
