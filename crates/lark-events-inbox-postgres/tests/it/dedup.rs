//! Synchronous handlers of several processes share what they have handled.

use std::time::Duration;

use lark_events::Outcome;
use lark_events_inbox_postgres::PostgresStore;
use lark_events_layers::{Claim, DedupStore};

use crate::app::SECOND;
use crate::server::{database, server};

async fn claim(store: &PostgresStore, key: &str, owner: u64) -> Claim {
    let claimed = DedupStore::claim(store, key, owner, 60 * SECOND).await;
    claimed.unwrap()
}

#[tokio::test]
async fn a_key_is_held_by_one_owner_and_done_for_all() {
    let Some(server) = server("keys of synchronous handlers on PostgreSQL") else {
        return;
    };
    let url = database(server);
    let one = PostgresStore::connect(url.as_str()).await.unwrap();
    let other = PostgresStore::connect(url.as_str()).await.unwrap();
    assert_eq!(claim(&one, "key", 1).await, Claim::Granted);
    assert_eq!(claim(&other, "key", 2).await, Claim::Held);
    assert_eq!(claim(&one, "key", 1).await, Claim::Granted, "its own");
    other.release("key", 2).await.unwrap();
    let held = claim(&other, "key", 2).await;
    assert_eq!(held, Claim::Held, "not the holder's release");
    one.release("key", 1).await.unwrap();
    assert_eq!(claim(&other, "key", 2).await, Claim::Granted);
    let unhandled = Outcome::Unhandled;
    let done = other.done("key", unhandled.clone(), 60 * SECOND);
    done.await.unwrap();
    assert_eq!(claim(&one, "key", 1).await, Claim::Done(unhandled));
    let short = other.done("short", Outcome::Handled, Duration::ZERO);
    short.await.unwrap();
    assert_eq!(claim(&one, "short", 1).await, Claim::Granted);

    // PostgreSQL stores no NUL, and no key of this length in an index.
    let odd = format!("\0{}", "k".repeat(10_000));
    assert_eq!(claim(&one, &odd, 1).await, Claim::Granted);
    assert_eq!(claim(&other, &odd, 2).await, Claim::Held);
    assert_eq!(claim(&other, &odd[..9_999], 2).await, Claim::Granted);
    let handled = one.done(&odd, Outcome::Handled, 60 * SECOND);
    handled.await.unwrap();
    assert_eq!(claim(&other, &odd, 2).await, Claim::Done(Outcome::Handled));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_claims_at_once_one_is_granted() {
    let Some(server) = server("a race for a key on PostgreSQL") else {
        return;
    };
    let url = database(server);
    let one = PostgresStore::connect(url.as_str()).await.unwrap();
    let other = PostgresStore::connect(url.as_str()).await.unwrap();
    let expected = [(Claim::Granted, Claim::Held), (Claim::Held, Claim::Granted)];
    for number in 0..100 {
        let key = format!("key {number}");
        let claimed = tokio::join!(claim(&one, &key, 1), claim(&other, &key, 2));
        assert!(expected.contains(&claimed), "{claimed:?}");
    }
    // Claims that have expired.
    server.psql_at(&url, "UPDATE lark_inbox.claim SET until = now()");
    for number in 0..100 {
        let key = format!("key {number}");
        let claimed = tokio::join!(claim(&one, &key, 3), claim(&other, &key, 4));
        assert!(expected.contains(&claimed), "{claimed:?}");
    }
}
