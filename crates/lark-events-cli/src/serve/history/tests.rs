//! Readers get each change once and in its order, and what is kept is bounded.

use std::time::Duration;

use bytes::Bytes;
use lark_events::{Dispatcher, Webhook as App};
use lark_events_sim::{Document, Fault, Mode, Platform};
use lark_events_tower::EventService;

use super::*;

/// A delivery that has begun.
fn begun(number: usize, document: Bytes) -> Delivery {
    Delivery {
        number,
        event_type: "tea.pot.ready_v1".to_owned(),
        event_id: format!("e-{number}"),
        mode: Mode::Webhook,
        is_callback: false,
        replay_of: None,
        template: Document::from("{}"),
        document,
        pushed_at: SystemTime::now(),
        attempts: Vec::new(),
        acknowledged: false,
        ended: false,
        revision: 0,
    }
}

/// An attempt without anywhere to send.
async fn attempt() -> Attempt {
    let platform = Platform::builder().start().await.unwrap();
    let mut push = platform.push_by(Mode::Webhook, "{}", []);
    push.next_attempt().await.unwrap()
}

/// A call of the API.
async fn call() -> ApiCall {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let platform = Platform::builder().start().await.unwrap();
    let mut stream = platform.dial();
    let request = b"GET /open-apis/a HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let _ = stream.read_to_end(&mut Vec::new()).await;
    platform.api_calls().pop().unwrap()
}

/// A change of an item: a delivery, or a call by its revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
enum Item {
    Delivery(usize),
    Call(u64),
}

/// The items that a reader gets, by revision.
fn read(changes: &Changes) -> Vec<(u64, Item)> {
    let deliveries = changes.deliveries.iter();
    let deliveries = deliveries.map(|one| (one.revision, Item::Delivery(one.number)));
    let calls = changes.calls.iter();
    let calls = calls.map(|one| (one.revision, Item::Call(one.revision)));
    assert!(deliveries.clone().is_sorted(), "in the order of change");
    assert!(calls.clone().is_sorted(), "in the order of change");
    let mut items: Vec<_> = deliveries.chain(calls).collect();
    items.sort_by_key(|(revision, _)| *revision);
    items
}

#[tokio::test]
async fn a_reader_that_resumes_gets_each_later_change_once() {
    let (attempt, call) = (attempt().await, call().await);
    let history = History::new();
    let mut revisions = history.revisions();
    // The items that changed, in the order of their changes.
    let mut changes = Vec::new();
    let changed = |changes: &mut Vec<_>, item: fn(u64) -> Item| {
        let revision = history.since(0).revision;
        changes.push((revision, item(revision)));
    };
    for round in 0..40 {
        history.pushed(begun(3 * round + 1, Bytes::new()));
        let revision = history.since(0).revision;
        changes.push((revision, Item::Delivery(3 * round + 1)));
        if round % 2 == 0 {
            history.called(call.clone(), None);
            changed(&mut changes, Item::Call);
        }
        if round % 3 == 0 {
            history.touch();
            history.set_webhook(Webhook::Unset);
        }
        if round >= 2 {
            let earlier = 3 * (round - 2) + 1;
            history.attempted(earlier, attempt.clone()).unwrap();
            let revision = history.since(0).revision;
            changes.push((revision, Item::Delivery(earlier)));
        }
        if round >= 5 {
            let earlier = 3 * (round - 5) + 1;
            assert!(history.ended(earlier).unwrap().ended);
            let revision = history.since(0).revision;
            changes.push((revision, Item::Delivery(earlier)));
        }
    }
    let last = history.since(0).revision;
    assert_eq!(*revisions.borrow_and_update(), last);
    for resumed in 0..=last {
        let later = history.since(resumed);
        let expected: Vec<_> = changes
            .iter()
            .enumerate()
            .filter(|(place, (revision, item))| {
                // The last change of an item stands for those before.
                let is_last = !changes[place + 1..].iter().any(|(_, later)| later == item);
                *revision > resumed && is_last
            })
            .map(|(_, change)| *change)
            .collect();
        assert_eq!(read(&later), expected, "after {resumed}");
        assert_eq!(later.revision, last);
    }
    assert!(history.since(u64::MAX).deliveries.is_empty());
}

