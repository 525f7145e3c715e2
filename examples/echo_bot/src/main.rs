//! A bot that answers each text message with the same text, through the platform's HTTP API.
//!
//! ```sh
//! LARK_APP_ID=… LARK_APP_SECRET=… cargo run -p echo_bot
//! ```
//!
//! The app needs the event `im.message.receive_v1`, the bot's ability, the permission
//! `im:message.p2p_msg:readonly` or `im:message.group_at_msg:readonly`, and `im:message:send_as_bot`. Messages come over a long connection; with `LISTEN_ADDR` set, by
//! webhook at `/webhook/event`, which uses `LARK_ENCRYPT_KEY` and `LARK_VERIFICATION_TOKEN`.
//! `LARK_BASE_URL` is Feishu's by default; set `https://open.larksuite.com` for Lark. SIGINT and SIGTERM
//! drain and exit 0. The proxy of the environment is used.
//!
//! The bot uses no inbox. The API takes a fraction of the three seconds that the
//! platform waits, so the bot acknowledges a message after it has answered. A message whose answer
//! failed is redelivered, even if the process crashed. A retried answer must not appear twice: the
//! same `uuid` for the same message prevents that for one hour. Redeliveries continue for 7.1
//! hours, so a message older than 50 minutes is logged and acknowledged, but not answered.

mod bot;

use std::env;
use std::io;
use std::process::ExitCode;
use std::time::Duration;

use lark_events::{BoxError, Dispatcher, Webhook};
use lark_events_api::{Api, Domain};
use lark_events_layers::{Dedup, DedupLayer};
use lark_events_tower::EventService;
use lark_events_types::im::MessageReceiveV1;
use lark_events_ws::{LongConnection, LongConnectionBuilder};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tower::ServiceBuilder;
use tracing::{Level, error, info, warn};

const PATH: &str = "/webhook/event";
/// How long connections, and then handlers, may take to finish after a signal to stop.
const GRACE: Duration = Duration::from_secs(10);
/// Less than the ack deadline of 2.5 seconds, so that an answer that takes longer fails the handler,
/// and the message is redelivered.
const ANSWER_LIMIT: Duration = Duration::from_secs(2);

type Bot = Dedup<Dispatcher>;

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
            error!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), BoxError> {
    let stop = stop_signal()?;
    let (id, secret) = (needed("LARK_APP_ID")?, needed("LARK_APP_SECRET")?);
    let domain = setting("LARK_BASE_URL").map_or(Domain::Feishu, Domain::custom);
    let api = Api::builder(&*id, &*secret)
        .domain(domain.clone())
        .deadline(ANSWER_LIMIT)
        .build()?;
    let dispatcher = Dispatcher::builder()
        .with_state(api)
        .on_with::<MessageReceiveV1>(bot::on_message)
        .build()?;
    let bot = ServiceBuilder::new()
        .layer(DedupLayer::new())
        .service(dispatcher);
    match setting("LISTEN_ADDR") {
        Some(address) => by_webhook(&address, bot, stop).await,
        None => {
            let connection = LongConnection::builder(id, secret).domain(domain);
            by_long_connection(connection, bot, stop).await
        }
    }
}

async fn by_long_connection(
    connection: LongConnectionBuilder,
    bot: Bot,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), BoxError> {
    let connection = connection.drain_timeout(GRACE).build()?;
    connection.run(bot).with_graceful_shutdown(stop).await?;
    info!("closed");
    Ok(())
}

/// For use behind a proxy that bounds connections and their times, which `axum::serve` does not.
/// The example
/// `axum_webhook` has a listener that does.
async fn by_webhook(
    address: &str,
    bot: Bot,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), BoxError> {
    let mut webhook = Webhook::builder();
    if let Some(key) = setting("LARK_ENCRYPT_KEY") {
        webhook = webhook.encrypt_key(key);
    }
    if let Some(token) = setting("LARK_VERIFICATION_TOKEN") {
        webhook = webhook.verification_token(token);
    }
    let events = EventService::new(webhook.build()?, bot);
    let app = axum::Router::new().route_service(PATH, events.clone());
    let listener = TcpListener::bind(address).await?;
    info!("listening on http://{}{PATH}", listener.local_addr()?);
    let (stopping, stopped) = oneshot::channel::<()>();
    let server = axum::serve(listener, app).with_graceful_shutdown(async move {
        stop.await;
        drop(stopping);
    });
    // After the signal, connections have a bounded time to finish; one that hangs is cut off.
    let grace_is_over = async {
        let _ = stopped.await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        result = server => result?,
        () = grace_is_over => warn!("connections were still open"),
    }
    events.drain(GRACE).await?;
    info!("closed");
    Ok(())
}

/// Catches SIGINT, and SIGTERM on Unix, from now on; the returned future resolves at the first signal.
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
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
        })
    }
    #[cfg(windows)]
    {
        let mut interrupt = tokio::signal::windows::ctrl_c()?;
        Ok(async move { drop(interrupt.recv().await) })
    }
}

/// A setting from the environment; an empty variable counts as not set.
fn setting(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

fn needed(name: &str) -> Result<String, BoxError> {
    setting(name).ok_or_else(|| format!("{name} is not set").into())
}
