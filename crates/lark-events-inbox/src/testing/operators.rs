//! What operators see of a store: lists in both orders, looks that end early, counts and groups.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::{LONG, assert_none, assert_status, claim, employ, entry, settle};
use crate::admin::{
    Admin, Count, Filter, Glance, Group, GroupLimits, Grouping, Listed, Operation, Order, Page,
    State,
};
use crate::store::{AttemptOutcome, Settled, Settlement, Status, Store, StoreErrorKind};

/// Checks the lists, counts and groups of a store. `open` returns a new, empty store for each check.
///
/// # Panics
///
/// When lists, counts and groups contradict each other.
pub async fn conforms_for_operators<S: Admin>(open: impl AsyncFn() -> Arc<S>) {
    lists_counts_and_groups_agree(&*open().await).await;
    an_unsupported_operation_fails(&*open().await).await;
    a_glance_is_the_status(&*open().await).await;
    a_retry_shows_what_waits_for_a_time(&*open().await).await;
}

const ERRORS: [&str; 3] = ["refused", "refused: host 50%_", "timed out"];
/// More than all events.
const MANY: u64 = 1_000;

/// Six dead letters of three errors, and six events in the queue.
async fn fill(store: &impl Store) {
    employ(store).await;
    let batch = (0..6).map(|id| entry(id, (id == 5).then_some("a")));
    store.append(batch.collect()).await.unwrap();
    let claimed = claim(store, 6, 6, LONG).await;
    for (place, claimed) in claimed.iter().enumerate() {
        let (fence, failed) = (claimed.fence, AttemptOutcome::Failed);
        let mut settlement = Settlement::new(fence, Settled::Dead, failed);
        // Three of the first, two of the second, one of the third.
        settlement.error = Some(ERRORS[[0, 0, 0, 1, 1, 2][place]].to_owned());
        assert_eq!(store.settle(vec![settlement]).await.unwrap(), [true]);
    }
    let lanes = [Some("a"), Some("a"), Some("a"), Some("b"), Some("b"), None];
    let batch = (6..).zip(lanes).map(|(id, lane)| entry(id, lane));
    store.append(batch.collect()).await.unwrap();
    assert_status(store, |status| status.dead, 6).await;
    assert_status(store, |status| status.ready + status.waiting, 6).await;
}

fn filters() -> Vec<Filter> {
    let of = |set: fn(&mut Filter)| {
        let mut filter = Filter::default();
        set(&mut filter);
        filter
    };
    vec![
        Filter::default(),
        of(|filter| filter.states = vec![State::Dead]),
        of(|filter| filter.states = vec![State::Dead, State::Waiting]),
        of(|filter| filter.states = vec![State::Ready, State::Waiting, State::Leased]),
        of(|filter| filter.states = vec![State::Done]),
        of(|filter| filter.error = Some("refused".to_owned())),
        of(|filter| filter.error_is = Some("refused".to_owned())),
        of(|filter| filter.error_is = Some("50%_".to_owned())),
        of(|filter| {
            filter.states = vec![State::Dead];
            filter.error_is = Some("timed out".to_owned());
        }),
        of(|filter| filter.lane = Some("a".to_owned())),
        of(|filter| {
            filter.states = vec![State::Ready, State::Waiting];
            filter.lane = Some("b".to_owned());
        }),
        of(|filter| filter.event_id = Some("7".to_owned())),
        of(|filter| filter.event_type = Some("testing.other_v1".to_owned())),
        of(|filter| {
            filter.from_seq = Some(3);
            filter.to_seq = Some(9);
        }),
    ]
}

async fn lists_counts_and_groups_agree(store: &impl Admin) {
    fill(store).await;
    let all = store
        .list(&Filter::default(), page(Order::OldestFirst))
        .await
        .unwrap();
    assert_eq!(all.len(), 12);
    let mut orders = vec![Order::OldestFirst];
    if store.supports(Operation::ListNewestFirst) {
        orders.push(Order::NewestFirst);
    }
    for filter in filters() {
        let matching = all.iter().filter(|listed| filter.matches(listed));
        let mut expected: Vec<u64> = matching.clone().map(|listed| listed.seq).collect();
        for order in orders.clone() {
            let listed = store.list(&filter, page(order)).await.unwrap();
            assert_eq!(numbers(&listed), expected, "{order:?} {filter:?}");
            for (limit, at_most) in [(2, MANY), (100, 3), (2, 3), (3, 2), (1, 1), (100, MANY)] {
                let pages = looked_through(store, &filter, order, limit, at_most).await;
                assert_eq!(pages, expected, "{order:?} {limit} {at_most} {filter:?}");
            }
            expected.reverse();
        }
        expected.sort_unstable();
        let count = Count::all(expected.len() as u64);
        assert_eq!(
            store.count(&filter, MANY).await.unwrap(),
            count,
            "{filter:?}"
        );
        let some = store.count(&filter, 2).await.unwrap();
        assert!(
            some.events <= 2 && some.events <= count.events,
            "{filter:?}"
        );
        assert!(!some.is_all || some == count, "{some:?} {filter:?}");
        let none = store.count(&filter, 0).await.unwrap();
        assert!(!none.is_all || none == count, "{none:?} {filter:?}");
        for by in [Grouping::EventType, Grouping::Error, Grouping::Lane] {
            let expected = grouped(matching.clone(), by);
            let groups = store.groups(&filter, by, GroupLimits::all(100)).await;
            let groups = groups.unwrap();
            assert_eq!((groups.groups, groups.count), (expected.clone(), count));
            let limits = GroupLimits {
                groups: 1,
                events: MANY,
            };
            let largest = store.groups(&filter, by, limits).await.unwrap();
            assert_eq!(largest.groups, expected.get(..1).unwrap_or_default());
            assert_eq!(largest.count, count, "all groups");
            let limits = GroupLimits {
                groups: 100,
                events: 2,
            };
            let some = store.groups(&filter, by, limits).await.unwrap();
            let sum: u64 = some.groups.iter().map(|group| group.count).sum();
            assert_eq!(sum, some.count.events, "{filter:?}");
            assert!(sum <= 2 && (!some.count.is_all || some.count == count));
        }
    }
}

