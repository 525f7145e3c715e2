//! Actions on lanes with several events, where one event changes the state of the next.

use std::collections::BTreeSet;
use std::time::Duration;

use http::StatusCode;
use lark_events_inbox::{Admin, Filter, Page, Settled, State};

use crate::browser::Browser;
use crate::limited::Limited;
use crate::stored::{append_to_lanes, each_kind, open_to_all, settle};

/// All but those that are finished.
const KEPT: [State; 4] = [State::Ready, State::Waiting, State::Leased, State::Dead];
const LANES: usize = 300;
const EVENTS: usize = 3 * LANES;

async fn numbers(store: &dyn Admin, states: &[State]) -> BTreeSet<u64> {
    let mut filter = Filter::default();
    filter.states = states.to_vec();
    let listed = store.list(&filter, Page::first(10_000)).await.unwrap();
    listed.iter().map(|listed| listed.seq).collect()
}

/// Drops all events of a state, and checks that these are dropped, and no other.
async fn drop_all(store: &dyn Admin, browser: &Browser, state: State) {
    let before = numbers(store, &KEPT).await;
    let confirmed = numbers(store, &[state]).await;
    let confirm = format!(
        "?view=confirm&action=drop&scope=all&state={}",
        state.as_str()
    );
    let form = browser.get(&confirm).await.form_of("action", "drop");
    let started = browser.send(&form, "").await;
    let ended = browser.ended(started).await;
    let dropped = format!("Dropped {} events.", confirmed.len());
    assert!(ended.text.contains(&dropped), "{}", ended.text);
    let dropped = before
        .difference(&numbers(store, &KEPT).await)
        .copied()
        .collect();
    assert_eq!(confirmed, dropped);
}

#[tokio::test]
async fn the_next_event_of_a_lane_is_not_dropped_with_those_that_were_ready() {
    for kept in each_kind().await {
        append_to_lanes(&*kept.store, EVENTS, LANES).await;
        assert_eq!(numbers(&*kept.store, &[State::Ready]).await.len(), LANES);
        drop_all(&*kept.store, &kept.browser(), State::Ready).await;
        assert_eq!(numbers(&*kept.store, &[State::Ready]).await.len(), LANES);
    }
}

#[tokio::test]
async fn the_next_event_of_a_lane_is_dropped_with_those_that_waited() {
    for kept in each_kind().await {
        append_to_lanes(&*kept.store, EVENTS, LANES).await;
        let retry = Settled::RetryIn(Duration::from_secs(3_600));
        settle(&*kept.store, retry, "busy").await;
        assert_eq!(numbers(&*kept.store, &[State::Waiting]).await.len(), EVENTS);
        drop_all(&*kept.store, &kept.browser(), State::Waiting).await;
    }
}

#[tokio::test]
async fn dead_letters_of_a_lane_are_dropped_without_its_other_events() {
    for kept in each_kind().await {
        append_to_lanes(&*kept.store, EVENTS, LANES).await;
        let claimed = kept.store.claim(100, Duration::from_secs(60)).await;
        assert_eq!(claimed.unwrap().len(), 100);
        settle(&*kept.store, Settled::Dead, "refused").await;
        assert_eq!(numbers(&*kept.store, &[State::Dead]).await.len(), 600);
        drop_all(&*kept.store, &kept.browser(), State::Dead).await;
    }
}

#[tokio::test]
async fn selected_events_of_a_lane_are_all_dropped() {
    for kept in each_kind().await {
        append_to_lanes(&*kept.store, 3, 1).await;
        let retry = Settled::RetryIn(Duration::from_secs(3_600));
        settle(&*kept.store, retry, "busy").await;
        let browser = kept.browser();
        let list = browser.get("?view=events&state=waiting").await;
        let mut form = list.form_with("drop");
        form.fields.extend(form.boxes.clone());
        let confirm = browser.send(&form, "drop").await;
        let started = browser.send(&confirm.form_of("action", "drop"), "").await;
        let ended = browser.ended(started).await;
        assert!(ended.text.contains("Dropped 3 events."), "{}", ended.text);
    }
}

#[tokio::test]
async fn no_more_events_are_dropped_than_were_counted() {
    // It does not list the newest first.
    let store = Limited::failing().await;
    append_to_lanes(&*store.inner, EVENTS, LANES).await;
    let browser = Browser::alone(open_to_all(store.clone()));
    let confirm = "?view=confirm&action=drop&scope=all&state=ready";
    let form = browser.get(confirm).await.form_of("action", "drop");
    let started = browser.send(&form, "").await;
    let ended = browser.ended(started).await;
    assert!(ended.text.contains("Dropped 300 events."), "{}", ended.text);
    assert_eq!(numbers(&*store.inner, &KEPT).await.len(), EVENTS - LANES);
}

#[tokio::test]
async fn only_an_event_that_waits_for_a_time_is_tried_now() {
    for kept in each_kind().await {
        append_to_lanes(&*kept.store, 3, 1).await;
        let retry = Settled::RetryIn(Duration::from_secs(3_600));
        settle(&*kept.store, retry, "busy").await;
        let browser = kept.browser();
        let second = browser.get("?view=event&seq=2").await;
        assert!(
            second.text.contains("waits for its lane"),
            "{}",
            second.text
        );
        assert!(!second.text.contains("value=\"retry\""), "{}", second.text);
        let retry = [("action", "retry"), ("seq", "2"), ("state", "waiting")];
        let refused = browser.post(&retry).await;
        assert_eq!(refused.status, StatusCode::CONFLICT);
        assert!(
            refused.text.contains("it waits for its lane"),
            "{}",
            refused.text
        );
        let list = browser.get("?view=events&state=waiting").await;
        let confirm = browser.send(&list.form_of("scope", "all"), "retry").await;
        let started = browser.send(&confirm.form_of("action", "retry"), "").await;
        let ended = browser.ended(started).await;
        for part in ["Retried 1 event.", "The others wait for their lane"] {
            assert!(ended.text.contains(part), "{}", ended.text);
        }
        // All that are left wait for their lane.
        let list = browser.get("?view=events&state=waiting").await;
        assert!(!list.text.contains("Retry selected"), "{}", list.text);
        assert!(list.text.contains("Drop selected"), "{}", list.text);
    }
}

#[tokio::test]
async fn a_store_that_tries_no_event_before_its_time_does_not_offer_it() {
    let store = Limited::failing().await;
    append_to_lanes(&*store.inner, 1, 1).await;
    let retry = Settled::RetryIn(Duration::from_secs(3_600));
    settle(&*store.inner, retry, "busy").await;
    let browser = Browser::alone(open_to_all(store.clone()));
    for link in ["?view=events&state=waiting", "?view=event&seq=1"] {
        let page = browser.get(link).await.text;
        assert!(
            page.contains("cannot retry an event before its time"),
            "{page}"
        );
        assert!(!page.contains("value=\"retry\""), "{page}");
        assert!(page.contains("value=\"drop\""), "{page}");
    }
    let confirm = "?view=confirm&action=retry&scope=all&state=waiting";
    assert_eq!(
        browser.get(confirm).await.status,
        StatusCode::NOT_IMPLEMENTED
    );
}
