//! Why `doctor` warns of an asynchronous standby and of asynchronous commits: a commit that was answered is lost.
//! The acknowledgement of an event waits for more.

use std::sync::Arc;
use std::time::Duration;

use lark_events::{Delivery, EventHeader, RawJson};
use lark_events_inbox::{Appended, AttemptOutcome, Entry, Settled, Settlement, Store as _};
use lark_events_inbox_postgres::PostgresStore;
use lark_events_test_servers::Postgres;
use tokio::time::{sleep, timeout};

const WHAT: &str = "durability of the inbox on PostgreSQL";
const EVENTS: &str =
    "SELECT coalesce(string_agg(event_id, ' ' ORDER BY seq), '') FROM lark_inbox.event";
/// Much longer than a busy machine takes.
const PATIENCE: Duration = Duration::from_secs(60);
const LEASE: Duration = Duration::from_mins(10);
/// The server writes by itself every ten seconds. It may do so just before it is killed, but not each time.
const TRIES: usize = 5;

async fn append(store: &PostgresStore, id: &str) {
    let mut header = EventHeader::new("im.message.receive_v1");
    header.event_id = Some(id.to_owned());
    let mut entry = Entry::new(Delivery::new(header, RawJson::default()));
    entry.key = Some(id.to_owned());
    let appended = store.append(vec![entry]).await.unwrap();
    assert_eq!(appended, [Appended::New], "{id}");
}

/// A primary with the event `first`, which its standby has too.
async fn pair() -> Option<(Postgres, Postgres, PostgresStore)> {
    let primary = Postgres::start_or_skip(WHAT)?;
    let standby = primary.start_standby("standby");
    primary.synchronous_standby("standby");
    let store = PostgresStore::connect(primary.url()).await.unwrap();
    append(&store, "first").await;
    Some((primary, standby, store))
}

/// Waits until the commit of a call is on the disk of the primary.
async fn waits_for_the_standby(primary: &Postgres, call: &str) {
    let waiting = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND query LIKE '%{call}%'"
    );
    let waits = async {
        while primary.psql(&waiting) != "1" {
            sleep(Duration::from_millis(10)).await;
        }
    };
    let waits = timeout(PATIENCE, waits).await;
    waits.expect("the commit waits for the standby");
}

#[tokio::test]
async fn an_asynchronous_standby_lacks_an_event_that_was_acknowledged() {
    let Some((primary, standby, store)) = pair().await else {
        return;
    };
    primary.no_synchronous_standby();
    standby.freeze();
    append(&store, "second").await;
    assert_eq!(primary.psql(EVENTS), "first second");
    primary.kill();
    standby.promote();
    assert_eq!(standby.psql(EVENTS), "first");
}

#[tokio::test]
async fn an_event_is_acknowledged_once_the_synchronous_standby_has_it() {
    let Some((primary, standby, store)) = pair().await else {
        return;
    };
    standby.freeze();
    let store = Arc::new(store);
    let appending = tokio::spawn({
        let store = Arc::clone(&store);
        async move { append(&store, "second").await }
    });
    waits_for_the_standby(&primary, "append").await;
    assert!(!appending.is_finished());
    standby.thaw();
    let appended = timeout(PATIENCE, appending).await;
    appended.expect("the standby answers").unwrap();
    primary.kill();
    standby.promote();
    assert_eq!(standby.psql(EVENTS), "first second");
}

#[tokio::test]
async fn claims_and_their_extensions_go_on_while_a_settlement_waits_for_the_standby() {
    let Some((primary, standby, store)) = pair().await else {
        return;
    };
    append(&store, "second").await;
    append(&store, "third").await;
    let claimed = store.claim(2, LEASE).await.unwrap();
    let fences: Vec<_> = claimed.iter().map(|one| one.fence).collect();
    standby.freeze();
    let store = Arc::new(store);
    let settlement = Settlement::new(fences[0], Settled::Done, AttemptOutcome::Handled);
    let settling = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.settle(vec![settlement]).await }
    });
    waits_for_the_standby(&primary, "settle").await;
    let extended = timeout(PATIENCE, store.extend(&fences, LEASE)).await;
    let extended = extended.expect("an extension does not wait").unwrap();
    assert_eq!(extended, [true, true]);
    let third = timeout(PATIENCE, store.claim(2, LEASE)).await;
    let third = third.expect("a claim does not wait").unwrap();
    assert_eq!(third.len(), 1);
    assert!(!settling.is_finished());
    standby.thaw();
    let settled = timeout(PATIENCE, settling).await;
    let settled = settled.expect("the standby answers").unwrap();
    assert_eq!(settled.unwrap(), [true]);
}

#[tokio::test]
async fn an_event_outlives_a_crash_that_loses_an_asynchronous_commit() {
    let Some(installation) = Postgres::installed_or_skip(WHAT) else {
        return;
    };
    let server = installation.start(&[
        ("synchronous_commit", "off"),
        ("wal_writer_delay", "10s"),
        // These write too.
        ("bgwriter_lru_maxpages", "0"),
        ("autovacuum", "off"),
    ]);
    server.psql("CREATE TABLE raw (id int)");
    let mut acknowledged = Vec::new();
    let mut lost = 0;
    while lost == 0 && acknowledged.len() < TRIES {
        let number = acknowledged.len();
        let store = PostgresStore::connect(server.url()).await.unwrap();
        let id = format!("event_{number}");
        append(&store, &id).await;
        acknowledged.push(id);
        server.psql(&format!("INSERT INTO raw VALUES ({number})"));
        server.kill();
        server.restart();
        assert_eq!(server.psql(EVENTS), acknowledged.join(" "));
        let left = server.psql(&format!("SELECT count(*) FROM raw WHERE id = {number}"));
        lost += usize::from(left == "0");
    }
    assert!(lost > 0, "an answered commit was never lost");
}
