//! The store behind a pooler in transaction mode, which gives each call another connection of the server.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use lark_events_inbox::testing::conforms;
use lark_events_inbox::{Admin as _, Entry, Filter, Inbox, Page, State, Store as _};
use lark_events_inbox_postgres::{PostgresStore, PostgresStoreBuilder};
use lark_events_test_servers::{PgBouncer, Postgres};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::app::{SECOND, event, pass, running, taking};
use crate::server::{database, server};

fn pooler(what: &str) -> Option<(&'static Postgres, PgBouncer)> {
    let server = server(what)?;
    let pooler = PgBouncer::start_or_skip(server, what)?;
    Some((server, pooler))
}

/// The URL of a new database behind the pooler.
fn pooled(server: &Postgres, pooler: &PgBouncer) -> String {
    let url = database(server);
    let (_, name) = url.rsplit_once('/').unwrap();
    pooler.url_of(name, "postgres")
}

/// A store that does not listen: the pooler gives its connections to others.
fn builder(url: &str) -> PostgresStoreBuilder {
    PostgresStore::builder(url).without_notifications()
}

#[tokio::test]
async fn the_store_behind_a_pooler_conforms() {
    let Some((server, pooler)) = pooler("the contract of a store behind PgBouncer") else {
        return;
    };
    let url = pooled(server, &pooler);
    let schemas = AtomicUsize::new(0);
    conforms(async || {
        let schema = format!("inbox_{}", schemas.fetch_add(1, Ordering::Relaxed));
        let store = builder(&url).schema(schema);
        Arc::new(store.connect().await.unwrap())
    })
    .await;
}

#[tokio::test]
async fn more_stores_than_the_pooler_has_connections_receive_and_work() {
    let Some((server, pooler)) = pooler("an inbox behind PgBouncer") else {
        return;
    };
    let url = pooled(server, &pooler);
    let open = async || Arc::new(builder(&url).connect().await.unwrap());
    let (service, record) = taking(Duration::ZERO);
    let mut workers = Vec::new();
    let mut receivers = Vec::new();
    for _ in 0..4 {
        let builder = Inbox::builder(open().await as _).lane_by_tenant();
        workers.push(running(builder, service.clone()).await);
        let builder = Inbox::builder(open().await as _).lane_by_tenant();
        receivers.push(builder.receiver(service.clone()).unwrap());
    }
    let mut passing = JoinSet::new();
    for lane in 0..8 {
        let receiver = receivers[lane % receivers.len()].clone();
        passing.spawn(async move {
            for number in 0..25 {
                let delivery = event(Some(&lane.to_string()), format!("{lane} {number:02}"));
                pass(&receiver, delivery).await.unwrap();
            }
        });
    }
    passing.join_all().await;
    let store = open().await;
    let done = async {
        let mut done = Filter::default();
        done.states = vec![State::Done];
        let page = Page::first(1_000);
        while store.list(&done, page).await.unwrap().len() < 200 {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(120 * SECOND, done)
        .await
        .expect("all events are handled");
    for worker in workers {
        worker.stop().await.unwrap();
    }
    let ids = record.ids();
    assert_eq!(ids.len(), 200);
    for lane in 0..8 {
        let name = lane.to_string();
        let of_lane: Vec<_> = ids.iter().filter(|id| id.starts_with(&name)).collect();
        assert!(of_lane.is_sorted(), "{of_lane:?}");
    }
}

#[tokio::test]
async fn calls_at_once_share_the_connections_of_the_pooler() {
    let Some((server, pooler)) = pooler("calls at once behind PgBouncer") else {
        return;
    };
    let store = builder(&pooled(server, &pooler)).connect().await;
    let store = Arc::new(store.unwrap());
    let mut calls = JoinSet::new();
    for number in 0..200 {
        let store = Arc::clone(&store);
        calls.spawn(async move {
            let appended = store.append(vec![Entry::new(event(None, number))]).await;
            appended.unwrap();
            let claimed = lark_events_inbox::Store::claim(&*store, 1, 60 * SECOND).await;
            store.status().await.unwrap();
            claimed.unwrap().len()
        });
    }
    let mut claimed: usize = calls.join_all().await.into_iter().sum();
    // Of a claim, another one may have had the only rows that it saw.
    claimed += lark_events_inbox::Store::claim(&*store, 200, 60 * SECOND)
        .await
        .unwrap()
        .len();
    assert_eq!(claimed, 200);
}
