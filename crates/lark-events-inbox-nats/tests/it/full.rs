//! A stream or a server that is full: the sender is not acknowledged until there is room again.

use async_nats::jetstream::{self, stream};
use lark_events_inbox_nats::NatsStore;
use lark_events_test_servers::NatsSettings;

use crate::server::{MAX_PAYLOAD, builder, server, start};
use crate::webhook::App;

const BYTES: usize = 60_000;
const FULL: &str = "the store is full";

/// Pushes events until one is not acknowledged. Returns their number.
async fn fill(app: &mut App<NatsStore>) -> usize {
    let mut number = 0;
    while app.push(&number.to_string(), BYTES).await == 200 {
        number += 1;
        assert!(number < 100, "never full");
    }
    assert!(number > 3);
    for _ in 0..3 {
        assert_eq!(app.push(&number.to_string(), BYTES).await, 500);
    }
    number
}

async fn there_is_room(app: &mut App<NatsStore>, number: usize) {
    for id in number..number + 3 {
        app.redeliver(&id.to_string(), BYTES).await;
    }
}

#[tokio::test]
async fn a_full_stream() {
    let Some(server) = server("a full stream of NATS") else {
        return;
    };
    let prefix = "FULL";
    let builder = builder(server.url()).prefix(prefix).max_bytes(500_000);
    let mut app = App::of(builder).await;
    let number = fill(&mut app).await;
    let client = async_nats::connect(server.url()).await.unwrap();
    let context = jetstream::new(client);
    let stream = context.get_stream(format!("{prefix}_INBOX")).await.unwrap();
    let config = stream::Config {
        max_bytes: -1,
        ..stream.cached_info().config.clone()
    };
    context.update_stream(config).await.unwrap();
    there_is_room(&mut app, number).await;
    app.is_healthy_after(&[FULL, "maximum bytes exceeded"])
        .await;
}

#[tokio::test]
async fn a_server_without_room() {
    let settings = NatsSettings::new();
    let small = settings.clone().jetstream("max_file_store: 500KB");
    let Some(server) = start("a full server of NATS", &small) else {
        return;
    };
    let mut app = App::on(&server).await;
    let number = fill(&mut app).await;
    server.configure(&settings.line(MAX_PAYLOAD));
    server.restart();
    there_is_room(&mut app, number).await;
    app.is_healthy_after(&[FULL, "resource"]).await;
}