#[tokio::test]
async fn a_change_wakes_readers_and_what_is_none_does_not() {
    let history = History::new();
    let mut revisions = history.revisions();
    let attempt = attempt().await;
    assert!(history.attempted(1, attempt).is_none());
    assert!(history.ended(1).is_none());
    assert!(!revisions.has_changed().unwrap());
    history.pushed(begun(1, Bytes::new()));
    assert!(revisions.has_changed().unwrap());
    revisions.mark_unchanged();
    assert!(history.ended(1).is_some());
    assert!(history.ended(1).is_none(), "it has ended");
    assert_eq!(*revisions.borrow_and_update(), 2);
}

/// The invariants of the index.
#[track_caller]
fn is_consistent(history: &History) {
    let state = history.state();
    let revisions: BTreeMap<_, _> = state
        .deliveries
        .values()
        .map(|delivery| (delivery.revision, delivery.number))
        .collect();
    assert_eq!(state.changed, revisions);
    let bytes = state.ended.iter().map(|(_, bytes)| bytes).sum::<usize>();
    assert_eq!(state.ended_bytes, bytes);
    assert!(state.ended.len() <= MAX_ENDED && bytes <= MAX_ENDED_BYTES);
    assert!(state.calls.len() <= MAX_CALLS);
}

#[tokio::test]
async fn ten_thousand_pushes_leave_the_last_ended_ones_and_those_on_their_way() {
    let (attempt, call) = (attempt().await, call().await);
    let history = History::new();
    for number in 1..=10_000 {
        history.pushed(begun(number, Bytes::from_static(b"{}")));
        history.attempted(number, attempt.clone());
        history.called(call.clone(), Some(number));
        // One in a hundred is still on its way.
        if number % 100 != 0 {
            history.ended(number);
        }
    }
    is_consistent(&history);
    assert_eq!(history.running(), 100);
    assert_eq!(history.forgotten(), 9_900 - MAX_ENDED);
    let everything = history.since(0);
    assert_eq!(everything.deliveries.len(), MAX_ENDED + 100);
    assert_eq!(history.calls().len(), MAX_CALLS);
    assert_eq!(history.kept(), Some((100, 10_000)));
    assert!(history.delivery(1).is_none());
    assert!(history.delivery(9_999).is_some_and(|one| one.ended));
    // One that ends late is the last to end.
    history.ended(100);
    is_consistent(&history);
    assert!(history.delivery(100).is_some());
    assert_eq!(history.running(), 99);
}

#[test]
fn large_deliveries_are_forgotten_earlier() {
    let history = History::new();
    let megabyte = Bytes::from(vec![b' '; 1024 * 1024]);
    for number in 1..=100 {
        history.pushed(begun(number, megabyte.clone()));
        history.ended(number);
        is_consistent(&history);
    }
    let kept = history.since(0).deliveries;
    assert!((1..=16).contains(&kept.len()), "{}", kept.len());
    assert_eq!(history.forgotten(), 100 - kept.len());
    assert_eq!(kept.last().map(|one| one.number), Some(100));
}

