//! Events of one key in order: who waits for whom, and what is left of a key.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use lark_events::{BoxError, Delivery, Outcome, RawJson};
use lark_events_layers::{InOrderLayer, LayerBuildErrorKind, LayerErrorKind};
use lark_events_sim::{Document, Mode};
use serde_json::json;
use tokio::time::{Instant, sleep, timeout};
use tower::{Layer as _, Service, ServiceBuilder};

use crate::passing::{delivery, pass, refusal};
use crate::support::{event, watched};
use crate::transports::{BOTH, answered, delivering};

/// What a service was called with, by the ids of the events.
#[derive(Debug, Default)]
pub(crate) struct Record(Mutex<(Vec<String>, usize, usize)>);

impl Record {
    pub(crate) fn started(&self) -> Vec<String> {
        self.0.lock().unwrap().0.clone()
    }

    pub(crate) fn most_at_once(&self) -> usize {
        self.0.lock().unwrap().2
    }

    fn start(&self, id: String) {
        let (started, running, most) = &mut *self.0.lock().unwrap();
        started.push(id);
        *running += 1;
        *most = (*most).max(*running);
    }
}

/// Counts as running until it is dropped.
struct Running(Arc<Record>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.0.lock().unwrap().1 -= 1;
    }
}

/// A service that records its events and takes so long for each. It fails those of `failing_v1`,
/// panics for those of `panicking_v1`.
pub(crate) fn recording(
    takes: Duration,
) -> (
    impl Service<Delivery, Response = Outcome, Error = BoxError, Future: Send> + Clone + Send,
    Arc<Record>,
) {
    let record = Arc::new(Record::default());
    let recorded = Arc::clone(&record);
    let service = tower::service_fn(move |delivery: Delivery| {
        let record = Arc::clone(&recorded);
        async move {
            record.start(delivery.header.event_id.unwrap());
            let _running = Running(record);
            sleep(takes).await;
            match delivery.header.event_type.as_str() {
                "failing_v1" => Err("a failure's own text".into()),
                "panicking_v1" => panic!("a panic's own text"),
                _ => Ok(Outcome::Handled),
            }
        }
    });
    (service, record)
}

