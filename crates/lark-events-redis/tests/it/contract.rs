//! What a store promises to a layer: one owner at a time, an outcome that is kept, and no key without an end.

use std::sync::Arc;
use std::time::Duration;

use lark_events::Outcome;
use lark_events_layers::{Claim, DedupStore as _};
use lark_events_redis::RedisStore;
use lark_events_test_servers::Redis;

use crate::server::{MINUTE, SECOND, claim, patient, prefix, server};

const HOUR: Duration = Duration::from_hours(1);

/// Two stores with the same keys, and the start of the keys.
fn pair(server: &Redis) -> (RedisStore, RedisStore, String) {
    let prefix = prefix();
    let store = || patient(server.url()).prefix(&*prefix).build().unwrap();
    (store(), store(), prefix)
}

/// The rest of a key's time.
fn left(server: &Redis, key: &str) -> Duration {
    let left: i64 = server.command(&["PTTL", key]).parse().unwrap();
    Duration::from_millis(u64::try_from(left).expect("a key with an end"))
}

#[tokio::test]
async fn a_key_is_held_by_one_owner_and_done_for_all() {
    let Some(server) = server("keys of handlers on Redis") else {
        return;
    };
    let (one, other, _) = pair(server);
    assert_eq!(claim(&one, "key", 1).await, Claim::Granted);
    assert_eq!(claim(&other, "key", 2).await, Claim::Held);
    assert_eq!(claim(&one, "key", 1).await, Claim::Granted, "its own");
    other.release("key", 2).await.unwrap();
    let held = claim(&other, "key", 2).await;
    assert_eq!(held, Claim::Held, "not the holder's release");
    one.release("key", 1).await.unwrap();
    assert_eq!(claim(&other, "key", u64::MAX).await, Claim::Granted);

    let unhandled = Outcome::Unhandled;
    let done = one.done("key", unhandled.clone(), MINUTE);
    done.await.unwrap();
    let done = Claim::Done(unhandled);
    assert_eq!(claim(&one, "key", 1).await, done, "of another's claim");
    other.release("key", u64::MAX).await.unwrap();
    assert_eq!(claim(&one, "key", 1).await, done, "done stays done");
    let handled = other.done("key", Outcome::Handled, MINUTE);
    handled.await.unwrap();
    let handled = Claim::Done(Outcome::Handled);
    assert_eq!(claim(&one, "key", 1).await, handled);

    let unclaimed = other.done("unclaimed", Outcome::Handled, MINUTE);
    unclaimed.await.unwrap();
    assert_eq!(claim(&one, "unclaimed", 1).await, handled);
    other.release("none", 1).await.unwrap();
}

#[tokio::test]
async fn a_key_of_any_text_is_one_key() {
    let Some(server) = server("long keys on Redis") else {
        return;
    };
    let (one, other, prefix) = pair(server);
    let odd = format!("\0\r\n {{会}} {}", "k".repeat(100_000));
    assert_eq!(claim(&one, &odd, 1).await, Claim::Granted);
    assert_eq!(claim(&other, &odd, 2).await, Claim::Held);
    let shorter = &odd[..odd.len() - 1];
    assert_eq!(claim(&other, shorter, 2).await, Claim::Granted);
    assert_eq!(claim(&other, "", 2).await, Claim::Granted);
    let handled = one.done(&odd, Outcome::Handled, MINUTE);
    handled.await.unwrap();
    assert_eq!(claim(&other, &odd, 2).await, Claim::Done(Outcome::Handled));
    let keys = server.command(&["KEYS", &format!("{prefix}*")]);
    assert!(keys.len() < 3 * 600, "{keys}");
}

#[tokio::test]
async fn a_key_ends_with_its_lease_or_with_the_longer_of_two_times() {
    let Some(server) = server("the ends of keys on Redis") else {
        return;
    };
    let (one, other, prefix) = pair(server);
    let key = format!("{prefix}key");
    let left = || left(server, &key);
    let granted = one.claim("key", 1, MINUTE).await.unwrap();
    assert_eq!(granted, Claim::Granted);
    assert!(left() <= MINUTE);
    one.claim("key", 1, 2 * HOUR).await.unwrap();
    assert!(left() <= 2 * HOUR && left() > HOUR, "the new lease");
    other.claim("key", 2, 4 * HOUR).await.unwrap();
    other.release("key", 2).await.unwrap();
    assert!(left() <= 2 * HOUR, "not the lease of another");

    // The time of a claim does not count.
    one.done("key", Outcome::Handled, HOUR).await.unwrap();
    assert!(left() <= HOUR && left() > MINUTE);
    one.done("key", Outcome::Handled, MINUTE).await.unwrap();
    assert!(left() <= HOUR && left() > MINUTE);
    one.done("key", Outcome::Handled, 2 * HOUR).await.unwrap();
    assert!(left() <= 2 * HOUR && left() > HOUR);
    one.claim("key", 1, 4 * HOUR).await.unwrap();
    assert!(left() <= 2 * HOUR && left() > HOUR);
    one.release("key", 1).await.unwrap();
    assert!(left() <= 2 * HOUR && left() > HOUR);
    let forever = one.done("key", Outcome::Handled, Duration::MAX);
    forever.await.unwrap();
    assert!(left() > 1_000 * HOUR);

    // A key that someone has made eternal.
    server.command(&["PERSIST", &key]);
    one.done("key", Outcome::Handled, HOUR).await.unwrap();
    assert!(left() <= HOUR);
}

