//! What a long log and a deep lane cost: ratios within one run, so that they hold on a machine that does other
//! things too, and the plans of the server. A store that reads all of either takes a hundred times as long.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use lark_events_inbox::{
    Admin as _, AttemptOutcome, Claimed, Entry, Filter, Page, Settled, Settlement, State, Store,
};
use lark_events_inbox_postgres::PostgresStore;
use lark_events_test_servers::{Postgres, skipped};

use crate::app::{SECOND, event};
use crate::ratio::{assert_ratio, times};
use crate::server::database;

/// A server that does not wait for its disk, which would hide what a call reads.
pub(crate) fn server(what: &str) -> Option<&'static Postgres> {
    static SERVER: OnceLock<Option<Postgres>> = OnceLock::new();
    let start = || {
        let installation = Postgres::installed_or_skip(what)?;
        let settings = [
            ("fsync", "off"),
            ("full_page_writes", "off"),
            ("max_wal_size", "4GB"),
            ("shared_buffers", "256MB"),
        ];
        Some(installation.start(&settings))
    };
    SERVER.get_or_init(start).as_ref()
}

pub(crate) struct Opened {
    pub(crate) store: PostgresStore,
    pub(crate) url: String,
}

/// A store with this many finished events.
pub(crate) async fn opened(server: &Postgres, events: u32) -> Opened {
    let url = database(server);
    let store = PostgresStore::connect(url.as_str()).await.unwrap();
    let document = event(None, 0).to_document();
    let document = String::from_utf8(document.to_vec()).unwrap();
    // An index is created faster than it grows.
    let sql = format!(
        "ALTER TABLE lark_inbox.event DROP CONSTRAINT event_pkey, DROP CONSTRAINT event_dedup_key_key;
         DROP INDEX lark_inbox.event_by_id, lark_inbox.event_by_time;
         INSERT INTO lark_inbox.event (seq, dedup_key, event_type, event_id, lane, transport, received_at,
            keep_until, document)
         SELECT n, 'key ' || n, 'testing.log_v1', 'e' || n, 'lane ' || n % 100, 'local',
            timestamptz 'epoch' + n * interval '1 microsecond', timestamptz 'epoch', convert_to('{document}', 'UTF8')
         FROM generate_series(1, {events}) AS n;
         ALTER TABLE lark_inbox.event ADD PRIMARY KEY (seq), ADD UNIQUE (dedup_key);
         CREATE INDEX event_by_id ON lark_inbox.event (event_id);
         CREATE INDEX event_by_time ON lark_inbox.event (received_at);
         SELECT setval('lark_inbox.event_seq', {events});
         INSERT INTO lark_inbox.dead SELECT n, 10, 'an error', now() FROM generate_series({events} - 49, {events}) AS n;
         VACUUM ANALYZE"
    );
    server.psql_at(&url, &sql);
    Opened { store, url }
}

/// The number of events in the short lane.
const SHORT: u32 = 40;

/// Puts the first events into the queue: those of a short lane behind those of another one.
fn lanes(server: &Postgres, opened: &Opened, events: u32) {
    let deep = events - SHORT;
    let sql = format!(
        "INSERT INTO lark_inbox.task (seq, lane, is_head, visible_at)
         SELECT seq, CASE WHEN seq <= {deep} THEN 'deep' ELSE 'short' END, seq IN (1, {deep} + 1), now()
         FROM lark_inbox.event WHERE seq <= {events};
         VACUUM ANALYZE"
    );
    server.psql_at(&opened.url, &sql);
}

/// A store whose plans are in the log of the server; `None` if the server cannot log them.
pub(crate) async fn explained(server: &Postgres, opened: &Opened) -> Option<PostgresStore> {
    if server
        .try_psql_at(&opened.url, "LOAD 'auto_explain'")
        .is_err()
    {
        skipped("the plans of statements, which need the module auto_explain");
        return None;
    }
    let settings = [
        "session_preload_libraries=auto_explain",
        "auto_explain.log_min_duration=0",
        "auto_explain.log_nested_statements=on",
        "auto_explain.log_analyze=on",
    ];
    let options = settings
        .map(|setting| format!("-c%20{setting}"))
        .join("%20");
    let url = format!("{}?options={options}", opened.url);
    Some(PostgresStore::connect(url).await.unwrap())
}

/// The plans of a call.
pub(crate) async fn plans(server: &Postgres, call: impl Future<Output = ()>) -> String {
    let before = server.log().len();
    call.await;
    let log = server.log();
    let plans = log[before..].to_owned();
    assert!(plans.contains("Index"), "{plans}");
    plans
}

