//! A worker, whose handler may stop at a point where its process is killed.

use std::env;
use std::future::pending;
use std::io::{self, Write as _};
use std::sync::Arc;

use lark_events::{BoxError, Dispatcher, Event, RawJson};
use lark_events_inbox::Inbox;
use tokio::sync::Mutex;
use tokio_postgres::NoTls;
use transactional::{Crash, with_tokio_postgres};

use crate::{EVENT_TYPE, LEASE, VARIABLE};

/// Runs until the process is killed. Prints a line for each handled event.
pub(crate) async fn run(driver: &str, crash: Crash) -> Result<(), BoxError> {
    // It may have a password, so it is not among the arguments, which all users can see.
    let url = env::var(VARIABLE)?;
    let dispatcher = match driver {
        "tokio-postgres" => of_tokio_postgres(&url, crash).await?,
        #[cfg(feature = "sqlx")]
        "sqlx" => of_sqlx(&url, crash).await?,
        _ => return Err("this driver is not in this build".into()),
    };
    let store = crate::store(&url).await?;
    let worker = Inbox::builder(store).lease(LEASE).worker(dispatcher)?;
    worker.run(pending()).await?;
    Ok(())
}

async fn of_tokio_postgres(url: &str, crash: Crash) -> Result<Dispatcher, BoxError> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    // One connection, in turns. An app has a pool.
    let client = Arc::new(Mutex::new(client));
    let handler = move |event: Event<RawJson>| {
        let client = Arc::clone(&client);
        async move {
            with_tokio_postgres::handle(&mut *client.lock().await, &event, crash).await?;
            print(&event)
        }
    };
    Ok(Dispatcher::builder().on_raw(EVENT_TYPE, handler).build()?)
}

#[cfg(feature = "sqlx")]
async fn of_sqlx(url: &str, crash: Crash) -> Result<Dispatcher, BoxError> {
    let pool = sqlx::PgPool::connect(url).await?;
    let handler = move |event: Event<RawJson>| {
        let pool = pool.clone();
        async move {
            transactional::with_sqlx::handle(&pool, &event, crash).await?;
            print(&event)
        }
    };
    Ok(Dispatcher::builder().on_raw(EVENT_TYPE, handler).build()?)
}

fn print(event: &Event<RawJson>) -> Result<(), BoxError> {
    let id = event.header.event_id.as_deref().unwrap_or_default();
    writeln!(io::stdout().lock(), "handled {id}")?;
    Ok(())
}
