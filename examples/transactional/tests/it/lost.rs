//! A claim that was lost, as sqlx sees it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use lark_events::{Delivery, Event, EventHeader, RawJson};
use lark_events_inbox::{Claimed, Entry, Store as _};
use lark_events_inbox_postgres::{Completion, PostgresStore};
use lark_events_test_servers::Postgres;
use sqlx::PgPool;
use transactional::{Crash, TABLE, with_sqlx};

/// What a handler is called with.
fn event(claimed: &Claimed) -> Event<RawJson> {
    let delivery = &claimed.entry.delivery;
    let mut event = Event::new(delivery.header.clone(), RawJson::default());
    let completion = claimed.extensions.get::<Completion>().unwrap();
    event.extensions.insert(completion.clone());
    event
}

#[tokio::test]
async fn a_lost_claim_rolls_the_insert_back() {
    let Some(postgres) = Postgres::start_or_skip("a lost claim in sqlx") else {
        return;
    };
    let store = PostgresStore::connect(postgres.url()).await.unwrap();
    let pool = PgPool::connect(&postgres.url()).await.unwrap();
    sqlx::query(TABLE).execute(&pool).await.unwrap();
    let mut header = EventHeader::new("transactional.asked_v1");
    header.event_id = Some("e-1".to_owned());
    let delivery = Delivery::new(header, RawJson::default());
    store.append(vec![Entry::new(delivery)]).await.unwrap();

    let lost = store.claim(1, Duration::ZERO).await.unwrap();
    let held = store.claim(1, Duration::from_secs(60)).await.unwrap();
    let count = async || {
        let count = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM reply");
        count.fetch_one(&pool).await.unwrap()
    };
    let error = with_sqlx::handle(&pool, &event(&lost[0]), Crash::Never).await;
    let error = error.unwrap_err().downcast::<sqlx::Error>().unwrap();
    let code = error.as_database_error().unwrap().code();
    assert_eq!(code.as_deref(), Some(Completion::LOST));
    assert_eq!(count().await, 0);

    let handled = with_sqlx::handle(&pool, &event(&held[0]), Crash::Never).await;
    handled.unwrap();
    assert_eq!(count().await, 1);
}
