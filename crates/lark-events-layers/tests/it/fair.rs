//! Fair runs, on both transports: a busy key costs no other key and no callback its place, and what waits is not
//! started once nobody waits for it any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use lark_events::{BoxError, Delivery, LateHandler, Outcome, RawJson};
use lark_events_layers::{DedupLayer, InOrderLayer, LayerErrorKind};
use lark_events_sim::{Document, Mode, Platform, PlatformBuilder, Push};
use lark_events_tower::EventService;
use lark_events_ws::{Domain, LongConnection, LongConnectionBuilder, State};
use serde_json::json;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tower::{Layer as _, Service, ServiceBuilder, ServiceExt as _};

use crate::in_order::recording;
use crate::passing::{delivery, pass, refusal};
use crate::support::{event, platform, webhook};
use crate::transports::{BOTH, answered, code, delivering};

const SECOND: Duration = Duration::from_secs(1);

fn message(chat: &str, id: &str) -> Document {
    let body = json!({"message": {"chat_id": chat, "message_id": id}});
    let document = Document::v2("im.message.receive_v1", &body).unwrap();
    document.event_id(id)
}

/// Takes so long for an event, and replies to a callback at once.
fn handling(
    takes: Duration,
) -> impl Service<Delivery, Response = Outcome, Error = BoxError, Future: Send> + Clone + Send {
    tower::service_fn(move |delivery: Delivery| async move {
        if delivery.is_callback() {
            return Ok(Outcome::Replied(RawJson::default()));
        }
        sleep(takes).await;
        Ok(Outcome::Handled)
    })
}

/// Pushes a message of one chat 30 times a second for two minutes, one of a quiet chat every second, and a
/// callback every five, and says how many of each were refused.
#[tokio::test(start_paused = true)]
async fn a_busy_key_has_no_other_key_and_no_callback_refused() {
    for mode in BOTH {
        let in_order = InOrderLayer::by_pointer("/message/chat_id");
        let service = in_order.layer(handling(Duration::from_millis(100)));
        let platform = delivering(mode, service, []).await;
        let (mut busy, mut quiet, mut callbacks) = (Vec::new(), Vec::new(), Vec::new());
        for tick in 0..30 * 120 {
            busy.push(platform.push(message("busy", &format!("b{tick}"))));
            if tick % 30 == 0 {
                quiet.push(platform.push(message("quiet", &format!("q{tick}"))));
            }
            if tick % 150 == 0 {
                callbacks.push(platform.push(event("card.action.trigger")));
            }
            sleep(SECOND / 30).await;
        }
        let refused = async |pushes: Vec<Push>| {
            let mut refused = 0;
            for mut push in pushes {
                refused += usize::from(answered(&mut push).await.0 != 200);
            }
            refused
        };
        assert_eq!(refused(quiet).await, 0, "{mode:?}");
        assert_eq!(refused(callbacks).await, 0, "{mode:?}");
        // The busy one has what it can have: ten a second are handled.
        let refused = refused(busy).await;
        assert!((2_300..2_500).contains(&refused), "{mode:?}: {refused}");
        assert!(in_order.stats().overloaded > 0);
    }
}

#[tokio::test(start_paused = true)]
async fn so_many_keys_are_busy_that_every_slot_is_taken_and_a_callback_has_its_own() {
    const SLOTS: usize = 4;
    for mode in BOTH {
        let service = handling(2 * SECOND);
        let platform = platform();
        let mut connected = None;
        let platform = if mode == Mode::Webhook {
            let events = EventService::builder(webhook(), service).max_running(SLOTS);
            started(platform.webhook_service(events.build().unwrap())).await
        } else {
            let platform = started(platform).await;
            let set = |builder: LongConnectionBuilder| builder.max_running(SLOTS);
            connected = Some(connect(&platform, service, set).await);
            platform
        };
        let events: Vec<_> = (0..SLOTS).map(|_| platform.push(event("x_v1"))).collect();
        sleep(SECOND / 10).await;
        let mut one_more = platform.push(event("x_v1"));
        sleep(SECOND / 10).await;
        let mut callback = platform.push(event("card.action.trigger"));
        assert_eq!(answered(&mut callback).await, (200, 0), "{mode:?}");
        // Refused by a webhook; waits on a long connection, until its deadline.
        assert_ne!(answered(&mut one_more).await.0, 200, "{mode:?}");
        for mut push in events {
            assert_eq!(answered(&mut push).await.0, 200, "{mode:?}");
        }
        drop(connected);
    }
}

