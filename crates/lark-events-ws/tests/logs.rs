//! What is logged of a connection and of an event that is not acknowledged: one line for each failure,
//! which names the app. In a program of its own, with one test, because whether a log line is wanted
//! is cached for the whole process.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lark_events::{BoxError, Delivery, Dispatcher, LateHandler, Outcome};
use lark_events_sim::{ClientConfig, Document, Fault, Platform};
use lark_events_ws::{
    ConnectErrorKind, Domain, LongConnection, LongConnectionBuilder, LongConnections, State,
};
use tokio::sync::oneshot;
use tower::{Service, ServiceBuilder, service_fn};
use tracing::Level;
use tracing_subscriber::fmt::MakeWriter;

const SECRET: &str = "marked-secret";

/// Log output of this project, but for that of the simulator, kept in memory.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

impl Log {
    /// What was logged since the last time, a line each.
    fn take(&self) -> Vec<String> {
        let text = std::mem::take(&mut *self.0.lock().unwrap());
        text.lines().map(str::to_owned).collect()
    }
}

/// Keeps what it is for.
struct Writer(Option<Log>);

impl io::Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(Log(text)) = &self.0 {
            text.lock()
                .unwrap()
                .push_str(str::from_utf8(bytes).unwrap());
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Writer;

    fn make_writer(&'a self) -> Writer {
        Writer(None)
    }

    fn make_writer_for(&'a self, logged: &tracing::Metadata<'_>) -> Writer {
        let target = logged.target();
        let is_ours = target.starts_with("lark_events") && !target.starts_with("lark_events_sim");
        Writer(is_ours.then(|| self.clone()))
    }
}

async fn platform(app: &str) -> Arc<Platform> {
    let soon = ClientConfig::default().reconnect_nonce(1);
    let platform = Platform::builder()
        .app(app, SECRET)
        .client_config(soon)
        .seed(1);
    let platform = platform.redeliver_after([]);
    Arc::new(platform.start().await.unwrap())
}

fn to(platform: &Arc<Platform>, app: &str, secret: &str) -> LongConnectionBuilder {
    let dialed = Arc::clone(platform);
    LongConnection::builder(app, secret)
        .domain(Domain::custom(platform.base_url()))
        .connect_with(move |_| {
            let stream = dialed.dial();
            async move { Ok(stream) }
        })
}

fn dispatcher() -> Dispatcher {
    Dispatcher::builder()
        .on_raw("failing_v1", |_| async {
            Err::<(), _>("a failure's own text")
        })
        .on_raw("panicking_v1", |_| async {
            assert!(std::hint::black_box(false), "a panic's own text");
        })
        .on_raw("late_v1", |_| tokio::time::sleep(Duration::from_secs(4)))
        .ignore(["quiet_v1"])
        .build()
        .unwrap()
}

fn event(event_type: &str) -> Document {
    let document = Document::v2(event_type, &"marked-body").unwrap();
    document.event_id(&format!("id-of-{event_type}"))
}

/// Runs one connection of a service while an event is pushed and handled.
async fn pushed<S>(late: LateHandler, service: S, document: Document)
where
    S: Service<Delivery, Response = Outcome> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
{
    let platform = platform("cli_tea").await;
    let connection = to(&platform, "cli_tea", SECRET).late(late).build().unwrap();
    let (shut_down, asked) = oneshot::channel::<()>();
    let asked = async { asked.await.unwrap_or_default() };
    let running = tokio::spawn(
        connection
            .run(service)
            .with_graceful_shutdown(asked)
            .into_future(),
    );
    platform.until(|stats| stats.connections == 1).await;
    assert!(!platform.push(document).await.acknowledged());
    shut_down.send(()).unwrap();
    assert_eq!(running.await.unwrap(), Ok(()));
}

/// An error of a layer's own.
#[derive(Debug)]
struct Wrapped(BoxError);

impl std::fmt::Display for Wrapped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("wrapped")
    }
}

impl std::error::Error for Wrapped {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.0)
    }
}

#[tokio::test(start_paused = true)]
async fn each_failure_is_one_line_that_names_the_app() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(Level::INFO)
        .with_ansi(false)
        .with_writer(log.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    events_that_are_not_acknowledged(&log).await;
    connections_that_end(&log).await;
    messages_that_are_dropped(&log).await;
}

async fn messages_that_are_dropped(log: &Log) {
    const MANY: usize = 100;
    let platform = platform("cli_tea").await;
    let connection = to(&platform, "cli_tea", SECRET).build().unwrap();
    let monitor = connection.monitor();
    let running = tokio::spawn(connection.run(dispatcher()).into_future());
    monitor.until(State::is_connected).await;
    log.take();
    for _ in 0..MANY {
        platform.inject(Fault::GarbageFrame);
        platform.push(event("quiet_v1")).await;
    }
    let lines = log.take();
    assert_eq!(lines.len(), MANY, "{lines:#?}");
    // Each says what it was.
    for what in [
        "a card callback of the old scheme",
        "a frame of an unknown type",
        "a text message",
    ] {
        let said = format!("message dropped what={what:?}");
        assert!(
            lines.iter().any(|line| line.contains(&said)),
            "{what}: {lines:#?}"
        );
    }
    running.abort();
}

