//! A server that fails while events come in: the sender is not acknowledged, the log has one line for each
//! consequence, and events are acknowledged again once the cause is gone, by the same store.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use lark_events_inbox::{
    AttemptOutcome, Claimed, Entry, Settled, Settlement, Store as _, StoreErrorKind,
};
use lark_events_inbox_nats::{NatsStore, NatsStoreBuilder};
use lark_events_test_servers::{Nats, NatsSettings};
use tokio::time::{sleep, timeout};

use crate::app::{SECOND, event};
use crate::server::{MAX_PAYLOAD, builder, cause, refused, start};
use crate::webhook::App;

const UNAVAILABLE: &str = "the store is unavailable";
const TIMED_OUT: &str = "the store did not answer in time";

#[tokio::test]
async fn a_server_that_stops_and_starts_again() {
    let Some(server) = start("a server of NATS that stops", &NatsSettings::new()) else {
        return;
    };
    let mut app = App::on(&server).await;
    assert_eq!(app.push("before", 1).await, 200);
    app.all_handled().await;
    server.stop();
    app.disconnected().await;
    for _ in 0..3 {
        assert_eq!(app.push("e", 1).await, 500);
    }
    let error = refused(builder(server.url())).await;
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert!(cause(&error).contains("refused"), "{}", cause(&error));
    server.restart();
    app.redeliver("e", 1).await;
    app.redeliver("before", 1).await;
    app.is_healthy_after(&[UNAVAILABLE, "no connection to a NATS server"])
        .await;
    server.kill();
    app.disconnected().await;
    assert_eq!(app.push("f", 1).await, 500);
    server.restart();
    app.redeliver("f", 1).await;
    app.all_handled().await;
    // A server that is killed may lose acknowledgements of workers.
    let ids: BTreeSet<_> = app.record.ids().into_iter().collect();
    assert!(ids.iter().eq(["before", "e", "f"]), "{ids:?}");
}
#[tokio::test]
async fn a_server_that_loses_jetstream() {
    let settings = NatsSettings::new();
    let Some(server) = start("a server of NATS without JetStream", &settings) else {
        return;
    };
    let mut app = App::on(&server).await;
    assert_eq!(app.push("before", 1).await, 200);
    app.all_handled().await;
    let with = settings.line(MAX_PAYLOAD);
    server.configure(&with.clone().without_jetstream());
    server.stop();
    app.disconnected().await;
    server.restart();
    for _ in 0..3 {
        assert_eq!(app.push("e", 1).await, 500);
    }
    let error = refused(builder(server.url())).await;
    assert_eq!(error.kind(), StoreErrorKind::Unsupported);
    let text = cause(&error);
    assert!(text.contains("has no JetStream for this account"), "{text}");
    server.configure(&with);
    server.restart();
    app.redeliver("e", 1).await;
    app.is_healthy_after(&[UNAVAILABLE]).await;
    assert_eq!(app.record.ids(), ["before", "e"]);
}
#[tokio::test]
async fn a_server_that_does_not_answer() {
    let Some(server) = start("a server of NATS that is frozen", &NatsSettings::new()) else {
        return;
    };
    let mut app = App::on(&server).await;
    assert_eq!(app.push("before", 1).await, 200);
    app.all_handled().await;
    server.freeze();
    for _ in 0..2 {
        assert_eq!(app.push("e", 1).await, 500);
    }
    let error = refused(builder(server.url())).await;
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert_eq!(cause(&error), "timed out");
    let log = app.log.text();
    assert!(!log.contains("the store works again"), "{log}");
    server.thaw();
    app.redeliver("e", 1).await;
    app.is_healthy_after(&[TIMED_OUT]).await;
    assert_eq!(app.record.ids(), ["before", "e"]);
}

#[tokio::test]
async fn nothing_waits_for_a_connection_to_be_sent_late() {
    let Some(server) = start("NATS without a connection", &NatsSettings::new()) else {
        return;
    };
    let builder = builder(server.url()).partitions(2);
    let builder = builder.ack_wait(NatsStore::MIN_ACK_WAIT);
    let [store, other] = [builder.clone(), builder].map(NatsStoreBuilder::connect);
    let (store, other) = (store.await.unwrap(), other.await.unwrap());
    let entry = |lane: &str| {
        let mut entry = Entry::new(event(None, lane));
        entry.lane = Some(lane.to_owned());
        entry
    };
    other.append(vec![entry("a")]).await.unwrap();
    let claimed = claim(&other).await;
    // No look is under way that the next event, in the other partition, would be the answer to.
    other.status().await.unwrap();
    other.append(vec![entry("b")]).await.unwrap();
    server.kill();
    while store.append(vec![]).await.is_ok() || other.append(vec![]).await.is_ok() {
        sleep(Duration::from_millis(1)).await;
    }
    let retried = Settled::RetryIn(Duration::ZERO);
    let settlement = Settlement::new(claimed.fence, retried, AttemptOutcome::Failed);
    let error = other.settle(vec![settlement]).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert_eq!(cause(&error), "no connection to a NATS server");
    drop(other);
    // A look that was sent after this would be too old: another attempt would be needed.
    let woken = async {
        loop {
            store.woken().await;
        }
    };
    let woken = timeout(NatsStore::MIN_ACK_WAIT + SECOND, woken).await;
    assert!(woken.is_err());
    server.restart();
    let mut attempts = BTreeMap::new();
    while attempts.len() < 2 {
        let claimed = claim(&store).await;
        attempts.insert(claimed.entry.lane.unwrap(), claimed.attempt);
    }
    assert_eq!(attempts["b"], 1);
}

/// Claims the next event.
async fn claim(store: &NatsStore) -> Claimed {
    loop {
        match store.claim(1, 60 * SECOND).await {
            Ok(mut claimed) if !claimed.is_empty() => return claimed.remove(0),
            _ => sleep(Duration::from_millis(10)).await,
        }
    }
}

#[tokio::test]
async fn a_node_of_a_cluster_that_does_not_answer() {
    let Some(program) = Nats::installed_or_skip("a node of NATS that is frozen") else {
        return;
    };
    let cluster = program.start_cluster(3, &NatsSettings::new().line(MAX_PAYLOAD));
    let mut app = App::on_cluster(&cluster).await;
    assert_eq!(app.push("before", 1).await, 200);
    app.all_handled().await;
    let mut nodes = cluster.nodes().iter();
    let is_connected = |node: &&Nats| node.monitor("/connz").unwrap().contains("lark-events");
    let node = nodes.find(is_connected).unwrap();
    node.freeze();
    assert_eq!(app.push("e", 1).await, 500);
    // By another node.
    app.redeliver("e", 1).await;
    app.is_healthy_after(&[TIMED_OUT]).await;
    node.thaw();
}
