//! A webhook whose events are acknowledged once they are stored, and handled afterwards, in order per
//! chat or tenant.
//!
//! ```sh
//! LARK_ENCRYPT_KEY=… LARK_VERIFICATION_TOKEN=… INBOX=sqlite:events.db cargo run -p inbox_webhook
//! ```
//!
//! | variable | meaning | default |
//! | --- | --- | --- |
//! | `LISTEN_ADDR` | address of the webhook, at `/webhook/event` | `127.0.0.1:7777` |
//! | `LARK_ENCRYPT_KEY`, `LARK_VERIFICATION_TOKEN` | the app's secrets | none |
//! | `INBOX` | the store: `memory:`, `sqlite:PATH`, `postgres://USER:PASSWORD@HOST/DATABASE` or `nats://USER:PASSWORD@HOST` | `memory:` |
//! | `INBOX_SCHEMA` | the schema of the tables in PostgreSQL | `lark_inbox` |
//! | `INBOX_PREFIX` | the prefix of the streams on NATS | `LARK` |
//! | `INBOX_PARTITIONS`, `INBOX_REPLICAS` | of the streams on NATS, if the process creates them | 64, 1 |
//! | `INBOX_SYNC` | `always` if the servers of NATS have `sync_interval: always`, and the process creates the streams | not set |
//! | `HANDLER_MS` | how long a handler takes, in milliseconds | 0 |
//! | `LEASE_MS` | how long after the death of a worker its events are handled by another, in milliseconds | 60000 |
//! | `ROLE` | `receive`, `work`, or `both` | `both` |
//!
//! Each event whose handler has succeeded is one JSON line on stdout:
//! `{"event_id":…,"event_type":…,"lane":…,"attempt":…}`. Logs go to stderr. SIGINT and SIGTERM drain and
//! exit 0. Connections to PostgreSQL are not encrypted: see `PostgresStoreBuilder::tls_config`. Those to NATS are
//! with a URL `tls://…`. Use the webhook behind a proxy that limits connections and their times, which
//! `axum::serve` does not.

mod settings;

use std::error::Error;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use lark_events::{BoxError, Delivery, Dispatcher, Event, RawJson};
use lark_events_inbox::{Attempt, Inbox, InboxBuilder, Receiver, Store, Worker};
use lark_events_layers::key::{chat, tenant};
use lark_events_tower::EventService;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tracing::{Level, error, info, warn};

use self::settings::{Role, Settings};

const PATH: &str = "/webhook/event";
/// How long connections, and then handlers, may take to finish after a signal to stop.
const GRACE: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_ansi(false)
        .with_max_level(Level::INFO)
        .init();
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let error = &*error as &dyn Error;
            error!(error, "stopped");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), BoxError> {
    let stop = stop_signal()?;
    let settings = Settings::from_env()?;
    let store = settings.open().await?;
    let inbox = inbox(store).lease(settings.lease);
    let dispatcher = dispatcher(settings.handler_time)?;
    match settings.role {
        Role::Receive => {
            let receiver = inbox.receiver(dispatcher)?;
            receive(&settings, receiver, stop).await
        }
        Role::Work => {
            info!("working");
            work(&inbox.worker(dispatcher)?, stop).await;
            Ok(())
        }
        Role::Both => {
            let worker = inbox.clone().worker(dispatcher.clone())?;
            let receiver = inbox.receiver(dispatcher)?;
            // The worker stops once the webhook takes no more events.
            let (received, all_received) = oneshot::channel::<()>();
            let worked = work(&worker, async { all_received.await.unwrap_or_default() });
            let receiving = async {
                let result = receive(&settings, receiver, stop).await;
                drop(received);
                result
            };
            let (result, ()) = tokio::join!(receiving, worked);
            result
        }
    }
}

/// Events of one chat, or else of one tenant, are handled one at a time.
fn inbox(store: Arc<dyn Store>) -> InboxBuilder {
    let lane = |delivery: &Delivery| chat(delivery).or_else(|| tenant(delivery));
    Inbox::builder(store).lane_by(lane).drain_timeout(GRACE)
}

fn dispatcher(takes: Duration) -> Result<Dispatcher, BoxError> {
    let handle = move |event: Event<RawJson>| async move {
        tokio::time::sleep(takes).await;
        let attempt = event.extensions.get::<Attempt>();
        let line = json!({
            "event_id": event.header.event_id,
            "event_type": event.header.event_type,
            "lane": attempt.and_then(Attempt::lane),
            "attempt": attempt.map(Attempt::number),
        });
        writeln!(io::stdout().lock(), "{line}")
    };
    Ok(Dispatcher::builder().fallback(handle).build()?)
}

/// Receives events until `stop`, and then waits for the requests that have arrived.
async fn receive(
    settings: &Settings,
    receiver: Receiver<Dispatcher>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), BoxError> {
    let events = EventService::new(settings.webhook()?, receiver);
    let app = Router::new().route_service(PATH, events.clone());
    let listener = TcpListener::bind(&settings.address).await?;
    info!("listening on http://{}{PATH}", listener.local_addr()?);
    let (stopping, stopped) = oneshot::channel::<()>();
    let server = axum::serve(listener, app).with_graceful_shutdown(async move {
        stop.await;
        drop(stopping);
    });
    let grace_is_over = async {
        let _ = stopped.await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        result = server => result?,
        () = grace_is_over => warn!("connections were still open"),
    }
    if let Err(error) = events.drain(GRACE).await {
        warn!(%error, "requests were cut off");
    }
    Ok(())
}

/// Handles events until `stop`.
async fn work(worker: &Worker<Dispatcher>, stop: impl Future<Output = ()>) {
    match worker.run(stop).await {
        Ok(()) => info!("closed"),
        Err(error) => warn!(%error, "closed"),
    }
}

/// Catches SIGINT, and SIGTERM on Unix, from now on; the returned future resolves at the first signal.
fn stop_signal() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        Ok(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            info!("stopping");
        })
    }
    #[cfg(windows)]
    {
        let mut interrupt = tokio::signal::windows::ctrl_c()?;
        Ok(async move { drop(interrupt.recv().await) })
    }
}
