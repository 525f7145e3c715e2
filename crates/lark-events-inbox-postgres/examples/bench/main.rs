//! Measures the store on PostgreSQL, compared with PostgreSQL itself. `cargo xtask bench-inbox --store postgres`
//! runs it. It starts a server of its own. Arguments name the parts to run: `latency`, `handled`, `store`, `size`,
//! `processes`, `lane`, `held`.

#[path = "../../../lark-events-inbox/examples/bench/latency.rs"]
mod latency;
mod load;
#[path = "../../../lark-events-inbox/examples/bench/sizes.rs"]
#[expect(dead_code, reason = "a store in memory is measured with the rest")]
mod sizes;
#[path = "../../../lark-events-inbox/examples/bench/stores.rs"]
mod stores;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use lark_events::BoxError;
use lark_events_inbox_postgres::PostgresStore;
use lark_events_test_servers::Postgres;
use tokio_postgres::NoTls;

use self::stores::{Engine, Row};

/// Schemas of one database.
struct Schemas {
    server: Postgres,
    created: AtomicUsize,
}

impl Schemas {
    /// The bytes of events with their indexes, after a vacuum, as after that of the server.
    async fn sizes(&self) -> Result<(), BoxError> {
        let schema = self.place();
        let store = Arc::new(self.open(&schema).await?);
        let (client, connection) = tokio_postgres::connect(&self.server.url(), NoTls).await?;
        let connection = tokio::spawn(connection);
        let measured = sizes::run(store, async || {
            client
                .batch_execute(&format!("VACUUM {schema}.event, {schema}.task"))
                .await?;
            let size = "SELECT sum(pg_total_relation_size(oid))::bigint FROM pg_class
                WHERE relkind = 'r' AND relnamespace = $1::text::regnamespace";
            let size: i64 = client.query_one(size, &[&schema]).await?.get(0);
            Ok(u64::try_from(size)?)
        });
        measured.await?;
        drop(client);
        Ok(connection.await??)
    }
}

impl Engine for Schemas {
    type Store = PostgresStore;
    type Place = String;

    fn place(&self) -> String {
        format!("bench_{}", self.created.fetch_add(1, Ordering::Relaxed))
    }

    async fn open(&self, schema: &String) -> Result<PostgresStore, BoxError> {
        let store = PostgresStore::builder(self.server.url()).schema(schema.as_str());
        Ok(store.connect().await?)
    }

    /// One statement for each group, over one connection.
    async fn insert(&self, rows: Vec<Row>, batch: usize) -> Result<f64, BoxError> {
        let schema = self.place();
        drop(self.open(&schema).await?);
        let (client, connection) = tokio_postgres::connect(&self.server.url(), NoTls).await?;
        let connection = tokio::spawn(connection);
        let insert = format!(
            "WITH given AS MATERIALIZED (
                SELECT nextval('{schema}.event_seq') AS seq, given.* FROM unnest($1::text[], $2::text[],
                    $3::text[], $4::text[], $5::text[], $6::text[], $7::bytea[], $8::bool[])
                    AS given (key, app, kind, id, tenant, lane, document, is_head)
            ), inserted AS (
                INSERT INTO {schema}.event (seq, dedup_key, app_id, event_type, event_id, tenant_key, lane,
                    transport, received_at, keep_until, document)
                SELECT seq, key, app, kind, id, tenant, lane, 'local', now(), now(), document FROM given
            )
            INSERT INTO {schema}.task (seq, lane, is_head, visible_at) SELECT seq, lane, is_head, now() FROM given"
        );
        let insert = client.prepare(&insert).await?;
        let began = Instant::now();
        for rows in rows.chunks(batch) {
            let header = |row: &'_ Row| row.delivery.header.clone();
            let keys: Vec<_> = rows.iter().map(|row| &*row.key).collect();
            let apps: Vec<_> = rows.iter().map(|row| header(row).app_id).collect();
            let kinds: Vec<_> = rows.iter().map(|row| header(row).event_type).collect();
            let ids: Vec<_> = rows.iter().map(|row| header(row).event_id).collect();
            let tenants: Vec<_> = rows.iter().map(|row| header(row).tenant_key).collect();
            let lanes: Vec<_> = rows.iter().map(|row| row.lane.as_deref()).collect();
            let documents: Vec<_> = rows.iter().map(|row| &*row.document).collect();
            let heads: Vec<_> = rows.iter().map(|row| row.is_head).collect();
            client
                .execute(
                    &insert,
                    &[
                        &keys, &apps, &kinds, &ids, &tenants, &lanes, &documents, &heads,
                    ],
                )
                .await?;
        }
        let rate = rows.len() as f64 / began.elapsed().as_secs_f64();
        drop(client);
        connection.await??;
        Ok(rate)
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<ExitCode, BoxError> {
    if load::is_sender() {
        load::send().await?;
        return Ok(ExitCode::SUCCESS);
    }
    let Some(server) = Postgres::start_or_skip("the bench of PostgreSQL") else {
        return Ok(ExitCode::FAILURE);
    };
    let engine = Schemas {
        server,
        created: AtomicUsize::new(0),
    };
    println!("PostgreSQL {}", engine.server.installation().major());
    // The parts that are named, or all.
    let parts: Vec<_> = std::env::args().skip(1).collect();
    let runs = |part: &str| parts.is_empty() || parts.iter().any(|named| named == part);
    if runs("latency") {
        let store = async || engine.open(&engine.place()).await.map(Arc::new);
        latency::run(store().await?, store().await?).await?;
    }
    if runs("handled") {
        stores::handled(&engine).await?;
    }
    if runs("store") {
        stores::run(&engine).await?;
    }
    if runs("size") {
        engine.sizes().await?;
    }
    if runs("processes") {
        load::two_processes(&engine).await?;
    }
    if runs("lane") {
        load::deep_lane(&engine).await?;
    }
    if runs("held") {
        load::held_transaction(&engine).await?;
    }
    Ok(ExitCode::SUCCESS)
}
