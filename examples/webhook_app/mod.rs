//! What both webhook examples do with events, apart from the server: settings from the environment,
//! one JSON line on stdout per event, logs on stderr, and when to stop.

use std::env;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::time::Duration;

use lark_events::{BoxError, Dispatcher, Event, Webhook};
use lark_events_tower::EventService;
use serde::Serialize;
use tokio::net::TcpListener;
use tracing::{Level, info, warn};
use vc_events::ReserveConfigUpdatedV1;

pub(crate) const PATH: &str = "/webhook/event";
/// How long connections, and then handlers, may take to finish after a signal to stop.
pub(crate) const GRACE: Duration = Duration::from_secs(10);

/// The service that both servers mount, from `LARK_ENCRYPT_KEY` and `LARK_VERIFICATION_TOKEN`.
pub(crate) fn events() -> Result<EventService<Dispatcher>, BoxError> {
    let mut webhook = Webhook::builder();
    if let Some(key) = setting("LARK_ENCRYPT_KEY") {
        webhook = webhook.encrypt_key(key);
    }
    if let Some(token) = setting("LARK_VERIFICATION_TOKEN") {
        webhook = webhook.verification_token(token);
    }
    let dispatcher = Dispatcher::builder()
        .on::<ReserveConfigUpdatedV1>(print_line)
        .fallback(print_line)
        .build()?;
    Ok(EventService::new(webhook.build()?, dispatcher))
}

/// Listens at `LISTEN_ADDR`.
pub(crate) async fn listen() -> Result<TcpListener, BoxError> {
    let address = setting("LISTEN_ADDR").unwrap_or_else(|| "127.0.0.1:7777".to_owned());
    let listener = TcpListener::bind(&address).await?;
    let address: SocketAddr = listener.local_addr()?;
    info!("listening on http://{address}{PATH}");
    Ok(listener)
}

/// Logs go to stderr: stdout has the events alone.
pub(crate) fn log_to_stderr() {
    tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_ansi(false)
        .with_max_level(Level::INFO)
        .init();
}

/// Waits for the handlers that run, so that what was started is finished.
pub(crate) async fn drain(events: &EventService<Dispatcher>) {
    match events.drain(GRACE).await {
        Ok(()) => info!("drained"),
        Err(error) => warn!(%error, "not drained"),
    }
}

/// Takes over SIGINT, and on Unix SIGTERM, from now on; what it returns resolves at the first.
pub(crate) fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    let stop = {
        use tokio::signal::unix::{SignalKind, signal};
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        }
    };
    #[cfg(windows)]
    let stop = {
        let mut interrupt = tokio::signal::windows::ctrl_c()?;
        async move { drop(interrupt.recv().await) }
    };
    Ok(async {
        stop.await;
        info!("stopping");
    })
}

fn setting(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// One event on stdout: typed bodies as their type writes them, others as they came.
#[derive(Serialize)]
struct Line<'a, E> {
    event_type: &'a str,
    event_id: &'a str,
    app_id: &'a str,
    tenant_key: &'a str,
    event: &'a E,
}

async fn print_line<E: Serialize>(event: Event<E>) -> Result<(), BoxError> {
    let line = serde_json::to_string(&Line {
        event_type: &event.header.event_type,
        event_id: &event.header.event_id,
        app_id: &event.header.app_id,
        tenant_key: &event.header.tenant_key,
        event: &event.body,
    })?;
    // A raw body may be laid out over several lines; inside a JSON string there are none.
    let line = line.replace(['\r', '\n'], " ");
    writeln!(io::stdout().lock(), "{line}")?;
    Ok(())
}
