//! De-duplication: what is handled once, what is handled again, and what waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use http::{Request, Uri};
use http_body_util::Full;
use lark_events::webhook::WebhookBuilder;
use lark_events::{BoxError, Delivery, Outcome, RawJson, Webhook};
use lark_events_layers::{DedupLayer, LayerBuildErrorKind};
use lark_events_sim::{Document, Fault, Mode};
use lark_events_tower::EventService;
use serde_json::json;
use tokio::time::{advance, sleep, timeout};
use tower::{Layer as _, Service};

use crate::passing::{delivery, pass};
use crate::support::{KEY, PATH, event, platform, status, watched};
use crate::transports::{BOTH, answered, delivering};

/// What a handler does, after 100 ms.
#[derive(Clone)]
pub(crate) enum Act {
    Succeed(Outcome),
    Fail,
    Panic,
}

pub(crate) const SUCCEED: Act = Act::Succeed(Outcome::Handled);

/// A service that does one thing after another, then nothing else than succeed, and counts its calls.
pub(crate) fn acting(
    acts: impl IntoIterator<Item = Act>,
) -> (
    impl Service<Delivery, Response = Outcome, Error = BoxError, Future: Send> + Clone + Send,
    Arc<AtomicUsize>,
) {
    let calls = Arc::<AtomicUsize>::default();
    let counted = Arc::clone(&calls);
    let acts: Arc<[Act]> = acts.into_iter().collect();
    let service = tower::service_fn(move |_: Delivery| {
        let call = counted.fetch_add(1, Ordering::Relaxed);
        let act = acts.get(call).cloned().unwrap_or(SUCCEED);
        async move {
            sleep(Duration::from_millis(100)).await;
            match act {
                Act::Succeed(outcome) => Ok(outcome),
                Act::Fail => Err("a failure's own text".into()),
                Act::Panic => panic!("a panic's own text"),
            }
        }
    });
    (service, calls)
}

fn calls(calls: &AtomicUsize) -> usize {
    calls.load(Ordering::Relaxed)
}

#[tokio::test(start_paused = true)]
async fn a_handled_event_is_acknowledged_as_it_was_and_not_handled_again() {
    let reply = Outcome::Replied(RawJson::default());
    for (first, again) in [
        (Outcome::Handled, Outcome::Handled),
        (Outcome::Unhandled, Outcome::Unhandled),
        (reply, Outcome::Handled),
    ] {
        let (service, count) = acting([Act::Succeed(first.clone())]);
        let dedup = DedupLayer::new();
        let service = dedup.layer(service);
        assert_eq!(pass(&service, delivery("x_v1", "1")).await.unwrap(), first);
        for _ in 0..2 {
            let outcome = pass(&service, delivery("x_v1", "1")).await.unwrap();
            assert_eq!(outcome, again);
        }
        assert_eq!(calls(&count), 1);
        assert_eq!((dedup.stats().duplicates, dedup.stats().waited), (2, 0));
        pass(&service, delivery("x_v1", "2")).await.unwrap();
        assert_eq!(calls(&count), 2, "another event");
    }
}

#[tokio::test(start_paused = true)]
async fn a_handled_event_is_remembered_for_eight_hours() {
    let (service, count) = acting([]);
    let service = DedupLayer::new().layer(service);
    pass(&service, delivery("x_v1", "1")).await.unwrap();
    advance(DedupLayer::DEFAULT_KEPT - Duration::from_millis(1)).await;
    pass(&service, delivery("x_v1", "1")).await.unwrap();
    assert_eq!(calls(&count), 1);
    advance(Duration::from_millis(1)).await;
    pass(&service, delivery("x_v1", "1")).await.unwrap();
    assert_eq!(calls(&count), 2);
    assert_eq!(DedupLayer::DEFAULT_KEPT, Duration::from_secs(28_800));
}