fn page(order: Order) -> Page {
    Page {
        order,
        ..Page::first(100)
    }
}

fn numbers(listed: &[Listed]) -> Vec<u64> {
    listed.iter().map(|listed| listed.seq).collect()
}

/// The events of all pages, none of which looks through more than `at_most`.
async fn looked_through(
    store: &impl Admin,
    filter: &Filter,
    order: Order,
    limit: usize,
    at_most: u64,
) -> Vec<u64> {
    let mut page = Page {
        limit,
        ..page(order)
    };
    let mut found = Vec::new();
    for _ in 0..MANY {
        let looked = store.look_through(filter, page, at_most).await.unwrap();
        assert!(looked.listed.len() <= limit && looked.listed.len() as u64 <= at_most);
        found.extend(numbers(&looked.listed));
        page.after = looked.next;
        if looked.next.is_none() {
            break;
        }
    }
    assert!(page.after.is_none(), "the pages have no end: {filter:?}");
    found
}

fn grouped<'a>(listed: impl Iterator<Item = &'a Listed>, by: Grouping) -> Vec<Group> {
    let mut counts: BTreeMap<Option<String>, u64> = BTreeMap::new();
    for listed in listed {
        let value = match by {
            Grouping::EventType => Some(listed.event_type.clone()),
            Grouping::Error => listed.last_error.clone(),
            Grouping::Lane => listed.lane.clone(),
        };
        *counts.entry(value).or_default() += 1;
    }
    let groups = counts.into_iter();
    let mut groups: Vec<_> = groups
        .map(|(value, count)| Group::new(value, count))
        .collect();
    groups.sort_by_key(|group| Reverse(group.count));
    groups
}

async fn an_unsupported_operation_fails(store: &impl Admin) {
    let none = Filter::default();
    for (operation, failure) in [
        (
            Operation::ListNewestFirst,
            store.list(&none, page(Order::NewestFirst)).await.err(),
        ),
        (Operation::Replay, store.replay(&none, 1).await.err()),
        (Operation::Prune, store.prune(LONG).await.err()),
    ] {
        let kind = failure.map(|failure| failure.kind());
        let expected = (!store.supports(operation)).then_some(StoreErrorKind::Unsupported);
        assert_eq!(kind, expected, "{operation:?}");
    }
}

async fn a_glance_is_the_status(store: &impl Admin) {
    fill(store).await;
    let whole = |status: Status| {
        let glance = Glance::from(status);
        [
            glance.ready,
            glance.waiting,
            glance.leased,
            glance.dead,
            glance.blocked_lanes,
        ]
    };
    let counts = |glance: Glance| {
        [
            glance.ready,
            glance.waiting,
            glance.leased,
            glance.dead,
            glance.blocked_lanes,
        ]
    };
    let expected = whole(store.status().await.unwrap());
    let glance = store.glance(MANY).await.unwrap();
    assert_eq!(counts(glance), expected);
    assert_eq!(glance.workers, 1);
    assert!(glance.worker_seen.is_some() && glance.oldest.is_some() && glance.lag.is_some());
    for at_most in [1, 2, 5] {
        let counted = counts(store.glance(at_most).await.unwrap());
        for (some, all) in counted.into_iter().zip(expected) {
            assert!(some.events <= all.events, "{at_most}: {counted:?}");
            assert!(!some.is_all || some == all, "{at_most}: {counted:?}");
        }
    }
}

async fn a_retry_shows_what_waits_for_a_time(store: &impl Admin) {
    employ(store).await;
    let lanes = [Some("a"), Some("a"), None];
    let batch = (0..).zip(lanes).map(|(id, lane)| entry(id, lane));
    store.append(batch.collect()).await.unwrap();
    // The first of the lane, and the free one.
    for claimed in &claim(store, 2, 2, LONG).await {
        assert!(settle(store, claimed, Settled::RetryIn(LONG)).await);
    }
    let waiting = Filter {
        states: vec![State::Waiting],
        ..Filter::default()
    };
    let is_shown = store.supports(Operation::RetryWaiting);
    let expected = if is_shown { 2 } else { 0 };
    // Not the second of the lane, which waits behind the first.
    assert_eq!(store.retry(&waiting, 10).await.unwrap(), expected);
    assert_eq!(store.retry(&waiting, 10).await.unwrap(), 0);
    match is_shown {
        true => drop(claim(store, 3, 2, LONG).await),
        false => assert_none(store).await,
    }
}