/// The one line at the levels that somebody should look into.
fn alarm(log: &Log) -> String {
    let lines = log.take();
    for line in &lines {
        assert!(line.contains(r#"long_connection{app_id="cli_"#), "{line}");
        assert!(!line.contains("marked"), "{line}");
    }
    let alarms = lines.into_iter();
    let alarms: Vec<_> = alarms.filter(|line| !line.contains(" INFO ")).collect();
    assert_eq!(alarms.len(), 1, "{alarms:#?}");
    alarms.concat()
}

async fn events_that_are_not_acknowledged(log: &Log) {
    use LateHandler::Finish;
    let says = |level: &str, said: &str, named: &str| {
        let line = alarm(log);
        let is_so = line.contains(level) && line.contains(said) && line.contains(named);
        assert!(is_so, "{level} {said} {named}: {line}");
    };
    let named = |event_type| format!(r#"event_id="id-of-{event_type}""#);

    pushed(Finish, dispatcher(), event("failing_v1")).await;
    says("ERROR", "a failure's own text", &named("failing_v1"));
    let wrapping = ServiceBuilder::new().map_err(Wrapped);
    pushed(Finish, wrapping.service(dispatcher()), event("failing_v1")).await;
    says("ERROR", "a failure's own text", &named("failing_v1"));

    pushed(Finish, dispatcher(), event("panicking_v1")).await;
    says("ERROR", "the handler panicked", &named("panicking_v1"));
    let panicking = service_fn(|_: Delivery| async {
        assert!(std::hint::black_box(false), "a panic's own text");
        Ok::<_, BoxError>(Outcome::Handled)
    });
    pushed(Finish, panicking, event("x_v1")).await;
    says(
        "WARN",
        "a layer around the handler panicked",
        &named("x_v1"),
    );

    let failing =
        service_fn(|_: Delivery| async { Err::<Outcome, BoxError>("a layer's own text".into()) });
    pushed(Finish, failing, event("x_v1")).await;
    says("WARN", "a layer's own text", &named("x_v1"));

    pushed(Finish, dispatcher(), event("late_v1")).await;
    // Of an event that nobody has looked into, the ids of its frame.
    says("WARN", "no outcome by the ack deadline", r#"message_id=""#);

    pushed(Finish, dispatcher(), "{".into()).await;
    says("WARN", "not acknowledged: the payload is not an event", "");
    let foreign = event("late_v1").header("app_id", "cli_milk");
    pushed(Finish, dispatcher(), foreign).await;
    says("WARN", "for another app", &named("late_v1"));
}

async fn connections_that_end(log: &Log) {
    // One app of several, and a handler of another that goes on.
    let (tea, milk) = (platform("cli_tea").await, platform("cli_milk").await);
    let connections = LongConnections::of([
        to(&tea, "cli_tea", SECRET).build().unwrap(),
        to(&milk, "cli_milk", "marked-other").build().unwrap(),
    ]);
    let connections = connections.unwrap();
    let monitors = connections.monitors();
    let (shut_down, asked) = oneshot::channel::<()>();
    let asked = async { asked.await.unwrap_or_default() };
    let running = tokio::spawn(
        connections
            .run(dispatcher())
            .with_graceful_shutdown(asked)
            .into_future(),
    );
    monitors[0].until(State::is_connected).await;
    let failed = |state: &State| matches!(state, State::Failed(_));
    monitors[1].until(failed).await;
    let line = alarm(log);
    let said = r#"ERROR long_connection{app_id="cli_milk"}: lark_events_ws::run: not reconnecting"#;
    assert!(line.contains(said), "{line}");
    assert!(
        line.contains("code 1000040345, app_id or app_secret is invalid"),
        "{line}"
    );
    assert!(!running.is_finished());
    shut_down.send(()).unwrap();
    let error = running.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ConnectErrorKind::Refused);
    log.take();

    // A lone one says so before its handlers have finished, not after.
    let connection = to(&tea, "cli_tea", SECRET).build().unwrap();
    let monitor = connection.monitor();
    let running = tokio::spawn(connection.run(dispatcher()).into_future());
    monitor.until(State::is_connected).await;
    drop(tea.push(event("late_v1")));
    while monitor.stats().running == 0 {
        tokio::task::yield_now().await;
    }
    tea.inject(Fault::RefuseUpgrade(403, 0));
    tea.disconnect();
    monitor.until(|state| *state == State::Draining).await;
    let lines = log.take();
    let errors: Vec<_> = lines.iter().filter(|line| line.contains("ERROR")).collect();
    assert!(
        errors[0].contains("rejected the connection as forbidden"),
        "{lines:#?}"
    );
    assert_eq!((errors.len(), monitor.stats().running), (1, 1));
    running.await.unwrap().unwrap_err();
    assert_eq!(log.take(), [""; 0]);

    // One that is lost while it drains.
    let connection = to(&tea, "cli_tea", SECRET).build().unwrap();
    let monitor = connection.monitor();
    let (shut_down, asked) = oneshot::channel::<()>();
    let asked = async { asked.await.unwrap_or_default() };
    let running = tokio::spawn(
        connection
            .run(dispatcher())
            .with_graceful_shutdown(asked)
            .into_future(),
    );
    monitor.until(State::is_connected).await;
    drop(tea.push(event("late_v1")));
    while monitor.stats().running == 0 {
        tokio::task::yield_now().await;
    }
    shut_down.send(()).unwrap();
    monitor.until(|state| *state == State::Draining).await;
    tea.disconnect();
    assert_eq!(running.await.unwrap(), Ok(()));
    let line = alarm(log);
    assert!(line.contains("connection lost while draining"), "{line}");
}
