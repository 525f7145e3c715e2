//! The store in a file: the contract, two processes' worth of stores on one file, and what a file may be.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use lark_events_inbox::testing::{Model, calls, conforms, conforms_for_operators};
use lark_events_inbox::{
    Admin as _, AttemptOutcome, Filter, Inbox, Page, Settled, Settlement, SqliteStore, State,
    Store, StoreErrorKind,
};
use lark_events_layers::{Claim, DedupStore};
use proptest::prelude::*;
use tokio::time::{sleep, timeout};

use crate::app::{SECOND, event, pass, running, taking};
use crate::files::Folder;

const ALL: Page = Page::first(100);

#[tokio::test]
async fn the_store_in_a_file_conforms() {
    let folders = Mutex::new(Vec::new());
    let open = async || {
        let folder = Folder::new();
        let store = SqliteStore::open(folder.file("events.db")).await.unwrap();
        folders.lock().unwrap().push(folder);
        Arc::new(store)
    };
    conforms(open).await;
    conforms_for_operators(open).await;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_calls_leave_the_store_in_a_file_as_the_model(calls in calls(40)) {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().build().unwrap();
        runtime.block_on(async {
            let folder = Folder::new();
            let store = SqliteStore::open(folder.file("events.db")).await.unwrap();
            Model::play(Arc::new(store), &calls).await;
        });
    }
}

