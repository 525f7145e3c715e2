//! What a store needs of a server: JetStream, streams, permissions.

use std::error::Error as _;
use std::time::Duration;

use lark_events::{Delivery, EventHeader, RawJson};
use lark_events_inbox::{
    Admin as _, AttemptOutcome, Entry, Filter, Page, Settled, Settlement, Store as _, StoreError,
    StoreErrorKind, WorkerId, WorkerState,
};
use lark_events_inbox_nats::NatsStore;
use lark_events_test_servers::{Nats, NatsSettings};

use crate::server::{MAX_PAYLOAD, builder, claim, server};

/// The permissions that the guide names.
const PERMISSIONS: &str = r#"{
    publish: ["lark.>", "$JS.API.>", "$JS.ACK.>"]
    subscribe: ["lark.wake", "_INBOX.>"]
}"#;

/// Those of a program whose streams exist.
const WORKER: &str = r#"{
    publish: {
        allow: ["lark.>", "$JS.API.>", "$JS.ACK.>"]
        deny: ["$JS.API.STREAM.CREATE.>", "$JS.API.STREAM.UPDATE.>", "$JS.API.STREAM.DELETE.>"]
    }
    subscribe: ["lark.wake", "_INBOX.>"]
}"#;

fn entry(id: &str) -> Entry {
    let mut header = EventHeader::new("im.message.receive_v1");
    header.event_id = Some(id.to_owned());
    let mut entry = Entry::new(Delivery::new(header, RawJson::parse("{}").unwrap()));
    entry.key = Some(id.to_owned());
    entry
}

fn text(error: &StoreError) -> String {
    error.source().unwrap().to_string()
}

#[tokio::test]
async fn facts_are_there_before_and_after_the_streams() {
    let Some(server) = server("facts of NATS") else {
        return;
    };
    let builder = builder(server.url()).partitions(2).sync_always();
    let facts = builder.facts().await.unwrap();
    assert!(
        facts.events.is_none() && facts.missing.len() == 3,
        "{facts:?}"
    );
    let error = builder.clone().existing().connect().await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Version);
    assert!(text(&error).ends_with("_INBOX does not exist: run `lark-events inbox migrate`"));

    let store = builder.clone().connect().await.unwrap();
    store.append(vec![entry("e-1")]).await.unwrap();
    let facts = builder.facts().await.unwrap();
    let missing: [String; 0] = [];
    assert_eq!(
        (&facts.missing[..], &facts.otherwise[..]),
        (&missing[..], &missing[..])
    );
    // The metadata of a stream, which servers before 2.10 do not keep.
    let has_metadata = server.program().version() >= (2, 10);
    assert_eq!(
        (facts.partitions, facts.sync_always),
        (Some(2), has_metadata)
    );
    let events = facts.events.unwrap();
    assert_eq!((events.replicas, events.max_bytes), (1, None));
    assert!(events.bytes > 0 && events.duplicate_window >= NatsStore::MIN_WINDOW);
    builder.existing().connect().await.unwrap();
}

#[tokio::test]
async fn a_server_without_jetstream_is_an_error_that_says_so() {
    let Some(program) = Nats::installed_or_skip("NATS without JetStream") else {
        return;
    };
    let server = program.start(&NatsSettings::new().without_jetstream().line(MAX_PAYLOAD));
    let builder = NatsStore::builder(server.url());
    let connected = builder.clone().connect().await.unwrap_err();
    for error in [connected, builder.facts().await.unwrap_err()] {
        assert_eq!(error.kind(), StoreErrorKind::Unsupported);
        assert!(
            text(&error).contains("has no JetStream for this account"),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn the_permissions_of_the_guide_are_enough_and_a_missing_one_is_named() {
    let Some(program) = Nats::installed_or_skip("permissions on NATS") else {
        return;
    };
    let without = PERMISSIONS.replace("\"$JS.API.>\", ", "");
    let users = format!(
        "authorization {{ users: [\
        {{ user: app, password: secret, permissions: {PERMISSIONS} }},\
        {{ user: worker, password: secret, permissions: {WORKER} }},\
        {{ user: other, password: secret, permissions: {without} }}] }}"
    );
    let settings = NatsSettings::new().line(MAX_PAYLOAD).line(&users);
    let server = program.start(&settings.user_info("app:secret"));
    let builder = NatsStore::builder(server.url()).partitions(2);
    calls_all(&builder.connect().await.unwrap(), "app").await;
    let url = server.url().replace("app:", "worker:");
    let builder = NatsStore::builder(url).existing();
    calls_all(&builder.connect().await.unwrap(), "worker").await;

    let url = server.url().replace("app:", "other:");
    let error = NatsStore::connect(url).await.unwrap_err();
    let text = text(&error);
    assert!(
        text.contains("Permissions Violation for Publish to \"$JS.API.INFO\""),
        "{text}"
    );
    assert!(!text.contains("secret"));
}

/// All kinds of calls.
async fn calls_all(store: &NatsStore, id: &str) {
    const LEASE: Duration = Duration::from_secs(30);
    let mut lane = entry(&format!("{id} 2"));
    lane.lane = Some("oc_1".to_owned());
    store.append(vec![entry(id), lane]).await.unwrap();
    store
        .heartbeat(WorkerId::draw(), WorkerState::Running)
        .await
        .unwrap();
    for settled in [Settled::Dead, Settled::Done] {
        let claimed = claim(store, 1, LEASE).await;
        let fence = claimed[0].fence;
        assert_eq!(store.extend(&[fence], LEASE).await.unwrap(), [true]);
        let settlement = Settlement::new(fence, settled, AttemptOutcome::Failed);
        assert_eq!(store.settle(vec![settlement]).await.unwrap(), [true]);
    }
    let status = store.status().await.unwrap();
    assert!(status.dead == 1 && status.workers > 0, "{status:?}");
    let page = Page::first(10);
    let listed = store.list(&Filter::default(), page).await.unwrap();
    assert!(listed.len() >= 2);
    assert_eq!(store.retry(&Filter::default(), 10).await.unwrap(), 1);
    assert!(store.discard(&Filter::default(), 10).await.unwrap() > 0);
    assert!(store.replay(&Filter::default(), 10).await.unwrap() > 0);
    store.prune(LEASE).await.unwrap();
}
