//! The model against a real run: the simulated platform posts the same events to a webhook with a real inbox, or
//! without one, on a paused clock, through the same outage.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use lark_events::{BoxError, Delivery, Outcome, Webhook};
use lark_events_inbox::{Inbox, Store, VolatileStore};
use lark_events_layers::DedupLayer;
use lark_events_sim::{Attempts, Document, Platform, VERIFICATION_TOKEN};
use lark_events_tower::{EventService, ResponseBody};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep, sleep_until};
use tower::util::BoxCloneSyncService;
use tower::{Layer as _, Service, ServiceExt as _};

use super::model::{App, Load, Outage, Played, play};

type Handler = BoxCloneSyncService<Delivery, Outcome, BoxError>;
type Posted = Request<Full<Bytes>>;
type Answer = Response<ResponseBody>;
type Server = BoxCloneSyncService<Posted, Answer, Infallible>;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: u32 = 3600;
/// More than any of these runs takes.
const MAX_SECONDS: u32 = 24 * HOUR;

/// What is seen of a run.
struct Seen {
    began: Instant,
    played: Mutex<Played>,
    /// The attempts of each second.
    attempts: Mutex<HashMap<u64, u32>>,
    /// Events that were refused and are to come again.
    refused: Mutex<u32>,
    /// When an event was acknowledged, until its handler is called.
    acknowledged: Mutex<HashMap<String, Instant>>,
}

impl Seen {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            began: Instant::now(),
            played: Mutex::default(),
            attempts: Mutex::default(),
            refused: Mutex::default(),
            acknowledged: Mutex::default(),
        })
    }

    /// Follows an event to its end.
    async fn follow(self: Arc<Self>, mut attempts: Attempts) {
        let mut was_refused = false;
        while let Some(attempt) = attempts.next().await {
            let at = self.began.elapsed().saturating_sub(attempt.took);
            let mut seconds = self.attempts.lock().unwrap();
            *seconds.entry(at.as_secs()).or_default() += 1;
            drop(seconds);
            let is_last = attempt.next.is_none();
            let is_late = attempt.answer.status() == Some(StatusCode::GATEWAY_TIMEOUT);
            let is_refused = !attempt.accepted() && !is_last && !is_late;
            let mut refused = self.refused.lock().unwrap();
            *refused = *refused + u32::from(is_refused) - u32::from(was_refused);
            drop(refused);
            was_refused = is_refused;
            if !attempt.accepted() {
                let mut played = self.played.lock().unwrap();
                played.failed[attempt.number - 1] += 1.0;
                played.given_up += f64::from(u8::from(is_last));
            }
        }
    }

    /// A handler that takes so long.
    fn handler(self: &Arc<Self>, takes: f64) -> Handler {
        let (seen, takes) = (Arc::clone(self), Duration::from_secs_f64(takes));
        Handler::new(tower::service_fn(move |delivery: Delivery| {
            let acknowledged = seen.acknowledged.lock().unwrap().remove(&id(&delivery));
            let waited = acknowledged.map_or(Duration::ZERO, |at| at.elapsed());
            let mut played = seen.played.lock().unwrap();
            played.longest_wait = played.longest_wait.max(waited.as_secs_f64());
            async move {
                sleep(takes).await;
                Ok(Outcome::Handled)
            }
        }))
    }

    /// An inbox whose acknowledgements are seen.
    fn acknowledging<S>(self: &Arc<Self>, inbox: S) -> Handler
    where
        S: Service<Delivery, Response = Outcome, Error = BoxError, Future: Send>
            + Clone
            + Send
            + Sync
            + 'static,
    {
        let seen = Arc::clone(self);
        Handler::new(tower::service_fn(move |delivery: Delivery| {
            let (seen, inbox, id) = (Arc::clone(&seen), inbox.clone(), id(&delivery));
            async move {
                let outcome = inbox.oneshot(delivery).await;
                seen.acknowledged.lock().unwrap().insert(id, Instant::now());
                outcome
            }
        }))
    }
}

fn id(delivery: &Delivery) -> String {
    delivery.header.event_id.clone().unwrap()
}