#[tokio::test]
async fn the_next_attempt_is_that_of_the_last_one_which_was_no_copy() {
    let mut failed = attempt().await;
    failed.next = Some(Duration::from_secs(15));
    let mut delivery = begun(1, Bytes::new());
    assert_eq!(delivery.next_attempt(), None);
    assert!(delivery.is_first_under_way());
    delivery.attempts.push(failed.clone());
    let next = delivery.pushed_at + Duration::from_secs(15);
    assert_eq!(delivery.next_attempt(), Some(next));
    (failed.copy, failed.next) = (true, None);
    delivery.attempts.push(failed);
    assert_eq!(delivery.next_attempt(), Some(next));
    // Acknowledging a copy does not prevent the redelivery of a lost attempt.
    delivery.acknowledged = true;
    assert_eq!(delivery.next_attempt(), Some(next));
    assert_eq!(delivery.progress(), Progress::Acknowledged);
    let copy = delivery.attempts.remove(1);
    delivery.attempts = vec![copy];
    assert_eq!(delivery.next_attempt(), None);
    assert!(delivery.is_first_under_way(), "only a copy has ended");
    delivery.ended = true;
    assert!(!delivery.is_first_under_way());
}

#[tokio::test(start_paused = true)]
async fn an_acknowledged_delivery_says_that_the_platform_sends_it_again() {
    let webhook = App::builder().verification_token("t").build().unwrap();
    let dispatcher = Dispatcher::builder().fallback(|_| std::future::ready(()));
    let app = EventService::new(webhook, dispatcher.build().unwrap());
    let platform = Platform::builder().verification_token("t");
    let platform = platform.webhook_service(app).start().await.unwrap();
    platform.inject(Fault::LoseAnswer);
    platform.inject(Fault::Duplicate(Duration::from_millis(50)));
    let wait = Duration::from_secs(15);
    let document = Document::v2("tea.pot.ready_v1", &["green"]).unwrap();
    let mut attempts = platform
        .push_by(Mode::Webhook, document, [wait])
        .into_attempts();
    let history = History::new();
    history.pushed(begun(1, Bytes::new()));
    let copy = attempts.next().await.unwrap();
    assert!(copy.copy && copy.accepted());
    let delivery = history.attempted(1, copy).unwrap();
    assert!(delivery.acknowledged && delivery.is_first_under_way());
    let lost = attempts.next().await.unwrap();
    let after = lost.next.unwrap();
    let delivery = history.attempted(1, lost).unwrap();
    assert_eq!(
        delivery.next_attempt(),
        delivery.pushed_at.checked_add(after)
    );
    assert_eq!(delivery.progress(), Progress::Acknowledged);
    let again = attempts.next().await.unwrap();
    let delivery = history.attempted(1, again).unwrap();
    assert_eq!(delivery.next_attempt(), None);
    assert_eq!(attempts.next().await, None);
}

#[test]
fn deliveries_that_have_not_ended_are_bounded_by_their_bytes_too() {
    const BYTES: usize = 1024 * 1024;
    let history = History::new();
    let document = Bytes::from(vec![b' '; BYTES]);
    let mut number = 0;
    while !history.is_full() {
        number += 1;
        history.pushed(begun(number, document.clone()));
        assert!(number <= MAX_RUNNING_BYTES / BYTES);
    }
    assert_eq!(number, MAX_RUNNING_BYTES / BYTES / 4);
    history.ended(1);
    assert!(!history.is_full());
    for number in 2..=number {
        history.ended(number);
    }
    assert_eq!(history.state().running_bytes, 0);
}

#[test]
fn a_reader_never_sees_more_ended_ones_than_are_kept() {
    let history = std::sync::Arc::new(History::new());
    let reader = std::sync::Arc::clone(&history);
    let reads = std::thread::spawn(move || {
        let mut last = 0;
        while last < 3 * MAX_ENDED {
            last = reader.read(|kept| {
                assert!(kept.deliveries.len() <= MAX_ENDED + 1);
                let ended = kept.deliveries.values().filter(|one| one.ended).count();
                assert!(ended <= MAX_ENDED, "{ended}");
                // Numbers and counts are of one moment.
                kept.deliveries.len() + kept.forgotten
            });
        }
    });
    for number in 1..=3 * MAX_ENDED {
        history.pushed(begun(number, Bytes::new()));
        history.ended(number);
    }
    reads.join().unwrap();
}
