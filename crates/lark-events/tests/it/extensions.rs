//! Values that layers hand to handlers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use lark_events::{
    DecodeError, Delivery, Dispatcher, Event, EventHeader, EventInfo, EventSet, EventType, Outcome,
    RawJson,
};
use serde::{Deserialize, Serialize};
use tower::{ServiceBuilder, ServiceExt as _};

#[derive(Debug, Clone, PartialEq)]
struct Attempt(usize);

macro_rules! kitchen {
    ($($event:ident = $name:literal),*) => { $(
        #[derive(Debug, Serialize, Deserialize)]
        struct $event {}

        impl EventType for $event {
            const EVENT_TYPE: &'static str = $name;
            type Reply = ();
        }
    )* };
}

kitchen!(
    TeaReadyV1 = "kitchen.tea.ready_v1",
    CupBrokenV1 = "kitchen.cup.broken_v1"
);

struct Broken(Event<CupBrokenV1>);

impl EventSet for Broken {
    const EVENTS: &'static [EventInfo] = &[CupBrokenV1::INFO];

    fn decode(event: Event<RawJson>) -> Result<Option<Self>, DecodeError> {
        event.typed().map(|event| Some(Self(event)))
    }
}

#[derive(Clone, Default)]
struct Sum(Arc<AtomicUsize>);

impl Sum {
    fn add<E>(&self, event: &Event<E>) {
        let Attempt(attempt) = event.extensions.get().expect("the layer inserted it");
        self.0.fetch_add(*attempt, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn every_kind_of_handler_receives_the_extensions() {
    let dispatcher = Dispatcher::builder()
        .on_with(|sum: Sum, event: Event<TeaReadyV1>| async move { sum.add(&event) })
        .on_all_with(|sum: Sum, Broken(event)| async move { sum.add(&event) })
        .on_raw_with("kitchen.raw_v1", |sum: Sum, event| async move {
            sum.add(&event);
        })
        .fallback_with(|sum: Sum, event| async move {
            sum.add(&event);
            sum.add(&event.typed::<TeaReadyV1>().unwrap());
        });
    let sum = Sum::default();
    let service = ServiceBuilder::new()
        .map_request(|mut delivery: Delivery| {
            delivery.extensions.insert(Attempt(1));
            delivery
        })
        .service(dispatcher.with_state(sum.clone()).build().unwrap());
    for event_type in [
        "kitchen.tea.ready_v1",
        "kitchen.cup.broken_v1",
        "kitchen.raw_v1",
        "kitchen.other_v1",
    ] {
        let delivery = Delivery::new(EventHeader::new(event_type), RawJson::default());
        let outcome = service.clone().oneshot(delivery).await.unwrap();
        assert_eq!(outcome, Outcome::Handled, "{event_type}");
    }
    assert_eq!(sum.0.load(Ordering::Relaxed), 5);
}

#[test]
fn extensions_begin_empty_and_are_part_of_no_text() {
    let mut delivery = Delivery::new(EventHeader::new("x_v1"), RawJson::default());
    assert!(delivery.extensions.is_empty());
    let document = delivery.to_document();
    delivery.extensions.insert(Attempt(2));
    assert_eq!(delivery.to_document(), document);
    assert_eq!(delivery.clone().extensions.get(), Some(&Attempt(2)));

    let mut event = Event::new(EventHeader::new("x_v1"), TeaReadyV1 {});
    assert!(event.extensions.is_empty());
    let json = serde_json::to_string(&event).unwrap();
    event.extensions.insert(Attempt(2));
    assert_eq!(serde_json::to_string(&event).unwrap(), json);
}

#[cfg(feature = "testing")]
#[test]
fn an_event_of_a_test_keeps_its_extensions() {
    let mut event = Event::new(EventHeader::new("x_v1"), TeaReadyV1 {});
    event.extensions.insert(Attempt(3));
    let delivery: Delivery = event.with_body(|_| ()).into();
    assert_eq!(delivery.extensions.get(), Some(&Attempt(3)));
}