#[tokio::test(start_paused = true)]
async fn an_event_is_remembered_for_as_long_as_it_is_set_to_be() {
    const HOUR: Duration = Duration::from_hours(1);
    for kept in [HOUR, 20 * HOUR] {
        let (service, count) = acting([]);
        let service = DedupLayer::builder()
            .keep_for(kept)
            .build()
            .unwrap()
            .layer(service);
        pass(&service, delivery("x_v1", "1")).await.unwrap();
        advance(kept - Duration::from_millis(1)).await;
        pass(&service, delivery("x_v1", "1")).await.unwrap();
        assert_eq!(calls(&count), 1, "{kept:?}");
        advance(Duration::from_millis(1)).await;
        pass(&service, delivery("x_v1", "1")).await.unwrap();
        assert_eq!(calls(&count), 2, "{kept:?}");
    }
}

/// A webhook by tokio's clock before `service`, and what it answers to requests signed so many minutes
/// from the start of the test, whenever they come.
fn by_tokios_clock<S>(
    webhook: WebhookBuilder,
    service: S,
) -> impl AsyncFn(u64, &Request<Bytes>) -> u16
where
    S: Service<Delivery, Response = Outcome, Error = BoxError, Future: Send>
        + Clone
        + Send
        + 'static,
{
    let start = tokio::time::Instant::now();
    let webhook = webhook
        .encrypt_key(KEY)
        .clock(move || UNIX_EPOCH + EPOCH + start.elapsed());
    let service = EventService::new(webhook.build().unwrap(), service);
    async move |minute, request: &Request<Bytes>| {
        let now = start + Duration::from_mins(minute);
        tokio::time::sleep_until(now).await;
        status(&service, request.clone().map(Full::new)).await
    }
}

const EPOCH: Duration = Duration::from_secs(1_700_000_000);

/// An event that the platform has signed by a clock of its own, in minutes from the start of the test.
fn signed_at(minute: u64) -> Request<Bytes> {
    let minutes = Duration::from_mins(minute);
    let platform = platform().clock(move || UNIX_EPOCH + EPOCH + minutes);
    let mut request = platform.request(event("x_v1").event_id("e-1"));
    *request.uri_mut() = Uri::from_static(PATH);
    request
}

#[tokio::test(start_paused = true)]
async fn no_request_is_handled_again_for_as_long_as_it_counts() {
    const MINUTE: Duration = Duration::from_mins(1);
    let usual = || (DedupLayer::new(), Webhook::builder());
    let shorter = (
        DedupLayer::builder().keep_for(MINUTE).build().unwrap(),
        Webhook::builder().freshness(30 * MINUTE, 10 * MINUTE),
    );
    let longer = (
        DedupLayer::new(),
        Webhook::builder().freshness(6_000 * MINUTE, 10 * MINUTE),
    );
    // The platform's clock is ahead by as much as it may be.
    let captured = signed_at(10);
    for ((dedup, webhook), replayed_at, counts_until) in [
        (usual(), 485, 490),
        (usual(), 490, 490),
        (shorter, 40, 40),
        (longer, 6_010, 6_010),
    ] {
        let (service, count) = acting([]);
        let answer = by_tokios_clock(webhook, dedup.layer(service));
        for minute in [0, replayed_at] {
            assert_eq!(answer(minute, &captured).await, 200, "{minute}");
        }
        assert_eq!(calls(&count), 1, "after {replayed_at} min");
        assert_eq!(answer(counts_until + 1, &captured).await, 401);
    }
}

