//! An app whose handlers succeed, fail, panic and hang, and the layers around it: the same for both
//! transports.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lark_events::callback::{CardActionReply, CardActionTrigger, Toast};
use lark_events::{BoxError, Delivery, Dispatcher, Event, EventType as _, Outcome};
use lark_events_inbox::{Inbox, VolatileStore};
use lark_events_layers::{Claim, DedupLayer, DedupStore, InOrderLayer};
use lark_events_sim::Document;
use serde_json::json;
use tower::{Service, ServiceBuilder};
use vc_events::ReserveConfigUpdatedV1;

/// A handler's own text is logged: it is its author's, who must know.
pub(crate) const FAILURE: &str = "a failure's own text";
/// And so is a store's.
pub(crate) const STORE_FAILURE: &str = "a store's own text";

pub(crate) fn dispatcher() -> Dispatcher {
    Dispatcher::builder()
        .on::<ReserveConfigUpdatedV1>(|_| async move { Err::<(), _>(FAILURE) })
        .on::<CardActionTrigger>(|_| async move {
            CardActionReply::new().toast(Toast::info("marked-reply"))
        })
        .on_raw("good_v1", |_| async move {})
        .on_raw("numbers_v1", |event| async move {
            event.body.decode::<u64>().map(drop)
        })
        .on_raw("panicking_v1", |event: Event<_>| async move {
            assert!(event.raw().as_bytes().is_empty(), "a panic's own text");
        })
        .on_raw("hanging_v1", |_| std::future::pending::<()>())
        .build()
        .unwrap()
}

/// Events that make the app do all that it can, and documents that are none.
pub(crate) fn documents() -> Vec<Document> {
    let body = json!({"scope_id": "marked-payload", "more": ["marked-payload".repeat(40)]});
    let known = [
        ReserveConfigUpdatedV1::EVENT_TYPE,
        CardActionTrigger::EVENT_TYPE,
        "good_v1",
        "numbers_v1",
        "panicking_v1",
        "hanging_v1",
        "unknown_v1",
        "unknown.callback",
    ];
    let v2 = known.map(|event_type| Document::v2(event_type, &body).unwrap().event_id("e-1"));
    let v1 = Document::v1("good_v1", &body).unwrap();
    let no_object = Document::v2(CardActionTrigger::EVENT_TYPE, &["marked-payload"]).unwrap();
    let extra = Document::v2("good_v1", &body).unwrap();
    let extra = extra.header("resource_id", "marked-payload");
    let odd = [
        "marked-payload".into(),
        r#"{"header": "marked-payload"}"#.into(),
        json!({"marked-payload": 1}).into(),
        json!(["marked-payload"]).into(),
    ];
    let odd = odd.into_iter().chain([v1, no_object, extra]);
    v2.into_iter().chain(odd).collect()
}

/// A store that can tell of no event whether it was handled, or can remember none.
struct Failing {
    grants: bool,
}

#[async_trait]
impl DedupStore for Failing {
    async fn claim(&self, _: &str, _: u64, _: Duration) -> Result<Claim, BoxError> {
        let granted = self.grants.then_some(Claim::Granted);
        granted.ok_or_else(|| STORE_FAILURE.into())
    }

    async fn done(&self, _: &str, _: Outcome, _: Duration) -> Result<(), BoxError> {
        Err(STORE_FAILURE.into())
    }

    async fn release(&self, _: &str, _: u64) -> Result<(), BoxError> {
        Err(STORE_FAILURE.into())
    }
}

/// All layers around the app, with keys that are bodies.
pub(crate) fn layered(
    store_grants: bool,
) -> impl Service<Delivery, Response = Outcome, Error = BoxError, Future: Send>
+ Clone
+ Send
+ Sync
+ 'static {
    let store = Arc::new(Failing {
        grants: store_grants,
    });
    let dedup = DedupLayer::builder().store(store).key_for("good_v1", body);
    let in_order = InOrderLayer::builder().by(body).max_waiting(1);
    ServiceBuilder::new()
        .layer(dedup.build().unwrap())
        .layer(in_order.build().unwrap())
        .timeout(Duration::from_secs(1))
        .service(dispatcher())
}

fn body(delivery: &Delivery) -> Option<String> {
    Some(delivery.raw.as_str().to_owned())
}

/// An inbox around the app, with keys that are bodies.
pub(crate) fn stored() -> Inbox<Dispatcher> {
    let store = VolatileStore::builder().max_events(12).build().unwrap();
    Inbox::builder(Arc::new(store))
        .lane_by(|delivery| Some(delivery.header.event_type.clone()))
        .key_for("good_v1", body)
        .attempts(2)
        .unhandled_for(Duration::from_secs(5))
        .drain_timeout(Duration::from_secs(10))
        .build(dispatcher())
        .unwrap()
}