async fn started(platform: PlatformBuilder) -> Arc<Platform> {
    let platform = platform.app("cli_a1b2c3d4e5f60718", "app-secret");
    Arc::new(platform.start().await.unwrap())
}

/// A long connection of `service`: how to shut it down, and its end.
async fn connect<S>(
    platform: &Arc<Platform>,
    service: S,
    set: impl FnOnce(LongConnectionBuilder) -> LongConnectionBuilder,
) -> (oneshot::Sender<()>, JoinHandle<()>)
where
    S: Service<Delivery, Response = Outcome, Error = BoxError, Future: Send>
        + Clone
        + Send
        + 'static,
{
    let dialed = Arc::clone(platform);
    let builder = LongConnection::builder("cli_a1b2c3d4e5f60718", "app-secret")
        .domain(Domain::custom(platform.base_url()))
        .connect_with(move |_| {
            let stream = dialed.dial();
            async move { Ok(stream) }
        });
    let connection = set(builder).build().unwrap();
    let monitor = connection.monitor();
    let (shut_down, asked) = oneshot::channel();
    let asked = async { asked.await.unwrap_or_default() };
    let running = connection
        .run(service)
        .with_graceful_shutdown(asked)
        .into_future();
    let running = tokio::spawn(async move { running.await.unwrap() });
    monitor.until(State::is_connected).await;
    (shut_down, running)
}

/// Pushes six events, a drain begins after so long, and says what they were answered with and how many were started.
async fn six_and_a_drain<L>(mode: Mode, layer: L, begins: Duration) -> (Vec<i64>, usize)
where
    L: tower::Layer<tower::util::BoxCloneService<Delivery, Outcome, BoxError>>,
    L::Service: Service<Delivery, Response = Outcome, Error = BoxError, Future: Send>
        + Clone
        + Send
        + 'static,
{
    let (service, record) = recording(SECOND);
    let service = layer.layer(tower::util::BoxCloneService::new(service));
    let of_one_key = || event("x_v1").event_id("1");
    let six = |platform: &Platform| -> Vec<Push> {
        (0..6).map(|_| platform.push(of_one_key())).collect()
    };
    let minute = 60 * SECOND;
    let mut pushes;
    if mode == Mode::Webhook {
        let events = EventService::new(webhook(), service);
        let platform = platform().webhook_service(events.clone());
        let platform = platform.start().await.unwrap();
        pushes = six(&platform);
        sleep(begins).await;
        events.drain(minute).await.unwrap();
    } else {
        let platform = started(platform()).await;
        let (shut_down, running) = connect(&platform, service, |builder| {
            builder.drain_timeout(minute).late(LateHandler::Finish)
        })
        .await;
        pushes = six(&platform);
        sleep(begins).await;
        shut_down.send(()).unwrap();
        running.await.unwrap();
    }
    let mut codes = Vec::new();
    for push in &mut pushes {
        codes.push(code(&push.next_attempt().await.unwrap().answer));
    }
    codes.sort_unstable();
    (codes, record.started().len())
}

