//! What operators see and do, also several of them at once.

use std::sync::Arc;
use std::time::Duration;

use lark_events_inbox::{
    Admin as _, AttemptOutcome, Entry, Filter, Operation, Page, Settled, Settlement, State, Store,
};
use lark_events_inbox_postgres::PostgresStore;
use tokio_postgres::Client;

use crate::app::{SECOND, event};
use crate::completion::client;
use crate::listing::{groups_dead_letters, lists_what_a_filter_matches};
use crate::server::{database, open, server};

const ALL: Page = Page::first(1_000);

fn of(states: &[State]) -> Filter {
    let mut filter = Filter::default();
    filter.states = states.to_vec();
    filter
}

async fn count(store: &PostgresStore, state: State) -> usize {
    store.list(&of(&[state]), ALL).await.unwrap().len()
}

/// Appends events, and settles each in this way.
async fn settled(store: &PostgresStore, events: usize, lane: Option<&str>, settled: Settled) {
    let entries = (0..events).map(|number| {
        let mut entry = Entry::new(event(Some("t"), number));
        entry.lane = lane.map(ToOwned::to_owned);
        entry
    });
    store.append(entries.collect()).await.unwrap();
    let mut left = events;
    while left > 0 {
        let claimed = Store::claim(store, events, 60 * SECOND).await.unwrap();
        left -= claimed.len();
        let ends = claimed.iter().map(|claimed| {
            let mut end = Settlement::new(claimed.fence, settled, AttemptOutcome::Failed);
            end.error = Some("an error".to_owned());
            end
        });
        store.settle(ends.collect()).await.unwrap();
    }
}

#[tokio::test]
async fn lists_and_groups_are_those_of_every_store() {
    let Some(server) = server("lists of operators on PostgreSQL") else {
        return;
    };
    lists_what_a_filter_matches(&*open(server).await).await;
    groups_dead_letters(&*open(server).await).await;
}

#[tokio::test]
async fn an_event_is_shown_retried_discarded_and_replayed() {
    let Some(server) = server("an operator on PostgreSQL") else {
        return;
    };
    let store = open(server).await;
    for operation in [Operation::List, Operation::Replay, Operation::Prune] {
        assert!(store.supports(operation));
    }
    settled(&store, 3, Some("lane"), Settled::Dead).await;
    assert_eq!(count(&store, State::Dead).await, 3);
    let shown = store.show(1).await.unwrap().unwrap();
    assert_eq!(shown.delivery.header.event_id.as_deref(), Some("0"));
    assert_eq!(shown.listed.attempts, 1);
    let [attempt] = &shown.history[..] else {
        panic!("one attempt: {:?}", shown.history);
    };
    assert_eq!(attempt.error.as_deref(), Some("an error"));
    assert!(store.show(99).await.unwrap().is_none());

    // At most as many as the limit says, in their order.
    assert_eq!(store.retry(&of(&[]), 2).await.unwrap(), 2);
    let states = store.list(&of(&[]), ALL).await.unwrap();
    let states: Vec<_> = states.iter().map(|listed| listed.state).collect();
    assert_eq!(states, [State::Ready, State::Waiting, State::Dead]);
    assert_eq!(store.discard(&of(&[State::Ready]), 9).await.unwrap(), 1);
    assert_eq!(count(&store, State::Ready).await, 1, "the next of the lane");

    // A claimed event stays with its worker.
    let claimed = Store::claim(&*store, 9, 60 * SECOND).await.unwrap();
    assert_eq!(store.discard(&of(&[]), 9).await.unwrap(), 1, "the dead one");
    assert_eq!(store.retry(&of(&[]), 9).await.unwrap(), 0);
    let done = Settlement::new(claimed[0].fence, Settled::Done, AttemptOutcome::Handled);
    assert_eq!(store.settle(vec![done]).await.unwrap(), [true]);
    assert_eq!(count(&store, State::Done).await, 3);

    assert_eq!(store.replay(&of(&[State::Dead]), 9).await.unwrap(), 0);
    assert_eq!(store.replay(&of(&[]), 2).await.unwrap(), 2);
    let claimed = Store::claim(&*store, 9, 60 * SECOND).await.unwrap();
    assert_eq!((claimed.len(), claimed[0].attempt), (1, 1), "one of a lane");
    // Nothing is old enough.
    assert_eq!(store.prune(Duration::ZERO).await.unwrap(), 0);
}

