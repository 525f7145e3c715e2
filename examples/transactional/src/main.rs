//! Kills the process of a handler before and after its commit, and shows what is left.
//!
//! ```sh
//! cargo run -p transactional
//! cargo run -p transactional --features sqlx
//! ```
//!
//! The program starts a PostgreSQL server in a temporary folder. With `INBOX=postgres://…` it uses that database
//! instead: the schema `transactional`, and the table `reply` of the handlers. The handlers are in
//! `src/with_tokio_postgres.rs` and `src/with_sqlx.rs`.

mod demonstration;
mod worker;

use std::env;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use lark_events_inbox::StoreError;
use lark_events_inbox_postgres::PostgresStore;
use lark_events_test_servers::Database;
use transactional::Crash;

const SCHEMA: &str = "transactional";
const EVENT_TYPE: &str = "transactional.asked_v1";
/// A minute by default: how long after a kill the event of the dead worker waits.
const LEASE: Duration = Duration::from_secs(1);
/// The drivers of this build.
const DRIVERS: &[&str] = if cfg!(feature = "sqlx") {
    &["tokio-postgres", "sqlx"]
} else {
    &["tokio-postgres"]
};
/// The environment variable with the URL of a database.
const VARIABLE: &str = "INBOX";
/// As of the command `lark-events`: the program could not begin.
const NO_SERVER: u8 = 2;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let result = match arguments[..] {
        ["worker", driver, crash] => worker::run(driver, Crash::from_name(crash)).await,
        [] => match Database::given_or_started(VARIABLE) {
            Ok(Some(database)) => demonstration::run(database.url()).await,
            Ok(None) => {
                eprintln!(
                    "no PostgreSQL server is installed: apt-get install postgresql, or set INBOX=postgres://…"
                );
                return ExitCode::from(NO_SERVER);
            }
            Err(error) => Err(error.into()),
        },
        _ => Err("this program takes no arguments".into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let causes = std::iter::successors(error.source(), |cause| cause.source());
            eprintln!("{error}");
            causes.for_each(|cause| eprintln!("because: {cause}"));
            ExitCode::FAILURE
        }
    }
}

async fn store(url: &str) -> Result<Arc<PostgresStore>, StoreError> {
    let store = PostgresStore::builder(url).schema(SCHEMA).connect().await?;
    Ok(Arc::new(store))
}