#[tokio::test(start_paused = true)]
async fn what_waits_in_a_layer_is_not_started_when_a_drain_has_begun() {
    for (mode, refused) in [(Mode::Webhook, 503), (Mode::LongConnection, 500)] {
        let begins = SECOND / 5;
        let (codes, started) = six_and_a_drain(mode, InOrderLayer::by_tenant(), begins).await;
        assert_eq!(started, 1, "{mode:?}");
        assert_eq!(
            codes.iter().filter(|&&code| code == 200).count(),
            1,
            "{mode:?}"
        );
        assert_eq!(
            codes.iter().filter(|&&code| code == refused).count(),
            5,
            "{mode:?}"
        );
        let limit = tower::limit::ConcurrencyLimitLayer::new(1);
        let layers = ServiceBuilder::new()
            .layer(InOrderLayer::by(|_| None))
            .layer(limit);
        let layers = layers.into_inner();
        let (_, started) = six_and_a_drain(mode, layers, begins).await;
        assert_eq!(started, 1, "for what is inside, by {mode:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_waits_in_a_layer_is_not_started_past_its_deadline() {
    for (mode, late) in [(Mode::Webhook, 504), (Mode::LongConnection, 500)] {
        let never = 60 * SECOND;
        let (codes, started) = six_and_a_drain(mode, InOrderLayer::by_tenant(), never).await;
        // By 2.5 s two are handled, and the third runs.
        assert_eq!(started, 3, "{mode:?}");
        let count = |wanted| codes.iter().filter(|&&code| code == wanted).count();
        assert_eq!((count(200), count(late)), (2, 4), "{mode:?}");
    }
}

/// A service that fails each event after a second, so that of its duplicates each would be handled.
fn failing() -> (
    impl Service<Delivery, Response = Outcome, Error = BoxError, Future: Send> + Clone + Send,
    Arc<AtomicUsize>,
) {
    let started = Arc::<AtomicUsize>::default();
    let counted = Arc::clone(&started);
    let service = tower::service_fn(move |_: Delivery| {
        let counted = Arc::clone(&counted);
        async move {
            counted.fetch_add(1, Ordering::Relaxed);
            sleep(SECOND).await;
            Err::<Outcome, BoxError>("a failure's own text".into())
        }
    });
    (service, started)
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_that_waits_is_not_started_in_a_drain_or_past_its_deadline() {
    for mode in BOTH {
        for (begins, expected) in [(SECOND / 5, 1), (60 * SECOND, 3)] {
            let (service, started) = failing();
            let dedup = DedupLayer::new();
            let inside = tower::util::BoxCloneService::new(dedup.layer(service));
            let replaced = tower::layer::layer_fn(move |_| inside.clone());
            let (codes, _) = six_and_a_drain(mode, replaced, begins).await;
            assert_eq!(started.load(Ordering::Relaxed), expected, "{mode:?}");
            assert!(codes.iter().all(|&code| code != 200), "{mode:?}: {codes:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn only_so_many_of_a_key_wait_and_others_are_taken() {
    let (service, _) = recording(SECOND);
    let in_order = InOrderLayer::by_tenant();
    let service = in_order.layer(service);
    let of = |tenant: &str| {
        let mut delivery = delivery("x_v1", "");
        delivery.header.tenant_key = Some(tenant.to_owned());
        delivery
    };
    let call = |tenant| tokio::spawn(service.clone().oneshot(of(tenant)));
    let taken: Vec<_> = (0..=InOrderLayer::DEFAULT_MAX_WAITING_PER_KEY)
        .map(|_| call("busy"))
        .collect();
    tokio::task::yield_now().await;
    let refused = pass(&service, of("busy")).await;
    assert_eq!(refusal(refused), LayerErrorKind::Overloaded);
    let began = Instant::now();
    pass(&service, of("quiet")).await.unwrap();
    assert_eq!(began.elapsed(), SECOND);
    for taken in taken {
        taken.await.unwrap().unwrap();
    }
    assert_eq!((in_order.stats().keys, in_order.stats().waiting), (0, 0));
}

/// Frames of one connection, on several threads.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_long_connection_calls_a_layer_in_the_order_of_its_frames() {
    const MESSAGES: usize = 1_000;
    let called = Arc::<std::sync::Mutex<Vec<usize>>>::default();
    let recorded = Arc::clone(&called);
    let service = tower::service_fn(move |delivery: Delivery| {
        let id = delivery.header.event_id.unwrap().parse().unwrap();
        recorded.lock().unwrap().push(id);
        async { Ok::<_, BoxError>(Outcome::Handled) }
    });
    // The platform has one thread, so that its frames are in the order of the pushes.
    let (start, started) = oneshot::channel();
    let (open, opened) = oneshot::channel::<()>();
    let pushing = std::thread::spawn(move || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().build().unwrap();
        runtime.block_on(async {
            let platform = platform().app("cli_a1b2c3d4e5f60718", "app-secret");
            let platform = Arc::new(platform.start().await.unwrap());
            start.send(Arc::clone(&platform)).unwrap();
            opened.await.unwrap();
            let message = |id: usize| platform.push(message("oc_1", &id.to_string()));
            let pushes: Vec<_> = (0..MESSAGES).map(message).collect();
            for push in pushes {
                assert!(push.await.acknowledged());
            }
        });
    });
    let platform = started.await.unwrap();
    let (shut_down, running) =
        connect(&platform, service, |builder| builder.max_running(MESSAGES)).await;
    open.send(()).unwrap();
    tokio::task::spawn_blocking(|| pushing.join().unwrap())
        .await
        .unwrap();
    drop(shut_down);
    running.await.unwrap();
    let called = called.lock().unwrap();
    let inversions = called.windows(2).filter(|two| two[0] > two[1]).count();
    assert_eq!((called.len(), inversions), (MESSAGES, 0));
}
