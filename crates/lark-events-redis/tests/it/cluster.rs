//! The nodes of a cluster share the keys, which move from one to another.

use std::time::{Duration, Instant};

use lark_events::Outcome;
use lark_events_layers::{Claim, DedupStore as _};
use lark_events_redis::RedisStoreErrorKind;
use lark_events_test_servers::{Redis, skipped};

use crate::server::{MINUTE, claim, claim_again, failure, patient};

const KEYS: usize = 100;

#[track_caller]
fn until(what: &str, mut is_true: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_true() {
        assert!(start.elapsed() < MINUTE, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn is_ok(node: &Redis) -> bool {
    let info = node.command(&["CLUSTER", "INFO"]);
    info.contains("cluster_state:ok") && info.contains("cluster_slots_ok:16384")
}

fn meet(node: &Redis, other: &Redis) {
    let (port, bus) = (other.port().to_string(), other.cluster_port().to_string());
    node.command(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus]);
    until("the nodes know each other", || {
        let known = node.command(&["CLUSTER", "NODES"]);
        known.contains(&format!("127.0.0.1:{port}@")) && !known.contains("handshake")
    });
}

/// Three nodes; the first two have half of the slots each.
fn cluster(what: &str) -> Option<[Redis; 3]> {
    let program = Redis::installed_or_skip(what)?;
    if program.version() < (7, 0) {
        skipped(format_args!(
            "{what}, which needs Redis 7: apt-get install redis-server"
        ));
        return None;
    }
    let settings = [
        ("cluster-enabled", "yes"),
        ("cluster-node-timeout", "15000"),
        ("cluster-require-full-coverage", "no"),
    ];
    let nodes = [(); 3].map(|()| program.start(&settings));
    for (node, first, last) in [(&nodes[0], "0", "8191"), (&nodes[1], "8192", "16383")] {
        node.command(&["CLUSTER", "ADDSLOTSRANGE", first, last]);
    }
    meet(&nodes[0], &nodes[1]);
    meet(&nodes[0], &nodes[2]);
    for node in &nodes {
        until("the cluster is complete", || is_ok(node));
    }
    Some(nodes)
}

fn id(node: &Redis) -> String {
    node.command(&["CLUSTER", "MYID"])
}

fn size(node: &Redis) -> usize {
    node.command(&["DBSIZE"]).parse().unwrap()
}

#[tokio::test]
async fn each_node_has_its_keys_and_a_replica_that_takes_over_too() {
    let Some([first, second, third]) = cluster("a cluster of Redis") else {
        return;
    };
    third.command(&["CLUSTER", "REPLICATE", &id(&second)]);
    let store = patient(first.url()).build().unwrap();
    let other = patient(second.url()).build().unwrap();
    for number in 0..KEYS {
        let key = number.to_string();
        assert_eq!(claim(&store, &key, 1).await, Claim::Granted);
        assert_eq!(claim(&other, &key, 2).await, Claim::Held);
        let done = other.done(&key, Outcome::Handled, MINUTE);
        done.await.unwrap();
        assert_eq!(claim(&store, &key, 1).await, Claim::Done(Outcome::Handled));
    }
    assert_eq!(size(&first) + size(&second), KEYS);
    assert!(size(&first) > 0 && size(&second) > 0);
    // A slot is asked for once.
    let errors = first.command(&["INFO", "errorstats"]);
    let (_, moved) = errors.split_once("errorstat_MOVED:count=").unwrap();
    let moved: usize = moved.lines().next().unwrap().parse().unwrap();
    assert!(moved <= size(&second), "{errors}");

    until("the replica has all keys", || size(&third) == size(&second));
    second.kill();
    let mut failed = 0;
    for number in 0..KEYS {
        if let Err(error) = store.claim(&number.to_string(), 1, MINUTE).await {
            assert_ne!(failure(&error).0, RedisStoreErrorKind::Invalid);
            failed += 1;
        }
    }
    assert_eq!(failed, size(&third));
    third.command(&["CLUSTER", "FAILOVER", "TAKEOVER"]);
    until("the first node knows of it", || is_ok(&first));
    for number in 0..KEYS {
        let known = claim_again(&store, &number.to_string(), 1).await;
        assert_eq!(known, Claim::Done(Outcome::Handled));
    }
}

#[tokio::test]
async fn a_key_that_moves_is_found_at_each_moment() {
    let Some([first, second, _]) = cluster("moving keys of a cluster of Redis") else {
        return;
    };
    let store = patient(first.url()).prefix("{tag}:").build().unwrap();
    let slot = first.command(&["CLUSTER", "KEYSLOT", "{tag}:"]);
    let is_first = slot.parse::<u32>().unwrap() < 8_192;
    let (from, to) = if is_first {
        (&first, &second)
    } else {
        (&second, &first)
    };
    assert_eq!(claim(&store, "stays", 1).await, Claim::Granted);
    to.command(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &id(from)]);
    from.command(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &id(to)]);
    assert_eq!(claim(&store, "stays", 2).await, Claim::Held);
    // A new key is created where the slot goes.
    assert_eq!(claim(&store, "new", 1).await, Claim::Granted);
    assert_eq!((size(from), size(to)), (1, 1));
    assert_eq!(claim(&store, "new", 2).await, Claim::Held);
    let port = to.port().to_string();
    let moved = ["MIGRATE", "127.0.0.1", &port, "{tag}:stays", "0", "60000"];
    assert_eq!(from.command(&moved), "OK");
    assert_eq!(claim(&store, "stays", 2).await, Claim::Held);
    for node in [to, from] {
        node.command(&["CLUSTER", "SETSLOT", &slot, "NODE", &id(to)]);
    }
    for key in ["stays", "new"] {
        assert_eq!(claim(&store, key, 2).await, Claim::Held);
        store.release(key, 1).await.unwrap();
        assert_eq!(claim(&store, key, 2).await, Claim::Granted);
    }
    assert_eq!(size(to), 2);
}
