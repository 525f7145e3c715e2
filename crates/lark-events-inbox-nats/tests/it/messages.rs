//! Messages that a server does not take, and messages that are no events.

use std::time::Duration;

use async_nats::jetstream;
use futures_util::StreamExt as _;
use lark_events::RawJson;
use lark_events_inbox::{Admin as _, Appended, Entry, Refused, Store as _};
use lark_events_test_servers::{Nats, NatsSettings, skipped};

use crate::app::event;
use crate::server::{builder, claim, server, start};
use crate::webhook::App;

#[tokio::test]
async fn an_event_that_is_too_large_for_the_server_does_not_affect_its_neighbours() {
    let Some(program) = Nats::installed_or_skip("an event that is too large for NATS") else {
        return;
    };
    let server = program.start(&NatsSettings::new().line("max_payload: 200KB"));
    let builder = builder(server.url()).max_event_bytes(100_000);
    let mut app = App::of(builder).await;
    let entry = |id: &str, bytes: usize| {
        let mut delivery = event(Some("t"), id);
        let body = format!("\"{}\"", "x".repeat(bytes));
        delivery.raw = RawJson::parse(body).unwrap();
        let mut entry = Entry::new(delivery);
        entry.key = Some(id.to_owned());
        entry
    };
    let batch = vec![entry("a", 1), entry("b", 250_000), entry("c", 1)];
    let expected = [
        Appended::New,
        Appended::Refused(Refused::TooLarge),
        Appended::New,
    ];
    assert_eq!(app.store.append(batch).await.unwrap(), expected);
    // A sender learns it too.
    assert_eq!(app.push("d", 250_000).await, 500);
    assert_eq!(app.push("e", 1).await, 200);
    app.all_handled().await;
    let mut handled = app.record.ids();
    handled.sort();
    assert_eq!(handled, ["a", "c", "e"]);
}

#[tokio::test]
async fn a_message_that_is_no_event_is_skipped() {
    let Some(server) = server("a message of NATS that is no event") else {
        return;
    };
    let prefix = "NOEVENT";
    let mut app = App::of(builder(server.url()).prefix(prefix)).await;
    assert_eq!(app.push("before", 1).await, 200);
    app.all_handled().await;
    let client = async_nats::connect(server.url()).await.unwrap();
    let context = jetstream::new(client);
    for partition in ["p0", "p1", "p2", "p3", "p4", "p5", "p6", "p7", "any"] {
        let subject = format!("noevent.inbox._.{partition}.x");
        let published = context.publish(subject, "no event".into()).await.unwrap();
        published.await.unwrap();
    }
    assert_eq!(app.push("after", 1).await, 200);
    app.all_handled().await;
    assert_eq!(app.record.ids(), ["before", "after"]);
    let log = app.log.text();
    let lines = log.lines().filter(|line| line.contains("ERROR"));
    let lines: Vec<_> = lines.collect();
    assert_eq!(lines.len(), 9, "{log}");
    for line in lines {
        assert!(line.contains("a message of the stream is not an event: it is skipped"));
    }
}

/// The stream's messages count those of batches: a batch that is not committed leaves none.
#[tokio::test]
async fn events_at_once_are_one_batch_and_single_ones_after_a_duplicate() {
    let settings = NatsSettings::new().jetstream("sync_interval: always");
    let what = "atomic batches of NATS";
    let Some(program) = Nats::installed_or_skip(what) else {
        return;
    };
    if program.version() < (2, 12) {
        skipped(format_args!("{what}, which need NATS 2.12"));
        return;
    }
    let Some(server) = start(what, &settings) else {
        return;
    };
    let store = builder(server.url()).partitions(4).sync_always();
    let store = store.connect().await.unwrap();
    let client = async_nats::connect(server.url()).await.unwrap();
    let mut sent = client.subscribe("*.inbox.>").await.unwrap();
    // The server has the subscription once it delivers a message of the same connection.
    client.publish("other.inbox.x", "".into()).await.unwrap();
    sent.next().await.unwrap();
    let entry = |id: usize| {
        let mut entry = Entry::new(event(Some("t"), id));
        entry.key = Some(id.to_string());
        entry.lane = id.is_multiple_of(2).then(|| "lane".to_owned());
        entry
    };
    let first = (0..8).map(entry).collect();
    assert_eq!(store.append(first).await.unwrap(), [Appended::New; 8]);
    for _ in 0..8 {
        let message = sent.next().await.unwrap();
        let headers = message.headers.unwrap();
        assert!(headers.get("Nats-Batch-Id").is_some(), "{headers:?}");
    }
    let second = (6..10).map(entry).collect();
    let expected = [
        Appended::Duplicate,
        Appended::Duplicate,
        Appended::New,
        Appended::New,
    ];
    assert_eq!(store.append(second).await.unwrap(), expected);
    assert_eq!(store.last().await.unwrap(), Some(10), "each once");
    // A single event is no batch, and neither are its duplicates.
    assert_eq!(
        store.append(vec![entry(10)]).await.unwrap(),
        [Appended::New]
    );
    assert_eq!(store.last().await.unwrap(), Some(11));
    let mut claimed = Vec::new();
    while claimed.len() < 6 {
        let some = claim(&store, 16, Duration::from_secs(60)).await;
        claimed.extend(some.into_iter().map(|one| one.entry.key.unwrap()));
    }
    claimed.sort_unstable();
    // The lane has one event at a time.
    assert_eq!(claimed, ["0", "1", "3", "5", "7", "9"]);
}
