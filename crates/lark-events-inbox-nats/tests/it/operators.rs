//! What operators see and do, also several of them at once.

use std::sync::Arc;
use std::time::Duration;

use lark_events::{Delivery, EventHeader, RawJson};
use lark_events_inbox::{
    Admin as _, AttemptOutcome, Count, Entry, Filter, GroupLimits, Grouping, Operation, Page,
    Settled, Settlement, State, Store,
};
use lark_events_inbox_nats::NatsStore;

use crate::server::{builder, claim, open, server};

const ALL: Page = Page::first(1_000);
const LONG: Duration = Duration::from_hours(1);

fn of(states: &[State]) -> Filter {
    let mut filter = Filter::default();
    filter.states = states.to_vec();
    filter
}

fn entry(id: u64, lane: Option<&str>) -> Entry {
    let mut header = EventHeader::new(format!("testing.thing_{}.happened_v1", id % 2));
    header.event_id = Some(id.to_string());
    header.app_id = Some(format!("cli_{}", id % 4));
    header.tenant_key = Some("t".to_owned());
    let body = RawJson::parse(format!(r#"{{"id": {id}}}"#)).unwrap();
    let mut entry = Entry::new(Delivery::new(header, body));
    entry.key = Some(format!("key {id}"));
    entry.lane = lane.map(ToOwned::to_owned);
    entry
}

async fn append(store: &NatsStore, ids: impl Iterator<Item = u64>, lane: Option<&str>) {
    store
        .append(ids.map(|id| entry(id, lane)).collect())
        .await
        .unwrap();
}

/// Claims events and settles each in this way.
async fn settle(store: &NatsStore, events: usize, settled: Settled) -> usize {
    let mut done = 0;
    while done < events {
        let claimed = claim(store, events - done, LONG).await;
        done += claimed.len();
        let ends = claimed.iter().map(|claimed| {
            let mut end = Settlement::new(claimed.fence, settled, AttemptOutcome::Failed);
            end.error = Some("error 1: 50%_ 会议".to_owned());
            end.took = Duration::from_millis(7);
            end
        });
        let held = store.settle(ends.collect()).await.unwrap();
        assert!(held.iter().all(|held| *held));
    }
    done
}

async fn numbers(store: &NatsStore, filter: &Filter) -> Vec<u64> {
    let listed = store.list(filter, ALL).await.unwrap();
    listed.iter().map(|one| one.seq).collect()
}

async fn states(store: &NatsStore) -> Vec<State> {
    let listed = store.list(&of(&[]), ALL).await.unwrap();
    listed.iter().map(|one| one.state).collect()
}

#[tokio::test]
async fn the_states_of_events_follow_from_the_consumers_and_the_dead_letters() {
    let Some(server) = server("lists of operators on NATS") else {
        return;
    };
    let store = open(server).await;
    assert_eq!(store.last().await.unwrap(), None);
    append(&store, 1..=4, Some("lane")).await;
    settle(&store, 1, Settled::Done).await;
    settle(&store, 1, Settled::Dead).await;
    assert_eq!(claim(&store, 1, LONG).await.len(), 1);
    append(&store, 5..=6, None).await;
    let expected = [
        State::Done,
        State::Dead,
        State::Leased,
        State::Waiting,
        State::Ready,
        State::Ready,
    ];
    // The positions of the consumers lag behind for a moment.
    for _ in 0..50 {
        if states(&store).await == expected {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(states(&store).await, expected);
    assert_eq!(store.last().await.unwrap(), Some(6));
    for state in State::ALL {
        let wanted = (1..).zip(expected).filter(|(_, one)| *one == state);
        let wanted: Vec<_> = wanted.map(|(seq, _)| seq).collect();
        assert_eq!(numbers(&store, &of(&[state])).await, wanted, "{state:?}");
    }
}

#[tokio::test]
async fn a_filter_and_pages_select_events() {
    let Some(server) = server("filters of operators on NATS") else {
        return;
    };
    let store = open(server).await;
    append(&store, 1..=8, Some("lane")).await;
    append(&store, 9..=16, None).await;
    type Case = (fn(&mut Filter), &'static [u64]);
    let set: [Case; 7] = [
        (
            |filter| filter.app_id = Some("cli_1".to_owned()),
            &[1, 5, 9, 13],
        ),
        (
            |filter| filter.event_type = Some("testing.thing_0.happened_v1".to_owned()),
            &[2, 4, 6, 8, 10, 12, 14, 16],
        ),
        (|filter| filter.event_id = Some("7".to_owned()), &[7]),
        (|filter| filter.seq = Some(16), &[16]),
        (|filter| filter.seq = Some(17), &[]),
        (
            |filter| {
                filter.from_seq = Some(7);
                filter.to_seq = Some(9);
            },
            &[7, 8, 9],
        ),
        (|filter| filter.tenant_key = Some("other".to_owned()), &[]),
    ];
    for (set, expected) in set {
        let mut filter = Filter::default();
        set(&mut filter);
        assert_eq!(numbers(&store, &filter).await, expected, "{filter:?}");
    }
    let mut lanes = Filter::default();
    lanes.lane = Some("lane".to_owned());
    assert_eq!(numbers(&store, &lanes).await.len(), 8);
    let shown = store.show(3).await.unwrap().unwrap();
    let mut since = Filter::default();
    since.since = Some(shown.listed.received_at);
    let later = numbers(&store, &since).await;
    assert!(later.contains(&3) && later.last() == Some(&16), "{later:?}");
    since.until = since.since.take();
    let earlier = numbers(&store, &since).await;
    assert!(!earlier.contains(&3), "{earlier:?}");

    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = Page {
            after,
            ..Page::first(5)
        };
        let page = store.list(&of(&[]), page).await.unwrap();
        after = page.last().map(|last| last.seq);
        if page.is_empty() {
            break;
        }
        assert!(page.len() <= 5);
        all.extend(page.iter().map(|one| one.seq));
    }
    assert_eq!(all, (1..=16).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_event_is_shown_retried_discarded_and_replayed() {
    let Some(server) = server("an operator on NATS") else {
        return;
    };
    let store = open(server).await;
    assert!(store.supports(Operation::Replay) && store.supports(Operation::Prune));
    append(&store, 1..=3, Some("lane")).await;
    settle(&store, 3, Settled::Dead).await;
    let dead = of(&[State::Dead]);
    assert_eq!(numbers(&store, &dead).await, [1, 2, 3]);
    let shown = store.show(1).await.unwrap().unwrap();
    assert_eq!(shown.delivery.header.event_id.as_deref(), Some("1"));
    assert_eq!(shown.listed.attempts, 1);
    assert_eq!(shown.listed.lane.as_deref(), Some("lane"));
    let [attempt] = &shown.history[..] else {
        panic!("one attempt: {:?}", shown.history);
    };
    assert_eq!(attempt.error.as_deref(), Some("error 1: 50%_ 会议"));
    assert_eq!(attempt.took, Duration::from_millis(7));
    assert!(store.show(99).await.unwrap().is_none());

    // A copy takes the end of the lane, once.
    assert_eq!(store.retry(&of(&[]), 2).await.unwrap(), 2);
    assert_eq!(numbers(&store, &dead).await, [3]);
    assert_eq!(store.last().await.unwrap(), Some(5));
    let copy = store.show(4).await.unwrap().unwrap();
    assert_eq!(copy.delivery.header.event_id.as_deref(), Some("1"));
    assert_eq!(copy.listed.received_at, shown.listed.received_at);
    assert_eq!(store.discard(&of(&[]), 9).await.unwrap(), 3);
    assert_eq!(numbers(&store, &dead).await, [] as [u64; 0]);
    assert!(Store::claim(&*store, 9, LONG).await.unwrap().is_empty());

    // Its key stays.
    let duplicate = store.append(vec![entry(3, None)]).await.unwrap();
    assert_eq!(duplicate, [lark_events_inbox::Appended::Duplicate]);
    let mut third = of(&[State::Done]);
    third.event_id = Some("3".to_owned());
    assert_eq!(store.replay(&third, 9).await.unwrap(), 1);
    let claimed = claim(&store, 9, LONG).await;
    assert_eq!((claimed.len(), claimed[0].attempt), (1, 1));
    let key = claimed[0].entry.key.as_deref();
    assert_eq!(key, Some("key 3"));
    // Nothing is old enough.
    assert_eq!(store.prune(Duration::ZERO).await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_operators_at_once_retry_each_dead_letter_once() {
    let Some(server) = server("two operators on NATS") else {
        return;
    };
    let one = builder(server.url()).partitions(4);
    let other = one.clone().connect().await.unwrap();
    let one = Arc::new(one.connect().await.unwrap());
    append(&one, 1..=100, None).await;
    settle(&one, 100, Settled::Dead).await;
    let dead = of(&[State::Dead]);
    let retried = tokio::join!(one.retry(&dead, 200), other.retry(&dead, 200));
    assert_eq!(retried.0.unwrap() + retried.1.unwrap(), 100);
    assert_eq!(settle(&other, 100, Settled::Done).await, 100);
    assert!(Store::claim(&*one, 9, LONG).await.unwrap().is_empty());
    let letters = tokio::join!(one.list(&dead, ALL), other.list(&dead, ALL));
    assert!(letters.0.unwrap().is_empty() && letters.1.unwrap().is_empty());
}

#[tokio::test]
async fn a_look_at_dead_letters_ends_after_500() {
    let Some(server) = server("many dead letters on NATS") else {
        return;
    };
    let store = open(server).await;
    append(&store, 1..=501, None).await;
    settle(&store, 501, Settled::Dead).await;
    let dead = of(&[State::Dead]);
    assert_eq!(store.count(&dead, 10_000).await.unwrap(), Count::all(501));
    let mut failed = dead.clone();
    failed.error = Some("error 1".to_owned());
    let first = Count {
        events: 500,
        is_all: false,
    };
    assert_eq!(store.count(&failed, 10_000).await.unwrap(), first);
    let mut limits = GroupLimits::all(10);
    let groups = store.groups(&dead, Grouping::Error, limits).await.unwrap();
    assert_eq!(groups.count, Count::all(501));
    limits.events = 10_000;
    let groups = store.groups(&dead, Grouping::Error, limits).await.unwrap();
    assert_eq!(groups.count, first);
    let page = store.look_through(&failed, ALL, 10_000).await.unwrap();
    let next = Page {
        after: page.next,
        ..ALL
    };
    let rest = store.look_through(&failed, next, 10_000).await.unwrap();
    assert_eq!((page.listed.len(), rest.listed.len()), (500, 1));
    assert_eq!(rest.next, None);
}