/// One event of each lane.
async fn claim_and_settle(store: &PostgresStore) {
    let claimed = Store::claim(store, 2, 60 * SECOND).await.unwrap();
    assert_eq!(claimed.len(), 2);
    let done =
        |claimed: &Claimed| Settlement::new(claimed.fence, Settled::Done, AttemptOutcome::Handled);
    let settlements = claimed.iter().map(done).collect();
    assert_eq!(store.settle(settlements).await.unwrap(), [true; 2]);
}

/// To a lane of its own.
async fn append(store: &PostgresStore) {
    static LANES: AtomicUsize = AtomicUsize::new(0);
    let lane = LANES.fetch_add(1, Ordering::Relaxed);
    let mut entry = Entry::new(event(None, lane));
    entry.lane = Some(format!("later {lane}"));
    store.append(vec![entry]).await.unwrap();
}

#[tokio::test]
async fn a_deep_lane_costs_no_more_than_a_short_one() {
    let Some(server) = server("a deep lane on PostgreSQL") else {
        return;
    };
    let small = opened(server, 1_000).await;
    let large = opened(server, 100_000).await;
    lanes(server, &small, 2 * SHORT);
    lanes(server, &large, 100_000);
    let stores = [&small.store, &large.store];
    assert_ratio(
        "claim and settle beside a lane 100,000 deep",
        times(stores, claim_and_settle).await,
    );
    assert_ratio(
        "append beside a lane 100,000 deep",
        times(stores, append).await,
    );

    let Some(store) = explained(server, &large).await else {
        return;
    };
    let call = async {
        claim_and_settle(&store).await;
        append(&store).await;
    };
    let plans = plans(server, call).await;
    for read in ["Seq Scan on task", "Seq Scan on event", "Filter: (lane ="] {
        assert!(!plans.contains(read), "{read}: {plans}");
    }
}

fn filters() -> [(&'static str, Filter, usize); 7] {
    let of = |set: fn(&mut Filter)| {
        let mut filter = Filter::default();
        set(&mut filter);
        filter
    };
    [
        ("list", Filter::default(), 50),
        (
            "list of dead letters",
            of(|filter| filter.states = vec![State::Dead]),
            50,
        ),
        (
            "list of dead letters and waiting events",
            of(|filter| filter.states = vec![State::Dead, State::Waiting]),
            50,
        ),
        (
            "list by error",
            of(|filter| filter.error = Some("an error".to_owned())),
            50,
        ),
        (
            "list by time",
            // The first hundred events.
            of(|filter| filter.until = Some(SystemTime::UNIX_EPOCH + Duration::from_micros(101))),
            50,
        ),
        (
            "list by event id",
            of(|filter| filter.event_id = Some("e999".to_owned())),
            1,
        ),
        (
            "list of a range",
            of(|filter| {
                filter.from_seq = Some(900);
                filter.to_seq = Some(919);
            }),
            20,
        ),
    ]
}

#[tokio::test]
async fn a_long_log_costs_operators_no_more_than_a_short_one() {
    let Some(server) = server("a long log on PostgreSQL") else {
        return;
    };
    let small = opened(server, 1_000).await;
    let large = opened(server, 1_000_000).await;
    let stores = [&small.store, &large.store];
    let page = Page::first(50);
    let status = async |store: &PostgresStore| assert_eq!(store.status().await.unwrap().dead, 50);
    assert_ratio("status", times(stores, status).await);
    let explained = explained(server, &large).await;
    for (what, filter, expected) in filters() {
        let list = async |store: &PostgresStore| {
            let listed = store.list(&filter, page).await.unwrap();
            assert_eq!(listed.len(), expected, "{what}");
        };
        assert_ratio(what, times(stores, list).await);
        if let Some(store) = &explained {
            let plans = plans(server, list(store)).await;
            assert!(!plans.contains("Seq Scan on event"), "{what}: {plans}");
        }
    }
    let retried = async |store: &PostgresStore| {
        let mut filter = Filter::default();
        filter.states = vec![State::Dead];
        assert_eq!(store.retry(&filter, 1).await.unwrap(), 1);
    };
    assert_ratio("retry", times(stores, retried).await);
    if let Some(store) = &explained {
        let plans = plans(server, retried(store)).await;
        assert!(!plans.contains("Seq Scan on event"), "{plans}");
    }
}