/// The app, whose process an outage kills. Its store outlives it.
struct Process {
    app: App,
    seen: Arc<Seen>,
    store: Arc<VolatileStore>,
    /// `None` while the process is dead.
    server: Arc<Mutex<Option<Server>>>,
    worker: Option<JoinHandle<()>>,
}

impl Process {
    fn new(app: App, seen: Arc<Seen>) -> Self {
        let store = VolatileStore::builder().max_events(100_000);
        let mut process = Self {
            app,
            seen,
            store: Arc::new(store.build().unwrap()),
            server: Arc::default(),
            worker: None,
        };
        process.start();
        process
    }

    fn is_dead(&self) -> bool {
        self.server.lock().unwrap().is_none()
    }

    fn kill(&mut self) {
        *self.server.lock().unwrap() = None;
        self.worker.take().inspect(JoinHandle::abort);
    }

    fn start(&mut self) {
        let webhook = Webhook::builder().verification_token(VERIFICATION_TOKEN);
        let webhook = webhook.build().unwrap();
        let handler = self.seen.handler(self.app.handler);
        let at_once = super::whole(self.app.at_once) as usize;
        let service = if self.app.has_inbox {
            let inbox = Inbox::builder(Arc::clone(&self.store) as Arc<dyn Store>);
            let inbox = inbox.workers(at_once).build(handler).unwrap();
            let receiver = self.seen.acknowledging(inbox.clone());
            let run = async move { inbox.run(std::future::pending()).await.unwrap() };
            self.worker = Some(tokio::spawn(run));
            EventService::new(webhook, receiver)
        } else {
            let handler = Handler::new(DedupLayer::new().layer(handler));
            let service = EventService::builder(webhook, handler);
            service.max_running(at_once).build().unwrap()
        };
        *self.server.lock().unwrap() = Some(Server::new(service));
    }

    /// Where the platform posts to.
    fn webhook(&self) -> BoxCloneSyncService<Posted, Answer, BoxError> {
        let server = Arc::clone(&self.server);
        BoxCloneSyncService::new(tower::service_fn(move |request: Posted| {
            let server = server.lock().unwrap().clone();
            async move {
                let server = server.ok_or("connection refused")?;
                let Ok(answer) = server.oneshot(request).await;
                Ok::<_, BoxError>(answer)
            }
        }))
    }

    async fn backlog(&self) -> f64 {
        let status = self.store.status().await.unwrap();
        f64::from(u32::try_from(status.ready + status.waiting).unwrap())
    }
}

/// Plays a scenario for real, for as long as the model did.
async fn run(load: &Load, app: &App, model: &Played) -> Played {
    let seen = Seen::new();
    let mut process = Process::new(*app, Arc::clone(&seen));
    let platform = Platform::builder().webhook_service(process.webhook());
    let platform = platform.start().await.unwrap();
    let mut following = JoinSet::new();
    let mut due = 0.0;
    let (mut events, mut peak_backlog, mut over) = (0.0, 0.0, None);
    for second in 0..model.seconds {
        let begins = seen.began + second * SECOND;
        sleep_until(begins).await;
        match (process.is_dead(), load.is_out(second)) {
            (false, true) => process.kill(),
            (true, false) => process.start(),
            _ => {}
        }
        due += load.rate_at(second);
        let new = super::whole((due + 1e-6).floor());
        due -= f64::from(new);
        for number in 0..new {
            sleep_until(begins + SECOND * (2 * number + 1) / (2 * new)).await;
            let document = Document::v2("kitchen.tea.ready_v1", &["green"]).unwrap();
            let attempts = platform.push(document).into_attempts();
            following.spawn(Arc::clone(&seen).follow(attempts));
            events += 1.0;
        }
        let backlog = process.backlog().await;
        peak_backlog = f64::max(peak_backlog, backlog);
        let has_settled = second >= load.settles() && *seen.refused.lock().unwrap() == 0;
        if over.is_none() && has_settled && backlog <= load.rate.max(1.0) {
            over = Some(second);
        }
    }
    // The answers to the last events.
    sleep(5 * SECOND).await;
    let played = seen.played.lock().unwrap().clone();
    let most = seen.attempts.lock().unwrap().values().max().copied();
    Played {
        events,
        peak_attempts: f64::from(most.unwrap_or_default()),
        peak_backlog,
        over,
        ..played
    }
}

