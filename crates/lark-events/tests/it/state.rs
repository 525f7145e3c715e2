//! The state of handlers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use lark_events::callback::{UrlPreviewGet, UrlPreviewReply};
use lark_events::dispatch::{DispatcherBuilder, HasState};
use lark_events::{
    DecodeError, Delivery, Dispatcher, Event, EventHeader, EventInfo, EventSet, EventType, Outcome,
    RawJson, RawReply,
};
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
struct TeaReadyV1 {}

impl EventType for TeaReadyV1 {
    const EVENT_TYPE: &'static str = "kitchen.tea.ready_v1";
    type Reply = ();
}

struct Kitchen;

impl EventSet for Kitchen {
    const EVENTS: &'static [EventInfo] = &[EventInfo::new("kitchen.set_v1")];

    fn decode(_: Event<RawJson>) -> Result<Option<Self>, DecodeError> {
        Ok(Some(Self))
    }
}

#[derive(Clone, Default)]
struct App(Arc<AtomicU32>);

impl App {
    fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn counted(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    async fn on_tea(self, _: Event<TeaReadyV1>) {
        self.count();
    }

    async fn on_preview(self, _: Event<UrlPreviewGet>) -> UrlPreviewReply {
        self.count();
        UrlPreviewReply::title("a link")
    }

    async fn on_kitchen(self, _: Kitchen) {
        self.count();
    }

    async fn on_raw(self, _: Event<RawJson>) -> RawReply {
        self.count();
        RawReply::none()
    }
}

/// Everything that takes a state, whether it is there or not.
fn register<P>(builder: DispatcherBuilder<App, P>) -> DispatcherBuilder<App, P> {
    builder
        .on_with::<TeaReadyV1>(App::on_tea)
        .on_with(App::on_preview)
        .on_all_with::<Kitchen>(App::on_kitchen)
        .on_raw_with("kitchen.raw_v1", App::on_raw)
        .fallback_with(App::on_raw)
}

async fn dispatch(dispatcher: &Dispatcher, event_type: &str) -> Outcome {
    let delivery = Delivery::new(EventHeader::new(event_type), RawJson::default());
    dispatcher.dispatch(delivery).await.unwrap()
}

#[tokio::test]
async fn a_state_comes_before_or_after_its_handlers() {
    let (first, second) = (App::default(), App::default());
    let before = register(Dispatcher::builder().with_state(first.clone()));
    let after = register(Dispatcher::builder()).with_state(second.clone());
    for (builder, app) in [(before, first), (after, second)] {
        // A builder can be built more than once.
        for dispatcher in [builder.clone().build().unwrap(), builder.build().unwrap()] {
            for event_type in [
                "kitchen.tea.ready_v1",
                "kitchen.set_v1",
                "kitchen.raw_v1",
                "x_v1",
            ] {
                assert_eq!(dispatch(&dispatcher, event_type).await, Outcome::Handled);
            }
            let replied = dispatch(&dispatcher, UrlPreviewGet::EVENT_TYPE).await;
            assert!(matches!(replied, Outcome::Replied(_)), "{replied:?}");
        }
        assert_eq!(app.counted(), 10);
    }
}

#[tokio::test]
async fn handlers_keep_the_state_that_they_were_registered_with() {
    let (first, second) = (App::default(), App::default());
    let first_half = Dispatcher::builder()
        .on_with(App::on_tea)
        .with_state(first.clone());
    let both: DispatcherBuilder<App, HasState<App>> = first_half
        .with_state(second.clone())
        .fallback_with(App::on_raw);
    let dispatcher = both.build().unwrap();
    for _ in 0..2 {
        dispatch(&dispatcher, "kitchen.tea.ready_v1").await;
    }
    dispatch(&dispatcher, "kitchen.other_v1").await;
    assert_eq!((first.counted(), second.counted()), (2, 1));
}

#[test]
fn a_second_handler_clashes_whatever_it_takes() {
    let clash = register(Dispatcher::builder())
        .on_raw("kitchen.raw_v1", |_| async move {})
        .fallback(|_| async move {})
        .on_all_with::<Kitchen>(App::on_kitchen)
        .with_state(App::default());
    let error = clash.build().unwrap_err().to_string();
    for problem in [
        "two handlers for kitchen.raw_v1",
        "two fallbacks",
        "two handlers for kitchen.set_v1",
    ] {
        assert!(error.contains(problem), "{error}");
    }
    assert_eq!(error.matches("state.rs").count(), 6, "{error}");
}