#[tokio::test]
async fn one_store_receives_and_another_works() {
    let folder = Folder::new();
    let open = async || Arc::new(SqliteStore::open(folder.file("events.db")).await.unwrap());
    let (receiving, working) = (open().await, open().await);
    let receiver = Inbox::receiver(receiving.clone(), taking(SECOND).0).unwrap();
    let (service, record) = taking(Duration::ZERO);
    let worker = Inbox::worker(working, service).unwrap();
    let worked = tokio::spawn(async move { worker.run(sleep(20 * SECOND)).await });
    for id in 0..20 {
        pass(&receiver, event(None, id)).await.unwrap();
    }
    pass(&receiver, event(None, 7)).await.unwrap();
    let all_handled = async {
        while record.called().len() < 20 || receiving.status().await.unwrap().leased > 0 {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(60 * SECOND, all_handled)
        .await
        .expect("the other store is woken");
    let listed = receiving.list(&Filter::default(), ALL).await.unwrap();
    assert!(listed.len() == 20 && listed.iter().all(|listed| listed.state == State::Done));
    assert!(receiver.monitor().is_ready().await);
    worked.abort();
}

#[tokio::test]
async fn stores_that_claim_at_once_share_the_events_and_keep_the_lanes() {
    let folder = Folder::new();
    let open = async || Arc::new(SqliteStore::open(folder.file("events.db")).await.unwrap());
    let (service, record) = taking(Duration::from_millis(1));
    let mut workers = Vec::new();
    for _ in 0..3 {
        let builder = Inbox::builder(open().await).lane_by_tenant().workers(4);
        workers.push(running(builder, service.clone()).await);
    }
    for number in 0..60 {
        for lane in 0..5 {
            let delivery = event(Some(&lane.to_string()), format!("{lane} {number:02}"));
            pass(&workers[number % 3].inbox, delivery).await.unwrap();
        }
    }
    let all_handled = async {
        while record.called().len() < 300 {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(60 * SECOND, all_handled)
        .await
        .expect("all events are handled");
    for worker in workers {
        worker.stop().await.unwrap();
    }
    let ids = record.ids();
    assert_eq!(ids.len(), 300);
    for lane in 0..5 {
        let name = lane.to_string();
        let of_lane: Vec<_> = ids.iter().filter(|id| id.starts_with(&name)).collect();
        assert!(of_lane.is_sorted(), "{of_lane:?}");
    }
}

#[tokio::test]
async fn events_outlive_the_process_and_can_be_replayed() {
    let folder = Folder::new();
    let (service, record) = taking(Duration::ZERO);
    let store = Arc::new(SqliteStore::open(folder.file("events.db")).await.unwrap());
    let receiver = Inbox::receiver(store, service.clone()).unwrap();
    pass(&receiver, event(Some("t"), "e")).await.unwrap();
    drop(receiver);
    for attempts in [1, 2] {
        let store = Arc::new(SqliteStore::open(folder.file("events.db")).await.unwrap());
        let worked = running(Inbox::builder(store.clone()), service.clone()).await;
        let handled = async {
            while record.called().len() < attempts {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(60 * SECOND, handled).await.unwrap();
        worked.stop().await.unwrap();
        let mut filter = Filter::default();
        filter.tenant_key = Some("t".to_owned());
        let shown = store.show(1).await.unwrap().unwrap();
        assert_eq!(
            (shown.listed.state, shown.history.len()),
            (State::Done, attempts)
        );
        assert_eq!(store.replay(&filter, 10).await.unwrap(), 1);
    }
    assert_eq!(
        record.attempts(),
        [("e".to_owned(), 1), ("e".to_owned(), 1)]
    );
}

#[tokio::test]
async fn only_finished_events_are_pruned_and_never_below_the_shortest_retention() {
    let folder = Folder::new();
    let store = SqliteStore::open(folder.file("events.db")).await.unwrap();
    let old = std::time::SystemTime::now() - Duration::from_hours(9);
    let mut entries = Vec::new();
    for id in 0..4 {
        let mut delivery = event(None, id);
        delivery.received_at = if id == 3 {
            std::time::SystemTime::now()
        } else {
            old
        };
        entries.push(lark_events_inbox::Entry::new(delivery));
    }
    // Its request may still be replayed.
    let mut replayable = entries[0].clone();
    replayable.kept = Duration::from_hours(1);
    entries.push(replayable);
    store.append(entries).await.unwrap();
    let claimed = Store::claim(&store, 9, 60 * SECOND).await.unwrap();
    for claimed in claimed {
        let settled = match claimed.fence.seq() {
            1 => Settled::Dead,
            2 => Settled::RetryIn(60 * SECOND),
            _ => Settled::Done,
        };
        let settlement = Settlement::new(claimed.fence, settled, AttemptOutcome::Failed);
        assert_eq!(store.settle(vec![settlement]).await.unwrap(), [true]);
    }
    assert_eq!(store.prune(Duration::ZERO).await.unwrap(), 1);
    let mut retried = Filter::default();
    retried.seq = Some(2);
    assert_eq!(store.discard(&retried, 1).await.unwrap(), 1);
    assert_eq!(store.prune(Duration::ZERO).await.unwrap(), 1);
    let left = store.list(&Filter::default(), ALL).await.unwrap();
    let left: Vec<_> = left
        .iter()
        .map(|listed| (listed.seq, listed.state))
        .collect();
    let expected = [(1, State::Dead), (4, State::Done), (5, State::Done)];
    assert_eq!(left, expected);
}

#[tokio::test]
async fn a_file_that_is_no_inbox_or_a_newer_one_is_an_error_that_says_so() {
    let folder = Folder::new();
    let error = |name: &str| {
        let path = folder.file(name);
        async move { SqliteStore::open(path).await.map(drop).unwrap_err() }
    };
    std::fs::write(
        folder.file("text.db"),
        "not a database, but a long enough text".repeat(99),
    )
    .unwrap();
    assert_eq!(error("text.db").await.kind(), StoreErrorKind::Corrupt);

    let other = rusqlite::Connection::open(folder.file("other.db")).unwrap();
    other.execute_batch("CREATE TABLE users (name)").unwrap();
    drop(other);
    assert_eq!(error("other.db").await.kind(), StoreErrorKind::Corrupt);

    drop(SqliteStore::open(folder.file("newer.db")).await.unwrap());
    let newer = rusqlite::Connection::open(folder.file("newer.db")).unwrap();
    newer.pragma_update(None, "user_version", 99).unwrap();
    drop(newer);
    let newer = error("newer.db").await;
    assert_eq!(newer.kind(), StoreErrorKind::Version);
    let text = std::error::Error::source(&newer).unwrap().to_string();
    assert!(
        text.contains("version 99") && text.contains("update it"),
        "{text}"
    );

    let missing = SqliteStore::builder(folder.file("missing.db"))
        .existing()
        .open();
    assert_eq!(
        missing.await.unwrap_err().kind(),
        StoreErrorKind::Unavailable
    );
    assert!(!folder.file("missing.db").exists());
    let nowhere = SqliteStore::open(folder.file("no/such/folder.db")).await;
    assert_eq!(nowhere.unwrap_err().kind(), StoreErrorKind::Unavailable);
}

#[cfg(unix)]
#[tokio::test]
async fn the_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new();
    let store = SqliteStore::open(folder.file("events.db")).await.unwrap();
    store
        .append(vec![lark_events_inbox::Entry::new(event(None, 1))])
        .await
        .unwrap();
    for name in ["events.db", "events.db-wal", "events.db-shm"] {
        let mode = std::fs::metadata(folder.file(name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[tokio::test]
async fn synchronous_handlers_of_several_processes_share_what_they_have_handled() {
    let folder = Folder::new();
    let open = async || SqliteStore::open(folder.file("events.db")).await.unwrap();
    let (one, other) = (open().await, open().await);
    let claim = async |store: &SqliteStore, owner| {
        DedupStore::claim(store, "key", owner, 60 * SECOND)
            .await
            .unwrap()
    };
    assert_eq!(claim(&one, 1).await, Claim::Granted);
    assert_eq!(claim(&other, 2).await, Claim::Held);
    assert_eq!(claim(&one, 1).await, Claim::Granted, "its own");
    other.release("key", 2).await.unwrap();
    assert_eq!(
        claim(&other, 2).await,
        Claim::Held,
        "not the holder's release"
    );
    one.release("key", 1).await.unwrap();
    assert_eq!(claim(&other, 2).await, Claim::Granted);
    let unhandled = lark_events::Outcome::Unhandled;
    other
        .done("key", unhandled.clone(), 60 * SECOND)
        .await
        .unwrap();
    assert_eq!(claim(&one, 1).await, Claim::Done(unhandled));
    other
        .done("short", lark_events::Outcome::Handled, Duration::ZERO)
        .await
        .unwrap();
    let expired = DedupStore::claim(&one, "short", 1, SECOND).await.unwrap();
    assert_eq!(expired, Claim::Granted);
}
