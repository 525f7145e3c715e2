//! Stores with events in given states.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use lark_events::{Delivery, EventHeader, RawJson};
use lark_events_inbox::console::{Access, Console};
use lark_events_inbox::{
    Admin, Appended, AttemptOutcome, Entry, Filter, Page, Settled, Settlement, SqliteStore, State,
    Store, VolatileStore, WorkerId, WorkerState,
};

pub(crate) fn entry(number: usize) -> Entry {
    let mut header = EventHeader::new("im.message.receive_v1");
    header.event_id = Some(format!("id-{number}"));
    let body = format!(r#"{{"number":{number},"phone":"secret-{number}"}}"#);
    let mut entry = Entry::new(Delivery::new(header, RawJson::parse(body).unwrap()));
    entry.lane = Some(format!("lane-{number}"));
    entry
}

pub(crate) async fn append(store: &dyn Store, numbers: std::ops::Range<usize>) {
    for start in numbers.clone().step_by(200) {
        let entries = (start..numbers.end.min(start + 200)).map(entry);
        let appended = store.append(entries.collect()).await.unwrap();
        assert!(
            appended.iter().all(|one| *one == Appended::New),
            "{appended:?}"
        );
    }
}

/// Ends all that can be claimed.
pub(crate) async fn settle(store: &dyn Store, settled: Settled, error: &str) {
    loop {
        let claimed = store.claim(200, Duration::from_secs(60)).await.unwrap();
        if claimed.is_empty() {
            return;
        }
        let settlements = claimed.iter().map(|claimed| {
            let outcome = match settled {
                Settled::Done => AttemptOutcome::Handled,
                _ => AttemptOutcome::Failed,
            };
            let mut settlement = Settlement::new(claimed.fence, settled, outcome);
            settlement.error = Some(error.to_owned()).filter(|error| !error.is_empty());
            settlement.took = Duration::from_millis(340);
            settlement
        });
        store.settle(settlements.collect()).await.unwrap();
    }
}

/// Dead letters, all with one error.
pub(crate) async fn dead(store: &dyn Store, numbers: std::ops::Range<usize>, error: &str) {
    append(store, numbers).await;
    settle(store, Settled::Dead, error).await;
}

pub(crate) async fn count(store: &dyn Admin, state: State) -> usize {
    let mut filter = Filter::default();
    filter.states = vec![state];
    let page = Page {
        after: None,
        limit: 100_000,
    };
    store.list(&filter, page).await.unwrap().len()
}

/// It takes events only while a worker runs.
pub(crate) async fn in_memory() -> Arc<VolatileStore> {
    let store = VolatileStore::new();
    let worker = WorkerId::draw();
    store.heartbeat(worker, WorkerState::Running).await.unwrap();
    Arc::new(store)
}

pub(crate) fn open_to_all(store: Arc<dyn Admin>) -> Console {
    Console::builder(store, |_| Access::All).build()
}

/// A store in a file, which is removed at the end.
pub(crate) struct InAFile {
    pub(crate) store: Arc<SqliteStore>,
    folder: PathBuf,
}

impl InAFile {
    pub(crate) async fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("lark-events-page-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let store = SqliteStore::open(folder.join("events.db")).await.unwrap();
        Self {
            store: Arc::new(store),
            folder,
        }
    }
}

impl Drop for InAFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