#[tokio::test(start_paused = true)]
async fn a_redelivery_that_is_signed_anew_is_no_more_handled_again_than_the_first() {
    let (service, count) = acting([]);
    let answer = by_tokios_clock(Webhook::builder(), DedupLayer::new().layer(service));
    assert_eq!(answer(0, &signed_at(0)).await, 200);
    let redelivery = signed_at(7 * 60);
    for hour in [7, 9, 15] {
        assert_eq!(answer(hour * 60, &redelivery).await, 200);
        assert_eq!(calls(&count), 1, "after {hour} h");
    }
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_of_a_running_event_waits_and_gets_its_outcome() {
    for outcome in [Outcome::Handled, Outcome::Unhandled] {
        let (service, count) = acting([Act::Succeed(outcome.clone())]);
        let dedup = DedupLayer::new();
        let service = dedup.layer(service);
        let all = tokio::join!(
            pass(&service, delivery("x_v1", "1")),
            pass(&service, delivery("x_v1", "1")),
            pass(&service, delivery("x_v1", "1")),
        );
        for result in [all.0, all.1, all.2] {
            assert_eq!(result.unwrap(), outcome);
        }
        assert_eq!(calls(&count), 1);
        assert_eq!((dedup.stats().duplicates, dedup.stats().waited), (2, 2));
    }
}

#[tokio::test(start_paused = true)]
async fn when_the_first_fails_the_next_is_handled_one_at_a_time() {
    let (service, count) = acting([Act::Fail, Act::Fail]);
    let service = DedupLayer::new().layer(service);
    let began = tokio::time::Instant::now();
    let all = tokio::join!(
        pass(&service, delivery("x_v1", "1")),
        pass(&service, delivery("x_v1", "1")),
        pass(&service, delivery("x_v1", "1")),
        pass(&service, delivery("x_v1", "1")),
    );
    assert!(all.0.is_err() && all.1.is_err() && all.2.is_ok() && all.3.is_ok());
    assert_eq!(calls(&count), 3);
    assert_eq!(began.elapsed(), Duration::from_millis(300));
}

#[tokio::test(start_paused = true)]
async fn after_a_failure_or_a_panic_the_next_delivery_is_handled() {
    let (service, count) = acting([Act::Fail, Act::Panic]);
    let service = DedupLayer::new().layer(service);
    assert!(pass(&service, delivery("x_v1", "1")).await.is_err());
    let panicking = service.clone();
    let panicking = tokio::spawn(async move { pass(&panicking, delivery("x_v1", "1")).await });
    sleep(Duration::from_millis(1)).await;
    let waiting = pass(&service, delivery("x_v1", "1"));
    let (panicked, waited) = tokio::join!(panicking, waiting);
    assert!(panicked.unwrap_err().is_panic());
    assert_eq!(waited.unwrap(), Outcome::Handled);
    pass(&service, delivery("x_v1", "1")).await.unwrap();
    assert_eq!(calls(&count), 3);
}

#[tokio::test(start_paused = true)]
async fn a_first_that_is_dropped_half_way_wakes_those_that_wait() {
    let (service, count) = acting([]);
    let service = DedupLayer::new().layer(service);
    let half = Duration::from_millis(50);
    let dropped = timeout(half, pass(&service, delivery("x_v1", "1")));
    let (dropped, waited) = tokio::join!(dropped, pass(&service, delivery("x_v1", "1")));
    assert!(dropped.is_err());
    assert_eq!(waited.unwrap(), Outcome::Handled);
    assert_eq!(calls(&count), 2);

    let dropped = timeout(half, pass(&service, delivery("x_v1", "2")));
    assert!(dropped.await.is_err());
    pass(&service, delivery("x_v1", "2")).await.unwrap();
    assert_eq!(calls(&count), 4, "also when nobody waited");
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_that_gives_up_waiting_changes_nothing() {
    let (service, count) = acting([]);
    let service = DedupLayer::new().layer(service);
    let half = Duration::from_millis(50);
    let (first, gave_up, last) = tokio::join!(
        pass(&service, delivery("x_v1", "1")),
        timeout(half, pass(&service, delivery("x_v1", "1"))),
        pass(&service, delivery("x_v1", "1")),
    );
    assert!(first.is_ok() && gave_up.is_err() && last.is_ok());
    assert_eq!(calls(&count), 1);
}

#[tokio::test(start_paused = true)]
async fn an_event_is_told_by_its_app_its_type_and_its_id() {
    let (service, count) = acting([]);
    let service = DedupLayer::new().layer(service);
    let mut of_another_app = delivery("x_v1", "1");
    of_another_app.header.app_id = Some("cli_2".to_owned());
    for (delivery, expected) in [
        (delivery("x_v1", "1"), 1),
        (delivery("x_v1", "1"), 1),
        (delivery("x_v1", "2"), 2),
        (delivery("y_v1", "1"), 3),
        (of_another_app, 4),
        (delivery("x_v1", ""), 5),
        (delivery("x_v1", ""), 6),
        (delivery("profile.view.get", "1"), 7),
        (delivery("profile.view.get", "1"), 8),
    ] {
        let named = format!("{:?}", delivery.header);
        pass(&service, delivery).await.unwrap();
        assert_eq!(calls(&count), expected, "{named}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_remembered_of_an_event_is_bounded() {
    let (service, count) = acting([]);
    let service = DedupLayer::new().layer(service);
    // With `:x_v1:` before it, exactly a kibibyte.
    let longest = "i".repeat(1_018);
    for (id, expected) in [(longest.clone(), 1), (longest + "i", 3)] {
        for _ in 0..2 {
            pass(&service, delivery("x_v1", &id)).await.unwrap();
        }
        assert_eq!(calls(&count), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_is_told_by_its_own_id() {
    let (service, count) = acting([]);
    let service = DedupLayer::new().layer(service);
    let message = |event_id: &str, body: &str| {
        let mut delivery = delivery("im.message.receive_v1", event_id);
        delivery.raw = RawJson::parse(body.to_owned()).unwrap();
        delivery
    };
    for (delivery, expected) in [
        (message("1", r#"{"message":{"message_id":"om_1"}}"#), 1),
        (message("2", r#"{"message":{"message_id":"om_1"}}"#), 1),
        (message("1", r#"{"message":{"message_id":"om_2"}}"#), 2),
        (message("1", r#"{"message":{}}"#), 3),
        (message("1", r#"{"message":{"message_id":""}}"#), 3),
        (message("1", r#"{"message":7}"#), 3),
        (message("2", "[]"), 4),
        (message("", "{}"), 5),
        (message("", "{}"), 6),
    ] {
        let named = delivery.raw.as_str().to_owned();
        pass(&service, delivery).await.unwrap();
        assert_eq!(calls(&count), expected, "{named}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_type_can_have_a_key_of_its_own() {
    let (service, count) = acting([]);
    let by_tenant = |delivery: &Delivery| delivery.header.tenant_key.clone();
    let dedup = DedupLayer::builder()
        .key_for("x_v1", by_tenant)
        .key_for("im.message.receive_v1", |_| None)
        .build()
        .unwrap();
    let service = dedup.layer(service);
    let of_tenant = |event_type: &str, event_id: &str, tenant: &str| {
        let mut delivery = delivery(event_type, event_id);
        delivery.header.tenant_key = Some(tenant.to_owned());
        delivery.raw = RawJson::parse(r#"{"message":{"message_id":"om_1"}}"#).unwrap();
        delivery
    };
    for (delivery, expected) in [
        (of_tenant("x_v1", "1", "a"), 1),
        (of_tenant("x_v1", "2", "a"), 1),
        (of_tenant("x_v1", "1", "b"), 2),
        (of_tenant("x_v1", "1", ""), 3),
        (of_tenant("x_v1", "1", ""), 3),
        (of_tenant("x_v1", "1", &"a".repeat(2000)), 3),
        (of_tenant("x_v1", "", ""), 4),
        (of_tenant("x_v1", "", ""), 5),
        (of_tenant("im.message.receive_v1", "1", "a"), 6),
        (of_tenant("im.message.receive_v1", "2", "a"), 7),
    ] {
        pass(&service, delivery).await.unwrap();
        assert_eq!(calls(&count), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_holds_no_permit_of_a_limit_inside() {
    let (service, count) = acting([]);
    let limited = tower::ServiceBuilder::new()
        .layer(DedupLayer::new())
        .concurrency_limit(2)
        .service(service);
    let began = tokio::time::Instant::now();
    let all = tokio::join!(
        pass(&limited, delivery("x_v1", "1")),
        pass(&limited, delivery("x_v1", "1")),
        pass(&limited, delivery("x_v1", "1")),
        pass(&limited, delivery("x_v1", "2")),
    );
    assert!(all.0.is_ok() && all.1.is_ok() && all.2.is_ok() && all.3.is_ok());
    assert_eq!(calls(&count), 2);
    assert_eq!(began.elapsed(), Duration::from_millis(100));
}

#[tokio::test(start_paused = true)]
async fn on_both_transports_what_the_platform_repeats_is_handled_once() {
    for mode in BOTH {
        let (service, count) = acting([Act::Fail]);
        let service = DedupLayer::new().layer(service);
        let again = [Duration::from_secs(15)];
        let platform = delivering(mode, service, again).await;
        let same = || event("x_v1").event_id("e-1");

        let mut push = platform.push(same());
        assert_eq!(answered(&mut push).await, (500, 100), "{mode:?}");
        assert_eq!(answered(&mut push).await, (200, 100), "again, by {mode:?}");
        assert_eq!(calls(&count), 2);
        for _ in 0..2 {
            assert_eq!(answered(&mut platform.push(same())).await, (200, 0));
        }
        assert_eq!(calls(&count), 2);

        let v1 = || Document::v1("message", &json!({})).unwrap().event_id("u-1");
        let (mut first, mut second) = (platform.push(v1()), platform.push(v1()));
        let both = tokio::join!(answered(&mut first), answered(&mut second));
        assert_eq!(both, ((200, 100), (200, 100)), "at once, by {mode:?}");
        assert_eq!(calls(&count), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn on_both_transports_each_push_is_an_event_and_its_redelivery_is_none() {
    let message = r#"{"header":{"event_type":"im.message.receive_v1","event_id":"of the page"},
        "event":{"message":{"message_id":"om_1"}}}"#;
    let activity = r#"{"header":{"event_type":"payroll.payment_activity.approved_v1"},
        "event":{"activity_id":"7202076988667019308"}}"#;
    let old = r#"{"type":"event_callback","uuid":"of the page","event":{"type":"message"}}"#;
    let old_in_new = r#"{"header":{"event_type":"approval_instance","event_id":"e"},"event":{}}"#;
    for (mode, document) in BOTH.into_iter().flat_map(|mode| {
        let documents = [message, activity, old, old_in_new];
        documents.map(|document| (mode, Document::like(document)))
    }) {
        let (service, count) = acting([]);
        let dedup = DedupLayer::new();
        let again = [Duration::from_secs(15)];
        let platform = delivering(mode, dedup.layer(service), again).await;
        let named = format!("{mode:?} {document:?}");
        for pushes in 1..=5 {
            let report = platform.push(document.clone()).await;
            assert!(report.acknowledged(), "{named}");
            assert_eq!(calls(&count), pushes, "{named}");
        }
        platform.inject(Fault::LoseAnswer);
        let report = platform.push(document).await;
        assert_eq!(report.attempts.len(), 2, "{named}");
        assert!(report.acknowledged(), "{named}");
        assert_eq!((calls(&count), dedup.stats().duplicates), (6, 1), "{named}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_handler_goes_on_and_its_redelivery_is_a_duplicate() {
    for (mode, late) in [(Mode::Webhook, 504), (Mode::LongConnection, 500)] {
        let (dispatcher, seen) = watched();
        let slow = tower::service_fn(move |delivery: Delivery| {
            let dispatcher = dispatcher.clone();
            async move {
                sleep(Duration::from_secs(8)).await;
                pass(&dispatcher, delivery).await
            }
        });
        let again = [Duration::from_secs(5)];
        let platform = delivering(mode, DedupLayer::new().layer(slow), again).await;
        let mut push = platform.push(event("quick_v1"));
        assert_eq!(answered(&mut push).await, (late, 2_500), "{mode:?}");
        // It comes after 7.5 seconds, and waits for the first to be done after 8.
        assert_eq!(answered(&mut push).await, (200, 500), "{mode:?}");
        assert_eq!(seen.started(), 1, "{mode:?}");
    }
}

#[test]
fn a_lease_of_0_is_an_error_that_names_it() {
    let error = DedupLayer::builder().lease(Duration::ZERO).build();
    let error = error.unwrap_err();
    assert_eq!(error.kind(), LayerBuildErrorKind::Zero);
    let expected = "`lease` must be greater than 0, got 0";
    assert!(error.to_string().starts_with(expected), "{error}");
}
