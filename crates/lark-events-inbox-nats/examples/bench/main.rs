//! Measures the store on NATS JetStream, compared with bare publishes. `cargo xtask bench-inbox --store nats` runs it.
//! It starts servers of its own. Arguments name the parts to run: `store`, `size`, `cluster`, `always`,
//! `memory`.

mod paced;
#[path = "../../../lark-events-inbox/examples/bench/sizes.rs"]
mod sizes;
#[path = "../../../lark-events-inbox/examples/bench/stores.rs"]
#[expect(dead_code, reason = "other engines insert the rest")]
mod stores;

use std::future::IntoFuture as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use async_nats::jetstream;
use async_nats::jetstream::message::PublishMessage;
use futures_util::future::try_join_all;
use lark_events::BoxError;
use lark_events_inbox_nats::NatsStore;
use lark_events_test_servers::{Nats, NatsSettings};

use self::stores::{Engine, Row};

/// As large as the largest event with its headers.
const MAX_PAYLOAD: &str = "max_payload: 8MB";

/// Streams of one server or cluster.
struct Prefixes {
    url: String,
    replicas: usize,
    sync_always: bool,
    created: AtomicUsize,
}

impl Prefixes {
    fn new(url: String, replicas: usize) -> Self {
        Self {
            url,
            replicas,
            sync_always: false,
            created: AtomicUsize::new(0),
        }
    }
}

impl Prefixes {
    /// The bytes of events in their stream.
    async fn sizes(&self) -> Result<(), BoxError> {
        let prefix = self.place();
        let store = Arc::new(self.open(&prefix).await?);
        let client = async_nats::connect(self.url.split(',').collect::<Vec<_>>()).await?;
        let context = jetstream::new(client);
        sizes::run(store, async || {
            let stream = context.get_stream(format!("{prefix}_INBOX")).await?;
            Ok(stream.cached_info().state.bytes)
        })
        .await
    }
}

impl Engine for Prefixes {
    type Store = NatsStore;
    type Place = String;

    fn place(&self) -> String {
        format!("BENCH{}", self.created.fetch_add(1, Ordering::Relaxed))
    }

    async fn open(&self, prefix: &String) -> Result<NatsStore, BoxError> {
        let mut store = NatsStore::builder(self.url.as_str()).prefix(prefix.as_str());
        if self.sync_always {
            store = store.sync_always();
        }
        Ok(store.replicas(self.replicas).connect().await?)
    }

    /// The same documents with ids and no other header, each group in flight at once.
    async fn insert(&self, rows: Vec<Row>, batch: usize) -> Result<f64, BoxError> {
        let prefix = self.place();
        drop(self.open(&prefix).await?);
        let client = async_nats::connect(self.url.split(',').collect::<Vec<_>>()).await?;
        let context = jetstream::new(client);
        let root = prefix.to_ascii_lowercase();
        let began = Instant::now();
        let mut partitions = (0..64).cycle();
        for rows in rows.chunks(batch) {
            let mut sent = Vec::with_capacity(rows.len());
            for row in rows {
                let partition = partitions.next().filter(|_| row.lane.is_some());
                let partition = partition.map_or("any".to_owned(), |number| format!("p{number}"));
                let subject = format!("{root}.inbox.app.{partition}.testing");
                let publish = PublishMessage::build()
                    .message_id(&row.key)
                    .payload(row.document.clone());
                let answer = context.send_publish(subject, publish).await?;
                sent.push(answer.into_future());
            }
            try_join_all(sent).await?;
        }
        Ok(rows.len() as f64 / began.elapsed().as_secs_f64())
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<ExitCode, BoxError> {
    let Some(program) = Nats::installed_or_skip("the bench of NATS") else {
        return Ok(ExitCode::FAILURE);
    };
    let (major, minor) = program.version();
    println!("NATS {major}.{minor}");
    // The parts that are named, or all.
    let parts: Vec<_> = std::env::args().skip(1).collect();
    let runs = |part: &str| parts.is_empty() || parts.iter().any(|named| named == part);
    let settings = NatsSettings::new().line(MAX_PAYLOAD);
    if ["store", "size", "memory"].into_iter().any(runs) {
        let server = program.start(&settings);
        let engine = Prefixes::new(server.url(), 1);
        if runs("store") {
            println!("\none server");
            stores::run(&engine).await?;
            paced::run(&engine).await?;
        }
        if runs("size") {
            engine.sizes().await?;
        }
        if runs("memory") {
            paced::memory(&engine).await?;
        }
    }
    if runs("cluster") {
        let cluster = program.start_cluster(3, &settings);
        println!("\nthree servers, three replicas");
        let engine = Prefixes::new(cluster.url(), 3);
        stores::appends(&engine).await?;
        paced::run(&engine).await?;
    }
    if runs("always") {
        let always = settings.jetstream("sync_interval: always");
        let server = program.start(&always);
        println!("\none server that flushes each event; without and with batches");
        let mut engine = Prefixes::new(server.url(), 1);
        stores::appends(&engine).await?;
        engine.sync_always = true;
        stores::appends(&engine).await?;
    }
    Ok(ExitCode::SUCCESS)
}
