//! A worker: handles the stored events, whichever receiver has stored them.

use std::io::{self, Write as _};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lark_events::{BoxError, Dispatcher, Event, RawJson};
use lark_events_inbox::Inbox;

/// Runs until the process is killed. Prints a line for each handled event.
pub(crate) async fn run() -> Result<(), BoxError> {
    let store = crate::store_of_child().await?;
    let dispatcher = Dispatcher::builder()
        .on_raw("im.message.receive_v1", handle)
        .build()?;
    let worker = Inbox::builder(store)
        .workers(4)
        // A minute by default: how long after a kill the events of the dead worker wait.
        .lease(Duration::from_secs(1))
        .worker(dispatcher)?;
    worker.run(std::future::pending()).await?;
    Ok(())
}

/// A slow handler.
async fn handle(event: Event<RawJson>) -> Result<(), BoxError> {
    tokio::time::sleep(Duration::from_millis(20)).await;
    let id = event.header.event_id.unwrap_or_default();
    let at = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos();
    writeln!(io::stdout().lock(), "{at} {id}")?;
    Ok(())
}
