//! What a server still knows after a crash or a failover, with and without its files.

use lark_events::Outcome;
use lark_events_layers::{Claim, DedupStore as _};
use lark_events_redis::RedisStore;
use lark_events_test_servers::Redis;
use tokio::time::timeout;

use crate::server::{MINUTE, claim, claim_again, failure, patient};

const DONE: Claim = Claim::Done(Outcome::Handled);
const SYNC: [(&str, &str); 2] = [("appendonly", "yes"), ("appendfsync", "always")];

async fn done(store: &RedisStore, key: &str) {
    let done = store.done(key, Outcome::Handled, MINUTE);
    done.await.unwrap();
}

#[tokio::test]
async fn a_server_that_writes_before_it_answers_knows_each_key_after_its_crash() {
    let Some(program) = Redis::installed_or_skip("a crash of Redis with its file") else {
        return;
    };
    // With `everysec`, a server may answer up to two seconds before it writes, while the disk is slow.
    for fsync in ["always", "no"] {
        let server = program.start(&[("appendonly", "yes"), ("appendfsync", fsync)]);
        let store = patient(server.url()).build().unwrap();
        for number in 0..100 {
            done(&store, &number.to_string()).await;
        }
        assert_eq!(claim(&store, "held", 1).await, Claim::Granted);
        server.kill();
        server.restart();
        for number in 0..100 {
            let known = claim_again(&store, &number.to_string(), 1).await;
            assert_eq!(known, DONE, "{fsync}");
        }
        assert_eq!(claim(&store, "held", 2).await, Claim::Held, "{fsync}");
        let left: i64 = server
            .command(&["PTTL", "lark-events:dedup:0"])
            .parse()
            .unwrap();
        assert!(left > 0, "{left}");
    }
}

#[tokio::test]
async fn a_server_without_its_file_has_forgotten_all_after_its_crash() {
    let Some(server) = Redis::start_or_skip("a crash of Redis without a file") else {
        return;
    };
    let store = patient(server.url()).build().unwrap();
    done(&store, "key").await;
    assert_eq!(claim(&store, "key", 1).await, DONE);
    server.kill();
    server.restart();
    // The event is handled again.
    assert_eq!(claim_again(&store, "key", 1).await, Claim::Granted);
}

#[tokio::test]
async fn a_replica_that_takes_over_lacks_what_it_has_not_received() {
    let Some(program) = Redis::installed_or_skip("a failover of Redis") else {
        return;
    };
    let (primary, replica) = (program.start(&SYNC), program.start(&SYNC));
    let port = primary.port().to_string();
    let store = patient(primary.url()).build().unwrap();
    done(&store, "before").await;
    replica.command(&["REPLICAOF", "127.0.0.1", &port]);
    let received = timeout(MINUTE, async {
        while replica.command(&["DBSIZE"]) != "1" {
            tokio::task::yield_now().await;
        }
    });
    received.await.unwrap();
    let known = replica.command(&["GET", "lark-events:dedup:before"]);
    assert_eq!(known, "done:handled");
    let left: i64 = replica
        .command(&["PTTL", "lark-events:dedup:before"])
        .parse()
        .unwrap();
    assert!(left > 0, "{left}");

    // The replica is cut off from its primary, whose clients are not.
    primary.command(&["CONFIG", "SET", "requirepass", "0secret"]);
    primary.configure(&[("requirepass", "0secret")]);
    primary.command(&["CLIENT", "KILL", "TYPE", "replica"]);
    done(&store, "after").await;
    // It could have been configured to wait, or rather to reject.
    primary.command(&["CONFIG", "SET", "min-replicas-to-write", "1"]);
    let rejected = store.done("rejected", Outcome::Handled, MINUTE).await;
    let (_, text) = failure(&rejected.unwrap_err());
    assert!(
        text.starts_with("the server rejects writes because it has too few replicas"),
        "{text}"
    );
    primary.kill();
    replica.command(&["REPLICAOF", "NO", "ONE"]);
    let store = patient(replica.url()).build().unwrap();
    assert_eq!(claim(&store, "before", 1).await, DONE);
    assert_eq!(claim(&store, "after", 1).await, Claim::Granted);
}