/// Compares the two. The model has neither parts of a second nor single events: counts of events may differ by 2 %
/// and by those of three seconds, times by 2 % and five seconds.
fn compare(load: &Load, app: &App, model: &Played, real: &Played) {
    let close = |name: &str, model: f64, real: f64, within: f64| {
        let within = within + 0.02 * model;
        assert!((model - real).abs() <= within, "{name}: {model} and {real}");
    };
    let few = 3.0 * load.rate + 3.0;
    close("events", model.events, real.events, 1.0);
    let all = |played: &Played| played.failed.iter().sum::<f64>();
    close("failed", all(model), all(real), few);
    // Without an inbox, chance decides which of the attempts of a second finds a free handler.
    let chance = if app.has_inbox { 0.0 } else { 0.1 * all(model) };
    for (number, (failed, real)) in model.failed.into_iter().zip(real.failed).enumerate() {
        close(
            &format!("failed, number {number}"),
            failed,
            real,
            few + chance,
        );
    }
    close("given up", model.given_up, real.given_up, few);
    // Below one event a second, attempts of all five numbers may come in one second.
    let peak = f64::max(load.rate + 1.0, 5.0 - model.peak_attempts);
    close(
        "peak attempts",
        model.peak_attempts,
        real.peak_attempts,
        peak,
    );
    close("backlog", model.peak_backlog, real.peak_backlog, few);
    close("wait", model.longest_wait, real.longest_wait, 5.0);
    let over = [model.over, real.over].map(|over| f64::from(over.unwrap()));
    close("caught up", over[0], over[1], 5.0);
}

async fn play_both(load: Load, app: App) -> Played {
    let model = play(&load, &app, MAX_SECONDS);
    let real = run(&load, &app, &model).await;
    println!("model {model:?}\nreal  {real:?}");
    compare(&load, &app, &model, &real);
    real
}

fn load(rate: f64, burst: Option<(f64, f64)>, outage: u32) -> Load {
    let outage = Outage {
        begins: 600,
        seconds: outage,
    };
    Load {
        rate,
        burst,
        outage,
    }
}

fn app(has_inbox: bool, at_once: f64, handler: f64) -> App {
    App {
        has_inbox,
        stores: 1e6,
        store_handles: f64::INFINITY,
        at_once,
        handler,
        kept: 0,
        event_bytes: 1024.0,
    }
}

#[tokio::test(start_paused = true)]
async fn an_inbox_catches_up_after_an_hour_as_the_model_says() {
    // The handlers do 1.6 events a second, and two come while those of the outage come again.
    let real = play_both(load(1.0, None, HOUR), app(true, 2.0, 1.25)).await;
    assert_eq!(real.given_up, 0.0);
    assert!(real.peak_backlog > 1000.0, "{real:?}");
}

#[tokio::test(start_paused = true)]
async fn an_inbox_keeps_a_burst_and_drains_it_as_the_model_says() {
    let load = load(2.0, Some((20.0, 60.0)), 0);
    let real = play_both(load, app(true, 4.0, 0.5)).await;
    assert_eq!(real.failed, [0.0; 5]);
    assert!(real.longest_wait > 200.0, "{real:?}");
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_eight_hours_loses_as_many_as_the_model_says() {
    let real = play_both(load(0.2, None, 8 * HOUR), app(true, 2.0, 1.0)).await;
    assert!(real.given_up > 500.0, "{real:?}");
}

#[tokio::test(start_paused = true)]
async fn without_an_inbox_a_burst_comes_again_as_the_model_says() {
    let load = load(1.0, Some((20.0, 12.0)), 0);
    let real = play_both(load, app(false, 8.0, 1.0)).await;
    assert!(real.failed[0] > 100.0, "{real:?}");
}

#[tokio::test(start_paused = true)]
async fn without_an_inbox_each_event_of_a_slow_handler_comes_twice_as_the_model_says() {
    let real = play_both(load(2.0, None, 60), app(false, 32.0, 4.0)).await;
    assert!(real.failed[0] > 1000.0, "{real:?}");
}
