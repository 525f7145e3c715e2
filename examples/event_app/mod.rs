//! Shared by the examples on both transports: settings from the environment, one JSON line on
//! stdout per event, logs on stderr, and the signals to stop.

mod terminal;

use std::env;
use std::io::{self, Write as _};
use std::str::FromStr as _;
use std::time::Duration;

use lark_events::{BoxError, Dispatcher, Event};
use serde::Serialize;
use tracing::{Level, info};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;
use vc_events::ReserveConfigUpdatedV1;

use self::terminal::{LogLines, escape};

/// How long connections, and then handlers, may take to finish after a signal to stop.
pub(crate) const GRACE: Duration = Duration::from_secs(10);

/// The handlers, for any transport: one for a single event type, one for all others.
pub(crate) fn dispatcher() -> Result<Dispatcher, BoxError> {
    Ok(Dispatcher::builder()
        .on::<ReserveConfigUpdatedV1>(print_line)
        .fallback(print_line)
        .build()?)
}

/// Logs to stderr; stdout has only events. `LARK_LOG=debug` logs why requests are rejected. It does
/// not apply to other crates, which log secrets at that level.
pub(crate) fn log_to_stderr() -> Result<(), BoxError> {
    let level = setting("LARK_LOG").unwrap_or_else(|| "info".to_owned());
    let ours = Level::from_str(&level).map_err(|error| format!("LARK_LOG: {error}"))?;
    let levels = Targets::new()
        .with_default(Level::INFO)
        .with_target("lark_events", ours);
    let stderr = tracing_subscriber::fmt::layer()
        .with_writer(|| LogLines)
        .with_ansi(false);
    tracing_subscriber::registry()
        .with(stderr)
        .with(levels)
        .init();
    Ok(())
}

/// Catches SIGINT, and SIGTERM on Unix, from now on; the returned future resolves at the first signal.
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

/// A setting from the environment; an empty variable counts as not set.
pub(crate) fn setting(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// Prints an event on stdout: a typed body as its type writes it, another unchanged.
async fn print_line<E: Serialize>(event: Event<E>) -> Result<(), BoxError> {
    let line = serde_json::to_string(&event)?;
    // A raw body may have line ends between tokens; JSON strings contain none.
    let line = line.replace(['\r', '\n', '\t'], " ");
    writeln!(io::stdout().lock(), "{}", escape(&line))?;
    Ok(())
}