#[tokio::test]
async fn a_key_is_free_after_its_end() {
    let Some(server) = server("keys after their ends on Redis") else {
        return;
    };
    let (one, other, prefix) = pair(server);
    let short = SECOND / 20;
    let granted = one.claim("claimed", 1, short).await.unwrap();
    assert_eq!(granted, Claim::Granted);
    one.done("done", Outcome::Handled, short).await.unwrap();
    one.done("at once", Outcome::Handled, Duration::ZERO)
        .await
        .unwrap();
    for key in ["claimed", "done", "at once"] {
        let granted = tokio::time::timeout(MINUTE, async {
            while claim(&other, key, 2).await != Claim::Granted {}
        });
        granted.await.unwrap();
        let free = other.release(key, 2);
        free.await.unwrap();
    }
    let keys = server.command(&["KEYS", &format!("{prefix}*")]);
    assert_eq!(keys, "");
}

#[tokio::test]
async fn a_server_that_has_forgotten_the_scripts_gets_them_again() {
    let Some(server) = Redis::start_or_skip("scripts on Redis") else {
        return;
    };
    let store = patient(server.url()).build().unwrap();
    let flush = || server.command(&["SCRIPT", "FLUSH"]);
    for _ in 0..2 {
        flush();
        assert_eq!(claim(&store, "key", 1).await, Claim::Granted);
        flush();
        store.release("key", 1).await.unwrap();
        flush();
        let done = store.done("done", Outcome::Handled, MINUTE);
        done.await.unwrap();
        assert_eq!(claim(&store, "key", 2).await, Claim::Granted);
        store.release("key", 2).await.unwrap();
    }
    // Otherwise each is sent once.
    for _ in 0..3 {
        assert_eq!(claim(&store, "key", 1).await, Claim::Granted);
        store.release("key", 1).await.unwrap();
    }
    let calls = server.command(&["INFO", "commandstats"]);
    assert!(calls.contains("cmdstat_eval:calls=10,"), "{calls}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_claims_at_once_one_is_granted() {
    let Some(server) = server("a race for a key on Redis") else {
        return;
    };
    let (one, other, prefix) = pair(server);
    let expected = [(Claim::Granted, Claim::Held), (Claim::Held, Claim::Granted)];
    for (first, second) in [(1, 2), (3, 4)] {
        for number in 0..200 {
            let key = format!("key {number}");
            let claimed = tokio::join!(claim(&one, &key, first), claim(&other, &key, second));
            assert!(expected.contains(&claimed), "{claimed:?}");
        }
        // Claims that expire.
        for number in 0..200 {
            let key = format!("{prefix}key {number}");
            assert_eq!(server.command(&["PEXPIRE", &key, "1"]), "1");
        }
        while !server.command(&["KEYS", &format!("{prefix}*")]).is_empty() {}
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_calls_at_once_wait_for_each_other() {
    let Some(server) = server("many calls on Redis") else {
        return;
    };
    let store = Arc::new(patient(server.url()).prefix(prefix()).build().unwrap());
    let calls = (0..5_000).map(|number| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { claim(&store, &number.to_string(), 1).await })
    });
    let calls: Vec<_> = calls.collect();
    for call in calls {
        assert_eq!(call.await.unwrap(), Claim::Granted);
    }
}

#[tokio::test]
async fn a_check_leaves_nothing_on_the_server() {
    let Some(server) = Redis::start_or_skip("a check of Redis") else {
        return;
    };
    let store = patient(server.url()).build().unwrap();
    store.check().await.unwrap();
    assert_eq!(server.command(&["DBSIZE"]), "0");
    assert_eq!(claim(&store, "app:type:id", 1).await, Claim::Granted);
    let keys = server.command(&["KEYS", "*"]);
    assert_eq!(keys, "lark-events:dedup:app:type:id");
}

#[tokio::test]
async fn a_server_is_reached_by_its_unix_socket() {
    let Some(program) = Redis::installed_or_skip("Redis at a Unix socket") else {
        return;
    };
    let server = program.start(&[("unixsocket", "socket"), ("unixsocketperm", "777")]);
    let socket = server.folder().join("socket");
    let url = format!("redis+unix://{}?db=3", socket.display());
    let store = patient(url).build().unwrap();
    assert_eq!(claim(&store, "key", 1).await, Claim::Granted);
    let databases = server.command(&["INFO", "keyspace"]);
    assert!(databases.contains("db3:keys=1"), "{databases}");
}
