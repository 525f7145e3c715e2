//! Of two forms about the same events, one wins, and the other says what happened meanwhile.

use std::time::Duration;

use http::StatusCode;
use lark_events_inbox::{Settled, State};

use crate::browser::Browser;
use crate::stored::{append, count, dead, each_kind, open_to_all, settle};

#[tokio::test]
async fn one_of_two_tabs_wins() {
    for kept in each_kind().await {
        let store = &*kept.store;
        dead(store, 0..1, "refused").await;
        let browser = kept.browser();
        let first = browser.get("?view=event&seq=1").await.form_with("retry");
        let second = browser.get("?view=event&seq=1").await.form_with("drop");
        let won = browser.send(&first, "retry").await;
        assert!(won.text.contains("Retried 1 event."), "{}", won.text);
        let lost = browser.send(&second, "retry").await;
        assert_eq!(lost.status, StatusCode::CONFLICT);
        for part in ["started the action retry on event #1", "complete, 1 event"] {
            assert!(lost.text.contains(part), "{}", lost.text);
        }
        // Also if the event is as it was in the meantime.
        settle(store, Settled::Dead, "refused").await;
        for action in ["retry", "drop"] {
            let lost = browser.send(&second, action).await;
            assert_eq!(lost.status, StatusCode::CONFLICT);
        }
        let again = browser.get("?view=event&seq=1").await.form_with("retry");
        assert_eq!(browser.send(&again, "retry").await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn one_of_two_forms_at_once_is_a_redirect_and_the_other_a_conflict() {
    for kept in each_kind().await {
        dead(&*kept.store, 0..1, "refused").await;
        let browser = kept.browser();
        let form = browser.get("?view=event&seq=1").await.form_with("retry");
        let revision = &form.fields.iter().find(|(name, _)| name == "revision");
        let revision = &revision.unwrap().1;
        let form = format!("action=retry&seq=1&state=dead&revision={revision}");
        let (one, other) = tokio::join!(
            browser.once(http::Method::POST, "?", form.clone()),
            browser.once(http::Method::POST, "?", form.clone()),
        );
        let mut statuses = [one.status, other.status];
        statuses.sort();
        assert_eq!(statuses, [StatusCode::SEE_OTHER, StatusCode::CONFLICT]);
    }
}

#[tokio::test]
async fn one_of_two_tabs_wins_all_that_match() {
    for kept in each_kind().await {
        dead(&*kept.store, 0..300, "refused").await;
        let browser = kept.browser();
        let confirm = "?view=confirm&action=retry&scope=all&state=dead";
        let first = browser.get(confirm).await.form_of("action", "retry");
        let second = browser.get(confirm).await.form_of("action", "retry");
        let (first, second) = tokio::join!(browser.send(&first, ""), browser.send(&second, ""));
        let mut statuses = [first.status, second.status];
        statuses.sort();
        assert_eq!(statuses, [StatusCode::OK, StatusCode::CONFLICT]);
        let (won, lost) = match first.status {
            StatusCode::OK => (first, second),
            _ => (second, first),
        };
        assert!(
            lost.text.contains("meanwhile"),
            "{}: {}",
            kept.name,
            lost.text
        );
        let won = browser.ended(won).await;
        assert!(won.text.contains("Retried 300 events."), "{}", won.text);
    }
}

#[tokio::test]
async fn an_action_goes_on_when_its_browser_has_gone() {
    for kept in each_kind().await {
        dead(&*kept.store, 0..1, "refused").await;
        let browser = kept.browser();
        let form = browser.get("?view=event&seq=1").await.form_with("retry");
        let mut sent = Box::pin(browser.send(&form, "retry"));
        // Polled once, then dropped.
        tokio::select! {
            biased;
            _ = &mut sent => {}
            () = std::future::ready(()) => {}
        }
        drop(sent);
        let late = browser.send(&form, "retry").await;
        assert_eq!(late.status, StatusCode::CONFLICT, "{}", late.text);
        let mut ready = 0;
        for _ in 0..1_000 {
            ready = count(&*kept.store, State::Ready).await;
            if ready == 1 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(ready, 1, "{}", kept.name);
    }
}

#[tokio::test]
async fn actions_on_different_types_do_not_meet() {
    for kept in each_kind().await {
        dead(&*kept.store, 0..2, "refused").await;
        let browser = kept.browser();
        let confirm = |lane| format!("?view=confirm&action=retry&scope=all&state=dead&lane={lane}");
        let first = browser.get(&confirm("lane-0")).await;
        let second = browser.get(&confirm("lane-1")).await;
        for form in [first, second] {
            let answer = browser.send(&form.form_of("action", "retry"), "").await;
            let ended = browser.ended(answer).await;
            assert!(ended.text.contains("Retried 1 event."), "{}", ended.text);
        }
    }
}

#[tokio::test]
async fn processes_with_one_store_change_an_event_once() {
    for kept in each_kind().await {
        dead(&*kept.store, 0..1, "refused").await;
        let (one, other) = (kept.browser(), kept.browser());
        let first = one.get("?view=event&seq=1").await.form_with("retry");
        let second = other.get("?view=event&seq=1").await.form_with("retry");
        assert_eq!(one.send(&first, "retry").await.status, StatusCode::OK);
        let lost = other.send(&second, "retry").await;
        assert_eq!(lost.status, StatusCode::CONFLICT);
        let meanwhile = "expected event #1 to be dead: meanwhile it is ready to be handled";
        assert!(lost.text.contains(meanwhile), "{}", lost.text);
    }
}

#[tokio::test]
async fn an_event_that_a_worker_handles_is_left_alone() {
    for kept in each_kind().await {
        let store = &*kept.store;
        append(store, 0..2).await;
        let browser = kept.browser();
        let form = browser.get("?view=event&seq=1").await.form_with("drop");
        let all = "?view=confirm&action=drop&scope=all&state=ready";
        let all = browser.get(all).await.form_of("action", "drop");
        let claimed = store.claim(10, Duration::from_secs(60)).await.unwrap();
        assert_eq!(claimed.len(), 2);
        let answer = browser.send(&form, "drop").await;
        assert_eq!(answer.status, StatusCode::CONFLICT);
        assert!(
            answer.text.contains("is being handled by a worker"),
            "{}",
            answer.text
        );
        let answer = browser.send(&all, "").await;
        assert_eq!(answer.status, StatusCode::CONFLICT);
        assert!(answer.text.contains("has changed all of them meanwhile"));
        let event = browser.get("?view=event&seq=1").await;
        assert!(event.text.contains("A worker is handling this event"));
        for button in ["retry", "drop", "replay"] {
            let button = format!("value=\"{button}\"");
            assert!(!event.text.contains(&button), "{}", event.text);
        }
        assert_eq!(count(store, State::Leased).await, 2);
    }
}

#[tokio::test]
async fn no_more_events_are_dropped_than_were_confirmed() {
    for kept in each_kind().await {
        let store = &*kept.store;
        append(store, 0..3).await;
        dead(store, 3..5, "refused").await;
        let browser: Browser = Browser::alone(open_to_all(kept.store.clone()));
        let confirm = "?view=confirm&action=drop&scope=all&state=dead";
        let retry = browser.get("?view=confirm&action=retry&scope=all&state=dead&lane=lane-0");
        let retry = retry.await.form_of("action", "retry");
        // One goes back to the queue while the question is shown, and dies again with another.
        let again = browser.send(&retry, "").await;
        browser.ended(again).await;
        let form = browser.get(confirm).await;
        assert!(form.text.contains("Drop 4 events?"), "{}", form.text);
        let form = form.form_of("action", "drop");
        settle(store, Settled::Dead, "refused").await;
        let answer = browser.send(&form, "").await;
        assert_eq!(answer.status, StatusCode::CONFLICT);
        assert!(
            answer
                .text
                .contains("expected 4 events, as confirmed: meanwhile 5 events match"),
            "{}",
            answer.text
        );
        assert_eq!(count(store, State::Dead).await, 5);
    }
}