#[tokio::test]
async fn only_finished_events_are_pruned_and_never_below_the_shortest_retention() {
    let Some(server) = server("pruning on PostgreSQL") else {
        return;
    };
    let url = database(server);
    let store = PostgresStore::connect(url.as_str()).await.unwrap();
    settled(&store, 1, None, Settled::Dead).await;
    settled(&store, 1, None, Settled::Done).await;
    settled(&store, 1, None, Settled::RetryIn(60 * SECOND)).await;
    settled(&store, 2, None, Settled::Done).await;
    let old = "UPDATE lark_inbox.event SET received_at = now() - interval '9 hours',
            keep_until = CASE seq WHEN 4 THEN now() + interval '1 hour' ELSE received_at END
        WHERE seq < 5";
    server.psql_at(&url, old);
    assert_eq!(store.prune(Duration::ZERO).await.unwrap(), 1);
    let left = store.list(&of(&[]), ALL).await.unwrap();
    let left: Vec<_> = left.iter().map(|one| (one.seq, one.state)).collect();
    let expected = [
        (1, State::Dead),
        (3, State::Waiting),
        (4, State::Done),
        (5, State::Done),
    ];
    assert_eq!(left, expected);
    let history = server.psql_at(
        &url,
        "SELECT count(*) FROM lark_inbox.attempt WHERE seq = 2",
    );
    assert_eq!(history, "0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_operators_at_once_retry_and_replay_each_event_once() {
    let Some(server) = server("two operators on PostgreSQL") else {
        return;
    };
    let url = database(server);
    let one = PostgresStore::connect(url.as_str()).await.unwrap();
    let other = Arc::new(PostgresStore::connect(url.as_str()).await.unwrap());
    for lane in [None, Some("lane")] {
        settled(&one, 200, lane, Settled::Dead).await;
        let dead = of(&[State::Dead]);
        let retried = tokio::join!(one.retry(&dead, 200), other.retry(&dead, 200));
        assert_eq!(retried.0.unwrap() + retried.1.unwrap(), 200, "{lane:?}");
        let any = of(&[]);
        let dead = tokio::join!(one.discard(&any, 200), other.discard(&any, 200));
        assert_eq!(dead.0.unwrap() + dead.1.unwrap(), 200, "{lane:?}");
        let done = of(&[State::Done]);
        let replayed = tokio::join!(one.replay(&done, 1_000), other.replay(&done, 1_000));
        let events = one.list(&of(&[]), ALL).await.unwrap().len() as u64;
        assert_eq!(replayed.0.unwrap() + replayed.1.unwrap(), events);
        let heads =
            "SELECT count(*) FILTER (WHERE is_head), count(DISTINCT lane) FROM lark_inbox.task
            WHERE lane IS NOT NULL";
        let heads = server.psql_at(&url, heads);
        assert_eq!(heads, if lane.is_none() { "0|0" } else { "1|1" });
        one.discard(&of(&[]), 1_000).await.unwrap();
    }
}

/// Waits until a statement of the database waits for a lock.
async fn blocked(client: &Client) {
    let blocked = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let waiting = async || {
        let row = client.query_one(blocked, &[]).await.unwrap();
        row.get::<_, i64>(0)
    };
    while waiting().await == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn what_has_changed_since_an_operator_saw_it_stays_as_it_is() {
    let Some(server) = server("operators of one event on PostgreSQL") else {
        return;
    };
    for lane in [None, Some("lane")] {
        let url = database(server);
        let store = PostgresStore::connect(url.as_str()).await.unwrap();
        settled(&store, 1, lane, Settled::Dead).await;
        let (mut other, look) = (client(&url).await, client(&url).await);
        // Another operator retries the dead letter between the list and the change.
        let retry = other.transaction().await.unwrap();
        let sql = "SELECT lark_inbox.retry(ARRAY[1]::bigint[], '{}')";
        retry.execute(sql, &[]).await.unwrap();
        let dead = of(&[State::Dead]);
        let (discarded, ()) = tokio::join!(store.discard(&dead, 9), async {
            blocked(&look).await;
            retry.commit().await.unwrap();
        });
        assert_eq!(discarded.unwrap(), 0, "{lane:?}");
        assert_eq!(count(&store, State::Ready).await, 1, "{lane:?}");

        // A worker settles the event as dead between them.
        let claimed = Store::claim(&store, 1, 60 * SECOND).await.unwrap();
        let retry_in = Settled::RetryIn(60 * SECOND);
        let end = Settlement::new(claimed[0].fence, retry_in, AttemptOutcome::Failed);
        store.settle(vec![end]).await.unwrap();
        let death = other.transaction().await.unwrap();
        let lock = "SELECT lark_inbox.lock_lanes(ARRAY['lane'])";
        death.execute(lock, &[]).await.unwrap();
        let sql = "WITH dying AS (DELETE FROM lark_inbox.task RETURNING seq)
            INSERT INTO lark_inbox.dead SELECT seq, 1, 'an error', now() FROM dying";
        death.execute(sql, &[]).await.unwrap();
        let waiting = of(&[State::Waiting]);
        let (discarded, ()) = tokio::join!(store.discard(&waiting, 9), async {
            blocked(&look).await;
            death.commit().await.unwrap();
        });
        assert_eq!(discarded.unwrap(), 0, "{lane:?}");
        assert_eq!(count(&store, State::Dead).await, 1, "{lane:?}");
    }
}

#[tokio::test]
async fn a_slow_look_delays_no_settlement() {
    let Some(server) = server("a slow look on PostgreSQL") else {
        return;
    };
    let url = database(server);
    let store = Arc::new(PostgresStore::connect(url.as_str()).await.unwrap());
    settled(&store, 1, None, Settled::Dead).await;
    let entry = Entry::new(event(Some("t"), 9));
    store.append(vec![entry]).await.unwrap();
    let claimed = Store::claim(&*store, 1, 60 * SECOND).await.unwrap();
    let (mut other, look) = (client(&url).await, client(&url).await);
    let locking = other.transaction().await.unwrap();
    let lock = "LOCK lark_inbox.dead IN ACCESS EXCLUSIVE MODE";
    locking.execute(lock, &[]).await.unwrap();
    let looking = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.list(&of(&[State::Dead]), ALL).await }
    });
    blocked(&look).await;
    let done = Settlement::new(claimed[0].fence, Settled::Done, AttemptOutcome::Handled);
    let settled = tokio::time::timeout(10 * SECOND, store.settle(vec![done]));
    assert_eq!(settled.await.unwrap().unwrap(), [true]);
    assert!(!looking.is_finished());
    locking.commit().await.unwrap();
    assert_eq!(looking.await.unwrap().unwrap().len(), 1);
}
