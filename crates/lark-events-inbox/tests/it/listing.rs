//! What lists and groups of operators must return, on every store that this file is included for.

use lark_events_inbox::{
    Admin, AttemptOutcome, Entry, Filter, Group, GroupLimits, Grouping, Page, Settled, Settlement,
    State, WorkerId, WorkerState,
};

use crate::app::{SECOND, event};

const ALL: Page = Page::first(100);

/// Appends 30 events: of each three one is finished or dead, one is retried or claimed, and one waits.
async fn fill(store: &impl Admin) {
    let worker = WorkerId::draw();
    store.heartbeat(worker, WorkerState::Running).await.unwrap();
    for id in 0..30_u64 {
        let mut delivery = event(Some("t"), id);
        delivery.header.event_type = format!("testing.thing_{}.happened_v1", id % 2);
        delivery.header.app_id = Some(format!("cli_{}", id % 4));
        let mut entry = Entry::new(delivery);
        entry.lane = (id % 3 == 2).then(|| "lane".to_owned());
        store.append(vec![entry]).await.unwrap();
    }
    for claimed in store.claim(20, 60 * SECOND).await.unwrap() {
        let settled = match claimed.fence.seq() % 5 {
            0 => continue,
            1 => Settled::RetryIn(60 * SECOND),
            2 => Settled::Done,
            _ => Settled::Dead,
        };
        let mut settlement = Settlement::new(claimed.fence, settled, AttemptOutcome::Failed);
        let number = claimed.fence.seq() % 2;
        settlement.error = (claimed.fence.seq() != 4).then(|| format!("error {number}: 50%_"));
        assert_eq!(store.settle(vec![settlement]).await.unwrap(), [true]);
    }
}

fn filters() -> Vec<Filter> {
    let mut filters = vec![Filter::default()];
    for state in State::ALL {
        let mut filter = Filter::default();
        filter.states = vec![state];
        filters.push(filter.clone());
        filter.states = State::ALL.into_iter().filter(|it| *it != state).collect();
        filters.push(filter.clone());
        filter.from_seq = Some(5);
        filter.to_seq = Some(24);
        filters.push(filter.clone());
        filter.app_id = Some("cli_1".to_owned());
        filters.push(filter.clone());
        filter.event_id = Some("7".to_owned());
        filters.push(filter);
    }
    let set: [fn(&mut Filter); 7] = [
        |filter| filter.error = Some("1: 50%".to_owned()),
        |filter| filter.error = Some("_0".to_owned()),
        |filter| filter.lane = Some("lane".to_owned()),
        |filter| filter.tenant_key = Some("other".to_owned()),
        |filter| filter.seq = Some(8),
        |filter| filter.to_seq = Some(u64::MAX),
        |filter| filter.from_seq = Some(u64::MAX),
    ];
    for set in set {
        let mut filter = Filter::default();
        set(&mut filter);
        filters.push(filter.clone());
        filter.states = vec![State::Dead, State::Waiting];
        filters.push(filter);
    }
    filters
}

pub(crate) async fn lists_what_a_filter_matches(store: &impl Admin) {
    fill(store).await;
    let all = store.list(&Filter::default(), ALL).await.unwrap();
    assert!(all.len() >= 26, "{}", all.len());
    for filter in filters() {
        let listed = store.list(&filter, ALL).await.unwrap();
        let listed: Vec<_> = listed.iter().map(|one| (one.seq, one.state)).collect();
        let expected = all.iter().filter(|one| filter.matches(one));
        let expected: Vec<_> = expected.map(|one| (one.seq, one.state)).collect();
        assert_eq!(listed, expected, "{filter:?}");
        let mut paged = Vec::new();
        let mut after = None;
        loop {
            let page = Page {
                after,
                ..Page::first(3)
            };
            let listed = store.list(&filter, page).await.unwrap();
            let Some(last) = listed.last() else {
                break;
            };
            after = Some(last.seq);
            paged.extend(listed.iter().map(|one| (one.seq, one.state)));
        }
        assert_eq!(paged, expected, "{filter:?}");
        for by in [Grouping::EventType, Grouping::Error, Grouping::Lane] {
            let groups = store.groups(&filter, by, GroupLimits::all(100)).await;
            let groups = groups.unwrap().groups;
            let sum: u64 = groups.iter().map(|group| group.count).sum();
            assert_eq!(sum, expected.len() as u64, "{filter:?}");
            assert!(groups.is_sorted_by_key(|group| std::cmp::Reverse(group.count)));
        }
    }
}

pub(crate) async fn groups_dead_letters(store: &impl Admin) {
    fill(store).await;
    let mut dead = Filter::default();
    dead.states = vec![State::Dead];
    let groups = async |by, limit| {
        let groups = store.groups(&dead, by, GroupLimits::all(limit)).await;
        groups.unwrap().groups
    };
    let by_error = groups(Grouping::Error, 10).await;
    let error = |number: u64| Some(format!("error {number}: 50%_"));
    let expected = [(error(1), 4), (error(0), 3), (None, 1)];
    let expected = expected.map(|(value, count)| Group::new(value, count));
    assert_eq!(by_error, expected);
    assert_eq!(groups(Grouping::Error, 1).await, expected[..1]);
    let by_type = groups(Grouping::EventType, 10).await;
    let types: Vec<_> = by_type.iter().map(|group| group.count).collect();
    assert_eq!(types, [4, 4]);
}
