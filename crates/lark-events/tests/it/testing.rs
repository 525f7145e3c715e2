//! What tests of handlers are given.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use lark_events::callback::{CardActionTrigger, UrlPreviewGet, UrlPreviewReply};
use lark_events::error::DispatchErrorKind;
use lark_events::event::Schema;
use lark_events::testing::{Deliver as _, Delivered, Sample as _};
use lark_events::{Delivery, DispatchError, Dispatcher, Event, EventType, Outcome, Transport};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tower::ServiceBuilder;

/// An event that only its own test knows.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct TeaReadyV1 {
    kind: Option<String>,
}

impl EventType for TeaReadyV1 {
    const EVENT_TYPE: &'static str = "kitchen.tea.ready_v1";
    const SAMPLE: Option<&'static str> = Some(
        r#"{"type":"event_callback","uuid":"u-1","event":{"type":"kitchen.tea.ready_v1",
            "tenant_key":"t-1","kind":"oolong"}}"#,
    );
    type Reply = ();
}

/// The same event, documented otherwise.
macro_rules! tea {
    ($name:ident, $sample:expr) => {
        #[derive(Debug, Serialize, Deserialize)]
        struct $name {
            kind: Option<String>,
        }

        impl EventType for $name {
            const EVENT_TYPE: &'static str = "kitchen.tea.ready_v1";
            const SAMPLE: Option<&'static str> = $sample;
            type Reply = ();
        }
    };
}
tea!(BodyAlone, Some(r#"{"kind":"green"}"#));
tea!(NoSample, None);
tea!(NoJson, Some("{"));
tea!(AnotherSample, Some(r#"{"kind":[]}"#));

/// What a failed assertion says.
fn said(of: &Delivered, assertion: impl FnOnce(&Delivered)) -> String {
    let panic = catch_unwind(AssertUnwindSafe(|| assertion(of))).expect_err("it holds");
    *panic.downcast::<String>().unwrap()
}

#[test]
fn a_sample_is_the_documented_event_with_its_header() {
    let tea = TeaReadyV1::sample();
    assert_eq!(tea.body.kind.as_deref(), Some("oolong"));
    let header = &tea.header;
    assert_eq!(header.event_id.as_deref(), Some("u-1"));
    assert_eq!(header.tenant_key.as_deref(), Some("t-1"));
    assert_eq!(header.schema, Schema::V1);
    assert!(tea.raw().as_str().contains("oolong"));

    let body_alone = BodyAlone::sample();
    assert_eq!(body_alone.body.kind.as_deref(), Some("green"));
    assert_eq!(body_alone.header.event_type, "kitchen.tea.ready_v1");
    assert_eq!(NoSample::sample().body.kind, None);
    let press = CardActionTrigger::sample();
    assert_eq!(press.header.event_type, "card.action.trigger");
    assert!(press.body.action.is_some());
    let panics = [
        catch_unwind(|| drop(AnotherSample::sample())),
        catch_unwind(|| drop(NoJson::sample())),
    ];
    for panic in panics {
        let said = panic.unwrap_err().downcast::<String>().unwrap();
        assert!(said.starts_with("kitchen.tea.ready_v1 does not accept its sample"));
    }
}

#[test]
fn header_and_body_can_be_others_and_the_text_follows() {
    let tea = TeaReadyV1::sample()
        .with_header(|header| header.tenant_key = Some("t-2".to_owned()))
        .with_body(|body| body.kind = Some("green".to_owned()));
    assert_eq!(tea.raw().as_str(), r#"{"kind":"green"}"#);
    let delivery = Delivery::from(tea);
    assert_eq!(delivery.header.tenant_key.as_deref(), Some("t-2"));
    assert_eq!(delivery.raw.as_str(), r#"{"kind":"green"}"#);
    assert_eq!(delivery.transport, Transport::Local);
}

#[tokio::test]
async fn each_outcome_is_asserted_and_the_others_are_told() {
    let dispatcher = Dispatcher::builder()
        .on::<TeaReadyV1>(|event| async move {
            match event.body.kind.as_deref() {
                Some("oolong") => Ok(()),
                _ => Err(std::io::Error::other("no oolong")),
            }
        })
        .on::<UrlPreviewGet>(|_| async { UrlPreviewReply::title("a link") })
        .build()
        .unwrap();

    let handled = dispatcher.deliver(TeaReadyV1::sample()).await;
    handled.assert_handled();
    let says = "expected the event to be unhandled: kitchen.tea.ready_v1 was handled";
    assert_eq!(said(&handled, Delivered::assert_unhandled), says);
    let says = "expected a failure: kitchen.tea.ready_v1 was handled";
    assert_eq!(said(&handled, |it| drop(it.failure())), says);
    let says = "expected a reply: kitchen.tea.ready_v1 was handled";
    assert_eq!(said(&handled, |it| drop(it.reply::<Value>())), says);
    assert_eq!(handled.into_result().unwrap(), Outcome::Handled);

    let green = TeaReadyV1::sample().with_body(|body| body.kind = None);
    let failed = dispatcher.deliver(green).await;
    assert_eq!(failed.failure(), "the handler failed: no oolong");
    let says = "expected the event to be handled: kitchen.tea.ready_v1 failed: the handler failed: no oolong";
    assert_eq!(said(&failed, Delivered::assert_handled), says);
    let error = failed.into_result().unwrap_err();
    let error = error.downcast::<DispatchError>().unwrap();
    assert_eq!(error.kind(), DispatchErrorKind::Handler);

    let replied = dispatcher.deliver(UrlPreviewGet::sample()).await;
    replied.assert_handled();
    let reply: Value = replied.reply();
    assert_eq!(reply["inline"]["title"], json!("a link"));
    let says = said(&replied, |it| drop(it.reply::<String>()));
    assert!(
        says.starts_with(r#"expected another reply than {"inline""#),
        "{says}"
    );

    let unhandled = dispatcher.deliver(CardActionTrigger::sample()).await;
    assert_eq!(unhandled.failure(), "no handler for the event type");
    let other = Dispatcher::builder().build().unwrap();
    let other = other.deliver(TeaReadyV1::sample()).await;
    other.assert_unhandled();
    assert!(!other.is_handled());
}

#[tokio::test(start_paused = true)]
async fn layers_around_a_dispatcher_are_part_of_it() {
    let dispatcher = Dispatcher::builder()
        .on(async |_: Event<TeaReadyV1>| tokio::time::sleep(Duration::from_secs(2)).await)
        .build()
        .unwrap();
    let layers = ServiceBuilder::new().timeout(Duration::from_secs(1));
    let service = layers.service(dispatcher);
    let late = service.deliver(TeaReadyV1::sample()).await;
    assert_eq!(late.failure(), "request timed out");
}