fn of_tenant(tenant: &str, id: &str) -> Delivery {
    let mut delivery = delivery("x_v1", id);
    delivery.header.tenant_key = Some(tenant.to_owned());
    delivery
}

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn one_key_is_handled_in_the_order_of_calls_and_others_at_the_same_time() {
    let (service, record) = recording(SECOND);
    let in_order = InOrderLayer::by_tenant();
    let mut service = in_order.layer(service);
    let mut call = |tenant, id| service.call(of_tenant(tenant, id));
    let calls = [
        call("a", "a1"),
        call("a", "a2"),
        call("b", "b1"),
        call("a", "a3"),
    ];
    assert_eq!((in_order.stats().keys, in_order.stats().waiting), (2, 2));
    let began = Instant::now();
    let [a1, a2, b1, a3] = calls;
    // Waited for the other way round.
    let all = tokio::join!(a3, b1, a2, a1);
    assert!(all.0.is_ok() && all.1.is_ok() && all.2.is_ok() && all.3.is_ok());
    assert_eq!(began.elapsed(), 3 * SECOND);
    let started = record.started();
    let of_a: Vec<_> = started.iter().filter(|id| id.starts_with('a')).collect();
    assert_eq!(of_a, ["a1", "a2", "a3"]);
    assert_eq!(record.most_at_once(), 2);
    assert_eq!((in_order.stats().keys, in_order.stats().waiting), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn order_holds_among_threads_and_no_key_is_left() {
    let records = [(); 10].map(|()| recording(Duration::ZERO));
    let in_order = InOrderLayer::builder()
        .max_waiting_per_key(10_000)
        .max_waiting(10_000)
        .build()
        .unwrap();
    let mut services = records
        .each_ref()
        .map(|(service, _)| in_order.layer(service.clone()));
    let mut tasks = Vec::new();
    for id in 0..500 {
        for (tenant, service) in services.iter_mut().enumerate() {
            let call = service.call(of_tenant(&tenant.to_string(), &id.to_string()));
            tasks.push(tokio::spawn(async move {
                // Some are dropped, before or after their turn has come.
                match id % 7 {
                    0 => drop(call),
                    1 => drop(timeout(Duration::ZERO, call).await),
                    _ => assert!(call.await.is_ok()),
                }
            }));
        }
    }
    for task in tasks {
        task.await.unwrap();
    }
    for (_, record) in &records {
        let started = record.started();
        let ids: Vec<usize> = started.iter().map(|id| id.parse().unwrap()).collect();
        assert!(ids.is_sorted(), "{ids:?}");
        assert!(ids.len() >= 356, "{}", ids.len());
        assert_eq!(record.most_at_once(), 1);
    }
    assert_eq!((in_order.stats().keys, in_order.stats().waiting), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn an_event_that_gives_up_leaves_no_hole() {
    let (service, record) = recording(SECOND);
    let in_order = InOrderLayer::by_tenant();
    let service = in_order.layer(service);
    let tenths = |tenths, id| timeout(SECOND * tenths / 10, pass(&service, of_tenant("a", id)));
    // The one that runs, one that waits, one whose turn has come, one that nobody ever polled.
    drop(service.clone().call(of_tenant("a", "0")));
    let all = tokio::join!(
        tenths(5, "1"),
        tenths(3, "2"),
        tenths(9, "3"),
        tenths(99, "4")
    );
    assert!(all.0.is_err() && all.1.is_err() && all.2.is_err());
    assert!(all.3.unwrap().is_ok());
    assert_eq!(record.started(), ["1", "3", "4"]);
    assert_eq!(record.most_at_once(), 1);
    assert_eq!((in_order.stats().keys, in_order.stats().waiting), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_was_granted_but_never_taken_passes_on() {
    let (service, record) = recording(SECOND);
    let mut service = InOrderLayer::by_tenant().layer(service);
    let [first, second, third] = ["1", "2", "3"].map(|id| service.call(of_tenant("a", id)));
    first.await.unwrap();
    drop(second);
    third.await.unwrap();
    assert_eq!(record.started(), ["1", "3"]);
}

#[tokio::test(start_paused = true)]
async fn a_failing_or_panicking_event_does_not_block_its_key() {
    for mode in BOTH {
        let (service, record) = recording(SECOND / 10);
        let in_order = InOrderLayer::by_tenant();
        let platform = delivering(mode, in_order.layer(service), []).await;
        let pushes = ["failing_v1", "panicking_v1", "x_v1"];
        let mut pushes =
            pushes.map(|event_type| platform.push(event(event_type).event_id(event_type)));
        for (push, expected) in pushes.iter_mut().zip([(500, 100), (500, 200), (200, 300)]) {
            assert_eq!(answered(push).await, expected, "{mode:?}");
        }
        assert_eq!(record.started(), ["failing_v1", "panicking_v1", "x_v1"]);
        assert_eq!(in_order.stats().keys, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn as_many_wait_as_may_and_what_need_not_wait_is_taken() {
    let (service, _) = recording(SECOND);
    let in_order = InOrderLayer::builder().max_waiting(1).build().unwrap();
    let service = in_order.layer(service);
    let (running, waiting, refused, other) = tokio::join!(
        pass(&service, of_tenant("a", "1")),
        pass(&service, of_tenant("a", "2")),
        pass(&service, of_tenant("a", "3")),
        pass(&service, of_tenant("b", "4")),
    );
    assert!(running.is_ok() && waiting.is_ok() && other.is_ok());
    assert_eq!(refusal(refused), LayerErrorKind::Overloaded);
    assert_eq!((in_order.stats().overloaded, in_order.stats().keys), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn on_both_transports_too_many_waiting_are_refused_and_the_next_is_served() {
    for (mode, refused) in [(Mode::Webhook, 503), (Mode::LongConnection, 500)] {
        let in_order = InOrderLayer::builder().max_waiting(1).build().unwrap();
        let platform = delivering(mode, in_order.layer(recording(SECOND).0), []).await;
        let mut pushes = ["1", "2", "3"].map(|id| platform.push(event("x_v1").event_id(id)));
        let [first, second, third] = &mut pushes;
        let all = tokio::join!(answered(first), answered(second), answered(third));
        assert_eq!(all, ((200, 1_000), (200, 2_000), (refused, 0)), "{mode:?}");
        assert_eq!(
            answered(&mut platform.push(event("x_v1"))).await,
            (200, 1_000)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn on_both_transports_events_run_in_the_order_in_which_they_arrived() {
    for mode in BOTH {
        let (service, record) = recording(Duration::from_millis(10));
        let in_order = InOrderLayer::builder()
            .by_pointer("/message/chat_id")
            .max_waiting_per_key(100)
            .max_waiting(100)
            .build()
            .unwrap();
        let platform = delivering(mode, in_order.layer(service), []).await;
        let message = |id: usize| {
            let body = json!({"message": {"chat_id": format!("oc_{}", id % 2)}});
            let document = Document::v2("im.message.receive_v1", &body).unwrap();
            document.event_id(&id.to_string())
        };
        let pushes: Vec<_> = (0..100).map(|id| platform.push(message(id))).collect();
        let began = Instant::now();
        for push in pushes {
            assert!(push.await.acknowledged());
        }
        assert_eq!(
            began.elapsed(),
            Duration::from_millis(500),
            "two chats at a time"
        );
        let started = record.started();
        for chat in 0..2 {
            let ids = started.iter().map(|id| id.parse().unwrap());
            let ids: Vec<usize> = ids.filter(|id| id % 2 == chat).collect();
            assert_eq!(ids.len(), 50);
            assert!(ids.is_sorted(), "{mode:?}: {ids:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_redelivered_event_runs_after_those_that_came_meanwhile() {
    for mode in BOTH {
        let (service, record) = recording(Duration::ZERO);
        let service = InOrderLayer::by_tenant().layer(service);
        let platform = delivering(mode, service, [SECOND]).await;
        let failing = platform.push(event("failing_v1").event_id("1"));
        platform.push(event("x_v1").event_id("2")).await;
        failing.await;
        assert_eq!(record.started(), ["1", "2", "1"]);
    }
}

#[tokio::test(start_paused = true)]
async fn ready_made_keys_leave_out_callbacks_and_what_names_nothing() {
    let chat = |event_type: &str, tenant: &str, raw: &str| {
        let mut delivery = delivery(event_type, "");
        delivery.header.tenant_key = (!tenant.is_empty()).then(|| tenant.to_owned());
        delivery.raw = RawJson::parse(raw.to_owned()).unwrap();
        delivery
    };
    let (c1, c2) = (r#"{"chat":{"id":"c1"}}"#, r#"{"chat":{"id":"c2"}}"#);
    let of_both = || {
        [
            (chat("x_v1", "t", c1), chat("y_v1", "t", c1)),
            (chat("x_v1", "t", c1), chat("x_v1", "t", c2)),
            (chat("x_v1", "t", c1), chat("x_v1", "u", c1)),
            (chat("x_v1", "", "{}"), chat("x_v1", "", "{}")),
            (
                chat("card.action.trigger", "t", c1),
                chat("card.action.trigger", "t", c1),
            ),
        ]
    };
    let by_type = InOrderLayer::by(|delivery| Some(delivery.header.event_type.clone()));
    for (in_order, together) in [
        (InOrderLayer::by_tenant(), [true, true, false, false, false]),
        (
            InOrderLayer::by_pointer("/chat/id"),
            [true, false, true, false, false],
        ),
        (by_type, [false, true, true, true, true]),
    ] {
        for ((first, second), together) in of_both().into_iter().zip(together) {
            let mut service = in_order.layer(recording(SECOND).0);
            let _calls = (service.call(first), service.call(second));
            assert_eq!(in_order.stats().waiting == 1, together, "{in_order:?}");
        }
    }
}

#[test]
#[should_panic(expected = "the JSON pointer \"chat\" must begin with `/`")]
fn a_pointer_that_points_nowhere_is_refused() {
    let error = InOrderLayer::builder().by_pointer("chat").build();
    let error = error.unwrap_err();
    assert_eq!(error.kind(), LayerBuildErrorKind::InvalidPointer);
    let _ = InOrderLayer::by_pointer("chat");
}

#[tokio::test(start_paused = true)]
async fn an_event_that_waits_holds_no_permit_of_a_limit_inside() {
    let (service, _) = recording(SECOND);
    let layers = ServiceBuilder::new()
        .layer(InOrderLayer::by_tenant())
        .concurrency_limit(2);
    let service = layers.service(service);
    let began = Instant::now();
    let all = tokio::join!(
        pass(&service, of_tenant("a", "1")),
        pass(&service, of_tenant("a", "2")),
        pass(&service, of_tenant("a", "3")),
        async {
            pass(&service, of_tenant("b", "4")).await.unwrap();
            began.elapsed()
        },
    );
    assert_eq!(all.3, SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_time_out_inside_frees_the_key_and_one_outside_ends_the_waiting() {
    for (mode, late) in [(Mode::Webhook, 504), (Mode::LongConnection, 500)] {
        let layers = ServiceBuilder::new()
            .layer(InOrderLayer::by_tenant())
            .timeout(SECOND);
        let platform = delivering(mode, layers.service(watched().0), []).await;
        let mut hanging = platform.push(event("hanging_v1"));
        assert_eq!(
            answered(&mut platform.push(event("quick_v1"))).await,
            (200, 1_000)
        );
        assert_eq!(answered(&mut hanging).await, (late, 1_000), "{mode:?}");

        let in_order = InOrderLayer::by_tenant();
        let layers = ServiceBuilder::new()
            .timeout(SECOND)
            .layer(in_order.clone());
        let platform = delivering(mode, layers.service(watched().0), []).await;
        let mut hanging = platform.push(event("hanging_v1"));
        sleep(SECOND / 2).await;
        let mut waiting = platform.push(event("hanging_v1"));
        assert_eq!(answered(&mut hanging).await, (late, 1_000));
        assert_eq!(answered(&mut waiting).await, (late, 1_000));
        assert_eq!(in_order.stats().keys, 0);
        assert_eq!(
            answered(&mut platform.push(event("quick_v1"))).await,
            (200, 0)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_ends_the_first_of_a_lane_ends_those_that_wait_before_they_start() {
    let (service, record) = recording(Duration::from_hours(1));
    let layers = ServiceBuilder::new().timeout(SECOND);
    let service = layers.layer(InOrderLayer::by_tenant()).service(service);
    let call = |id| pass(&service, of_tenant("a", id));
    let (first, second, third) = tokio::join!(call("1"), call("2"), call("3"));
    assert!(first.is_err() && second.is_err() && third.is_err());
    assert_eq!(record.started(), ["1"]);
}

#[tokio::test(start_paused = true)]
async fn an_event_waits_for_its_turn_only_as_long_as_it_may() {
    let (service, record) = recording(2 * SECOND);
    let in_order = InOrderLayer::builder()
        .max_wait(3 * SECOND)
        .build()
        .unwrap();
    let service = in_order.layer(service);
    let call = |id| pass(&service, of_tenant("a", id));
    let began = Instant::now();
    let (first, second, third) = tokio::join!(call("1"), call("2"), call("3"));
    assert!(first.is_ok() && second.is_ok());
    assert_eq!(refusal(third), LayerErrorKind::Late);
    assert_eq!(began.elapsed(), 4 * SECOND);
    assert_eq!(record.started(), ["1", "2"]);
    assert!(call("4").await.is_ok(), "nobody is before it");
    assert_eq!(in_order.stats().keys, 0);
}
