//! Odd and large events, and clocks of programs that are wrong.

use std::time::{Duration, SystemTime};

use lark_events::{Delivery, EventHeader, RawJson};
use lark_events_inbox::{
    Admin as _, Appended, AttemptOutcome, Entry, Filter, Page, Settled, Settlement, State, Store,
};
use lark_events_inbox_postgres::PostgresStore;
use tokio::time::{sleep, timeout};

use crate::app::{SECOND, event};
use crate::server::{database, open, server};

const ALL: Page = Page::first(100);

/// An event with these texts, with a body of at least this length.
fn odd(key: &str, lane: &str, id: &str, bytes: usize) -> Entry {
    let mut header = EventHeader::new("testing.odd\0_v1");
    header.event_id = Some(id.to_owned());
    header.app_id = Some("cli\0".to_owned());
    header.tenant_key = Some("tenant\0".to_owned());
    let body = format!(r#"{{"text": "\u0000{}"}}"#, "x".repeat(bytes));
    let body = RawJson::parse(body).unwrap();
    let mut entry = Entry::new(Delivery::new(header, body));
    entry.key = Some(key.to_owned());
    entry.lane = Some(lane.to_owned());
    entry.trace = Some("trace\0".to_owned());
    entry
}

#[tokio::test]
async fn texts_that_no_column_stores_come_back_and_are_duplicates_the_second_time() {
    let Some(server) = server("odd texts on PostgreSQL") else {
        return;
    };
    let store = open(server).await;
    let long = "k".repeat(10_000);
    let other = format!("{}x", "k".repeat(9_999));
    let megabyte = 1 << 20;
    let entries = [
        odd("\0key", "\0lane", "\0id", 1),
        odd(&long, &long, "long", 1),
        odd(&other, &other, "other", 1),
        odd("large", "large", "large", megabyte),
    ];
    let append = async || store.append(entries.to_vec()).await.unwrap();
    assert_eq!(append().await, [Appended::New; 4]);
    assert_eq!(append().await, [Appended::Duplicate; 4]);
    let claimed = Store::claim(&*store, 9, 60 * SECOND).await.unwrap();
    assert_eq!(claimed.len(), 4, "each in a lane of its own");
    for (claimed, sent) in claimed.iter().zip(&entries) {
        let (got, sent) = (&claimed.entry.delivery, &sent.delivery);
        assert_eq!(got.raw.as_bytes(), sent.raw.as_bytes());
        assert_eq!(got.header.event_id, sent.header.event_id);
        assert_eq!(got.header.event_type, sent.header.event_type);
        assert_eq!(got.header.tenant_key, sent.header.tenant_key);
    }
    let failed = claimed.iter().map(|claimed| {
        let mut end = Settlement::new(claimed.fence, Settled::Dead, AttemptOutcome::Failed);
        end.error = Some("error\0".to_owned());
        end
    });
    assert_eq!(store.settle(failed.collect()).await.unwrap(), [true; 4]);
    // Operators find them by the same texts.
    for (number, sent) in (1..).zip(&entries) {
        let mut filter = Filter::default();
        filter.event_id.clone_from(&sent.delivery.header.event_id);
        filter.lane.clone_from(&sent.lane);
        filter.app_id = Some("cli\0".to_owned());
        filter.error = Some("error\0".to_owned());
        let listed = store.list(&filter, ALL).await.unwrap();
        let listed: Vec<_> = listed.iter().map(|one| one.seq).collect();
        assert_eq!(listed, [number]);
    }
}

#[tokio::test]
async fn a_row_that_is_no_event_becomes_a_dead_letter() {
    let Some(server) = server("a damaged row on PostgreSQL") else {
        return;
    };
    let url = database(server);
    let store = PostgresStore::connect(url.as_str()).await.unwrap();
    let entries = (1..=3).map(|number| Entry::new(event(None, number)));
    store.append(entries.collect()).await.unwrap();
    server.psql_at(
        &url,
        "UPDATE lark_inbox.event SET document = 'no event' WHERE seq = 2",
    );
    let claimed = Store::claim(&store, 9, 60 * SECOND).await.unwrap();
    let seqs: Vec<_> = claimed.iter().map(|claimed| claimed.fence.seq()).collect();
    assert_eq!(seqs, [1, 3]);
    let mut dead = Filter::default();
    dead.states = vec![State::Dead];
    // The store settles it by itself.
    let dead = timeout(30 * SECOND, async {
        loop {
            let dead = store.list(&dead, ALL).await.unwrap();
            if !dead.is_empty() {
                return dead;
            }
            sleep(SECOND / 50).await;
        }
    });
    let dead = dead.await.unwrap();
    assert_eq!(dead[0].seq, 2);
    let error = dead[0].last_error.as_deref().unwrap();
    assert!(error.contains("a row is not an event"), "{error}");
    assert!(!error.contains("no event"), "{error}");
}

#[tokio::test]
async fn a_clock_of_a_program_decides_nothing() {
    let Some(server) = server("wrong clocks on PostgreSQL") else {
        return;
    };
    let store = open(server).await;
    let hours = Duration::from_hours(10);
    let before = SystemTime::now() - Duration::from_mins(5);
    for (number, received_at) in [SystemTime::now() - hours, SystemTime::now() + hours]
        .into_iter()
        .enumerate()
    {
        let mut delivery = event(None, number);
        delivery.received_at = received_at;
        let mut entry = Entry::new(delivery);
        entry.key = Some(number.to_string());
        entry.kept = Duration::from_hours(1);
        store.append(vec![entry]).await.unwrap();
    }
    let status = store.status().await.unwrap();
    assert_eq!(status.ready, 2);
    assert!(status.oldest.unwrap() < Duration::from_hours(1));
    // This server runs on the machine of the test.
    let mut period = Filter::default();
    period.since = Some(before);
    period.until = Some(before + Duration::from_hours(1));
    assert_eq!(store.list(&period, ALL).await.unwrap().len(), 2);

    let claimed = Store::claim(&*store, 1, 60 * SECOND).await.unwrap();
    let received_at = claimed[0].entry.delivery.received_at;
    assert!(received_at >= before && received_at < before + Duration::from_hours(1));
    let claimed_next = Store::claim(&*store, 9, 60 * SECOND).await.unwrap();
    assert_eq!(claimed_next.len(), 1, "the first is leased");
    let fences = [claimed[0].fence, claimed_next[0].fence];
    assert_eq!(store.extend(&fences, 60 * SECOND).await.unwrap(), [true; 2]);
    let ends = fences.map(|fence| Settlement::new(fence, Settled::Done, AttemptOutcome::Handled));
    assert_eq!(store.settle(ends.to_vec()).await.unwrap(), [true; 2]);
    assert_eq!(store.prune(Duration::ZERO).await.unwrap(), 0, "none is old");
    assert_eq!(store.list(&Filter::default(), ALL).await.unwrap().len(), 2);
}
