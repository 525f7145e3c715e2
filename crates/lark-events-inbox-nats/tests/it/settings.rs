//! Streams, consumers and servers that are set up otherwise: a store does not open, and the error says what to
//! change.

use std::time::Duration;

use async_nats::jetstream::consumer::pull;
use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType, Stream};
use async_nats::jetstream::{self, Context};
use lark_events_inbox::StoreErrorKind;
use lark_events_inbox_nats::NatsStore;
use lark_events_test_servers::{Nats, NatsSettings};

use crate::server::{builder, cause, refused, server};

/// What the error asks for, and how it comes to be wrong.
type Wrong<C> = (&'static str, fn(&mut C));

async fn context(server: &Nats) -> Context {
    jetstream::new(async_nats::connect(server.url()).await.unwrap())
}

/// Opens a store with this prefix, and checks what the error says.
async fn is_refused(server: &Nats, prefix: &str, what: &str, field: &str) {
    let error = refused(builder(server.url()).prefix(prefix).partitions(2)).await;
    assert_eq!(error.kind(), StoreErrorKind::Version, "{}", cause(&error));
    let expected = format!(
        "the {what} has a different configuration: expected {field}: change it, or use another prefix"
    );
    assert_eq!(cause(&error), expected);
}

#[tokio::test]
async fn a_stream_that_is_set_up_otherwise_is_refused_with_what_to_change() {
    let Some(server) = server("a stream of NATS that is set up otherwise") else {
        return;
    };
    let context = context(server).await;
    let right = |prefix: &str| Config {
        name: format!("{prefix}_INBOX"),
        description: Some("lark-events-partitions=2".to_owned()),
        subjects: vec![format!("{}.inbox.>", prefix.to_lowercase())],
        discard: DiscardPolicy::New,
        duplicate_window: NatsStore::MIN_WINDOW,
        max_age: NatsStore::MIN_WINDOW,
        ..Config::default()
    };
    let wrong: [Wrong<Config>; 7] = [
        ("`retention` limits", |it| {
            it.retention = RetentionPolicy::WorkQueue;
        }),
        ("`storage` file", |it| it.storage = StorageType::Memory),
        ("`discard` new", |it| it.discard = DiscardPolicy::Old),
        ("`subjects` PREFIX.inbox.>", |it| {
            it.subjects.push("other".to_owned());
        }),
        ("`duplicate_window` 29460 s or more", |it| {
            it.duplicate_window = Duration::from_mins(2);
        }),
        ("`metadata` with lark-events-partitions", |it| {
            it.description = None;
        }),
        ("`metadata` with lark-events-partitions", |it| {
            it.description = Some("lark-events-partitions=0".to_owned());
        }),
    ];
    for (number, (field, set)) in wrong.into_iter().enumerate() {
        let prefix = format!("WRONG{number}");
        let mut config = right(&prefix);
        set(&mut config);
        context.create_stream(config).await.unwrap();
        let field = field.replace("PREFIX", &prefix.to_lowercase());
        let what = format!("stream {prefix}_INBOX");
        is_refused(server, &prefix, &what, &field).await;
    }
    // What is changed is accepted, with the partitions of the stream.
    let prefix = "RIGHT";
    context.create_stream(right(prefix)).await.unwrap();
    let opened = builder(server.url()).prefix(prefix).partitions(5).connect();
    opened.await.unwrap();
    let mut stream = context.get_stream("RIGHT_INBOX").await.unwrap();
    assert_eq!(stream.info().await.unwrap().state.consumer_count, 3);
}

#[tokio::test]
async fn a_consumer_that_is_set_up_otherwise_is_refused_with_what_to_change() {
    let Some(server) = server("a consumer of NATS that is set up otherwise") else {
        return;
    };
    let prefix = "CONSUMER";
    let open = || builder(server.url()).prefix(prefix).partitions(2);
    open().connect().await.unwrap();
    let stream = context(server).await.get_stream("CONSUMER_INBOX").await;
    let stream = stream.unwrap();
    let wrong: [Wrong<pull::Config>; 4] = [
        ("`filter_subject` consumer.inbox.*.p1.>", |it| {
            it.filter_subject = "consumer.inbox.*.p0.>".to_owned();
        }),
        ("`max_ack_pending` 1", |it| it.max_ack_pending = 2),
        ("`max_deliver` -1", |it| it.max_deliver = 5),
        ("`ack_wait` 3s or more", |it| {
            it.ack_wait = Duration::from_secs(1);
        }),
    ];
    for (field, set) in wrong {
        let right = replaced(&stream, set).await;
        is_refused(server, prefix, "consumer p1", field).await;
        stream.delete_consumer("p1").await.unwrap();
        stream.create_consumer(right).await.unwrap();
        open().connect().await.unwrap();
    }
}

/// Replaces a consumer by one that is set up otherwise. Returns its settings before.
async fn replaced(stream: &Stream, set: impl Fn(&mut pull::Config)) -> pull::Config {
    let consumer = stream.get_consumer::<pull::Config>("p1").await.unwrap();
    let info = consumer.cached_info();
    let right = pull::Config {
        durable_name: Some("p1".to_owned()),
        filter_subject: info.config.filter_subject.clone(),
        ack_wait: info.config.ack_wait,
        max_deliver: info.config.max_deliver,
        max_ack_pending: info.config.max_ack_pending,
        ..pull::Config::default()
    };
    let mut wrong = right.clone();
    set(&mut wrong);
    stream.delete_consumer("p1").await.unwrap();
    stream.create_consumer(wrong).await.unwrap();
    right
}

#[tokio::test]
async fn a_stream_of_others_with_our_subjects_is_refused() {
    let Some(server) = server("a stream of NATS with the subjects of another") else {
        return;
    };
    let config = Config {
        name: "OTHER".to_owned(),
        subjects: vec!["overlap.>".to_owned()],
        ..Config::default()
    };
    context(server).await.create_stream(config).await.unwrap();
    let error = refused(builder(server.url()).prefix("OVERLAP")).await;
    let text = cause(&error);
    assert!(
        text.contains("the stream OVERLAP_INBOX was not created: "),
        "{text}"
    );
    assert!(text.contains("subjects overlap"), "{text}");
}

#[tokio::test]
async fn a_small_max_payload_is_refused() {
    let Some(program) = Nats::installed_or_skip("the max_payload of NATS") else {
        return;
    };
    let server = program.start(&NatsSettings::new());
    let error = refused(builder(server.url())).await;
    assert_eq!(error.kind(), StoreErrorKind::Unsupported);
    let text = cause(&error);
    assert!(
        text.starts_with("the server takes messages of 1048576 bytes, expected at least "),
        "{text}"
    );
    assert!(
        text.contains("set `max_payload` in its configuration"),
        "{text}"
    );
    let smaller = builder(server.url()).max_event_bytes(500_000);
    smaller.connect().await.unwrap();
}
