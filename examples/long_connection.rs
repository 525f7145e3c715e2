//! A long connection, which needs no server: prints each event as a JSON line on stdout.
//!
//! ```sh
//! LARK_APP_ID=… LARK_APP_SECRET=… cargo run --example long_connection
//! ```
//!
//! `LARK_BASE_URL` is Feishu's by default; set `https://open.larksuite.com` for Lark. `LARK_LOG=debug` logs
//! more. SIGINT and SIGTERM drain and exit 0. A permanent failure, such as a wrong secret, is logged, and
//! exits 1.

mod event_app;

use std::process::ExitCode;

use lark_events::BoxError;
use lark_events_ws::{Domain, LongConnection};
use tracing::{error, info};

use self::event_app::{GRACE, dispatcher, log_to_stderr, setting, stop_signal};

#[tokio::main]
async fn main() -> ExitCode {
    if let Err(error) = log_to_stderr() {
        eprintln!("{error}");
        return ExitCode::FAILURE;
    }
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
    let connection = LongConnection::builder(needed("LARK_APP_ID")?, needed("LARK_APP_SECRET")?)
        .domain(setting("LARK_BASE_URL").map_or(Domain::Feishu, Domain::custom))
        .drain_timeout(GRACE)
        .build()?;
    connection
        .run(dispatcher()?)
        .with_graceful_shutdown(stop)
        .await?;
    info!("closed");
    Ok(())
}

fn needed(name: &str) -> Result<String, BoxError> {
    setting(name).ok_or_else(|| format!("{name} is not set").into())
}
