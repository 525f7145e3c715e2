//! `inbox`: commands on a store of each kind, which the library fills.

mod acting;
#[cfg(unix)]
mod examining;
mod files;
#[cfg(unix)]
mod granting;
mod looking;
mod page;
mod replaying;
#[cfg(unix)]
mod servers;
#[cfg(unix)]
mod streams;
mod working;

use std::fs;
use std::future::Future;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use lark_events::{Delivery, EventHeader, RawJson, Transport};
use lark_events_inbox::{
    Admin, Appended, AttemptOutcome, Entry, Filter, Page, Settled, Settlement, SqliteStore, State,
    StoreError,
};
use serde_json::{Value, json};

use crate::{Ran, Run, lark_events};

const HOUR: Duration = Duration::from_hours(1);
const MESSAGE: &str = "im.message.receive_v1";
const MEETING: &str = "vc.meeting.meeting_started_v1";

/// A store of this run of the tests that nothing else has opened.
struct Stored {
    place: Place,
}

#[derive(Clone)]
enum Place {
    File(PathBuf),
    #[cfg(unix)]
    Schema(servers::Schema),
    #[cfg(unix)]
    Streams(streams::Streams),
}

impl Stored {
    /// Creates a store of each kind, and fills it. Without an installed server it is only a file.
    fn each(name: &str, fill: impl AsyncFn(&Filling<'_>)) -> Vec<Self> {
        let file = Self::file(name, &fill);
        #[cfg(unix)]
        if let Some(schema) = servers::Schema::new(name) {
            let place = Place::Schema(schema);
            return vec![file, Self::filled(place, &fill)];
        }
        vec![file]
    }

    /// Creates a store in a file, and fills it.
    fn file(name: &str, fill: impl AsyncFn(&Filling<'_>)) -> Self {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("inbox-{name}.db"));
        for suffix in ["", "-wal", "-shm"] {
            let _ = fs::remove_file(format!("{}{suffix}", path.display()));
        }
        Self::filled(Place::File(path), fill)
    }

    fn filled(place: Place, fill: impl AsyncFn(&Filling<'_>)) -> Self {
        let stored = Self { place };
        stored.with(async |store| fill(store).await);
        stored
    }

    /// Uses the store through the library.
    fn with<T>(&self, call: impl AsyncFnOnce(&Filling<'_>) -> T) -> T {
        wait_for(async {
            let store = self.place.open().await;
            let place = &self.place;
            call(&Filling { store, place }).await
        })
    }

    fn path(&self) -> &Path {
        match &self.place {
            Place::File(path) => path,
            #[cfg(unix)]
            Place::Schema(_) | Place::Streams(_) => panic!("only a file has a path"),
        }
    }

    /// `lark-events inbox` with these arguments, on this store.
    fn command(&self, args: &[&str]) -> Run {
        let options = self.place.options();
        let options: Vec<_> = options.iter().map(String::as_str).collect();
        lark_events(&[&["inbox"], args, &options].concat())
    }

    #[track_caller]
    fn run(&self, args: &[&str]) -> Ran {
        self.command(args).run()
    }

    /// The JSON documents that a command prints, one a line.
    #[track_caller]
    fn json(&self, args: &[&str]) -> Vec<Value> {
        let ran = self.run(&[args, &["--json"]].concat()).with_code(0);
        documents(&ran)
    }

    /// The number and the state of each event.
    fn states(&self) -> Vec<(u64, State)> {
        self.with(async |store| {
            let page = Page::first(10_000);
            let listed = store.list(&Filter::default(), page).await.unwrap();
            listed.iter().map(|one| (one.seq, one.state)).collect()
        })
    }
}

impl Place {
    async fn open(&self) -> Arc<dyn Admin> {
        match self {
            Self::File(path) => Arc::new(SqliteStore::open(path).await.unwrap()),
            #[cfg(unix)]
            Self::Schema(schema) => Arc::new(schema.open().await),
            #[cfg(unix)]
            Self::Streams(streams) => Arc::new(streams.open().await),
        }
    }

    /// The arguments that name the store.
    fn options(&self) -> Vec<String> {
        match self {
            Self::File(path) => vec!["--store".to_owned(), format!("sqlite:{}", path.display())],
            #[cfg(unix)]
            Self::Schema(schema) => schema.options(),
            #[cfg(unix)]
            Self::Streams(streams) => streams.options(),
        }
    }
}

/// A store that a test fills.
struct Filling<'a> {
    store: Arc<dyn Admin>,
    #[cfg_attr(not(unix), expect(dead_code, reason = "there is only one kind"))]
    place: &'a Place,
}

impl Deref for Filling<'_> {
    type Target = dyn Admin;

    fn deref(&self) -> &Self::Target {
        &*self.store
    }
}

impl Filling<'_> {
    /// Appends events that were received at their time, also where the clock of a server decides.
    async fn append(&self, entries: Vec<Entry>) -> Result<Vec<Appended>, StoreError> {
        #[cfg(unix)]
        if let Place::Schema(schema) = self.place {
            let appended = self.store.append(entries.clone()).await;
            schema.backdate(&entries);
            return appended;
        }
        self.store.append(entries).await
    }
}

fn documents(ran: &Ran) -> Vec<Value> {
    let lines = ran.stdout.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The numbers of listed events.
fn seqs(documents: &[Value]) -> Vec<u64> {
    let seqs = documents.iter().filter_map(|row| row["seq"].as_u64());
    seqs.collect()
}

fn wait_for<T>(future: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().unwrap().block_on(future)
}

/// An event with this id, whose body must not be printed.
fn entry(event_type: &str, id: &str) -> Entry {
    let mut header = EventHeader::new(event_type);
    header.event_id = Some(id.to_owned());
    header.app_id = Some("cli_1".to_owned());
    header.tenant_key = Some("t-1".to_owned());
    let body = json!({"text": format!("marked-body of {id}")});
    let body = RawJson::encode(&body).unwrap();
    let mut delivery = Delivery::new(header, body);
    delivery.transport = Transport::Webhook;
    delivery.received_at = SystemTime::now() - HOUR;
    let mut entry = Entry::new(delivery);
    entry.key = Some(format!("cli_1:{id}"));
    entry
}

/// Appends an event and ends its first attempt.
async fn ended(store: &Filling<'_>, entry: Entry, settled: Settled, error: Option<&str>) {
    store.append(vec![entry]).await.unwrap();
    // A store on a busy server may need several looks.
    let claimed = tokio::time::timeout(Duration::from_secs(30), async {
        loop {
            let claimed = store.claim(1, HOUR).await.unwrap();
            if !claimed.is_empty() {
                return claimed;
            }
        }
    });
    let claimed = claimed.await.unwrap();
    let outcome = match error {
        Some(_) => AttemptOutcome::Failed,
        None => AttemptOutcome::Handled,
    };
    let mut settlement = Settlement::new(claimed[0].fence, settled, outcome);
    settlement.error = error.map(str::to_owned);
    settlement.took = Duration::from_millis(12);
    assert_eq!(store.settle(vec![settlement]).await.unwrap(), [true]);
}

/// Seven events: 1 is done, 2 to 4 are dead, 5 waits for a retry, 6 waits behind it in its lane, 7 is ready.
async fn seven(store: &Filling<'_>) {
    let in_lane = |mut entry: Entry| {
        entry.lane = Some("oc_1".to_owned());
        entry
    };
    ended(store, entry(MESSAGE, "e-1"), Settled::Done, None).await;
    let refused = Some("connection refused");
    ended(store, entry(MESSAGE, "e-2"), Settled::Dead, refused).await;
    ended(store, entry(MEETING, "e-3"), Settled::Dead, refused).await;
    let mut other = entry(MESSAGE, "e-4");
    other.delivery.header.app_id = Some("cli_2".to_owned());
    other.delivery.header.tenant_key = Some("t-2".to_owned());
    other.delivery.received_at -= 48 * HOUR;
    let unknown = Some("no user ou_1: \u{1b}[31mhttps://example.com/a-long-address-that-is-cut/b");
    ended(store, other, Settled::Dead, unknown).await;
    let later = Settled::RetryIn(HOUR);
    ended(store, in_lane(entry(MESSAGE, "e-5")), later, refused).await;
    let waiting = in_lane(entry(MESSAGE, "e-6"));
    let mut ready = entry(MEETING, "e-7");
    ready.delivery.raw = RawJson::parse(r#"{"digits": 1.000000000000000000001}"#).unwrap();
    store.append(vec![waiting, ready]).await.unwrap();
}
