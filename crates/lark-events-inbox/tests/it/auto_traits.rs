//! Public types are `Send` and `Sync`, like those of the other crates: see `auto_traits.rs` of the root
//! package, which does not build the store in a file.

use std::sync::Arc;

use lark_events::{Delivery, Dispatcher, EventHeader, RawJson};
use lark_events_inbox::*;

fn shared<T: Send + Sync + Unpin + 'static + ?Sized>() {}
fn sent<T: Send + Unpin + 'static>() {}
fn spawnable(_: impl Future + Send) {}

macro_rules! shared {
    ($($public:ty),* $(,)?) => { $(shared::<$public>();)* };
}

#[test]
fn an_inbox_and_its_stores_can_be_shared() {
    shared!(Inbox<Dispatcher>, InboxBuilder);
    shared!(Receiver<Dispatcher>, Worker<Dispatcher>);
    shared!(Queue, Pushed, Monitor, Attempt);
    shared!(InboxError, InboxErrorKind);
    shared!(VolatileStore, VolatileStoreBuilder);
    shared!(SqliteFile, SqliteStore, SqliteStoreBuilder);
    shared!(
        Entry,
        Appended,
        Refused,
        Claimed,
        Fence,
        Settlement,
        Settled,
        AttemptOutcome,
        Capabilities,
        Status,
        WorkerId,
        WorkerState,
        StoreError,
        StoreErrorKind
    );
    shared!(
        AttemptRecord,
        Filter,
        Group,
        Grouping,
        Listed,
        Operation,
        Page,
        Shown,
        State
    );
    shared!(
        lark_events_inbox::testing::Call,
        lark_events_inbox::testing::Model
    );
    shared!(
        lark_events_inbox::console::Access,
        lark_events_inbox::console::Action,
        lark_events_inbox::console::Audited,
        lark_events_inbox::console::Console,
        lark_events_inbox::console::ConsoleBody,
        lark_events_inbox::console::ConsoleBuilder
    );
    shared::<Box<dyn Store>>();
    shared::<Box<dyn Admin>>();
    sent::<ReceiveFuture>();
}

/// What async functions return has a type without a name. None of it is run.
#[test]
fn what_is_awaited_can_be_spawned() {
    let dispatcher = || Dispatcher::builder().build().unwrap();
    let store = || Arc::new(VolatileStore::new());
    let events = Inbox::builder(store()).build(dispatcher()).unwrap();
    spawnable(events.run(std::future::ready(())));
    spawnable(events.monitor().is_ready());
    let pushed = Delivery::new(EventHeader::new("a_v1"), RawJson::default());
    spawnable(events.queue().push(pushed));
    spawnable(SqliteStore::open("events.db"));
    spawnable(SqliteFile::new("events.db").version());
    let worker = Inbox::worker(store(), dispatcher()).unwrap();
    spawnable(worker.run(std::future::ready(())));
}

/// Nor a trait, but `Store` and `Admin`.
#[test]
fn no_public_type_is_forgotten() {
    let words = |text: &'static str| {
        let words = text.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
        words.collect::<Vec<_>>()
    };
    let here = words(include_str!("auto_traits.rs"));
    let exports = include_str!("../../src/lib.rs").split("\npub use ").skip(1);
    let names = exports.flat_map(|export| words(export.split(';').next().unwrap()));
    let is_type =
        |name: &&str| name.starts_with(char::is_uppercase) && name.contains(char::is_lowercase);
    let types: Vec<_> = names.filter(is_type).collect();
    assert!(types.len() > 20, "{types:?}");
    for name in types {
        assert!(here.contains(&name), "{name}");
    }
}
