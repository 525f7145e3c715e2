//! Stores that cannot do everything, and stores that fail.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use http::StatusCode;
use lark_events_inbox::console::{Access, Action, Audited, Console};
use lark_events_inbox::{Operation, Settled, State};

use crate::browser::Browser;
use crate::limited::{CAUSE, Limited};
use crate::stored::{InAFile, append, count, dead, in_memory, open_to_all, settle};

#[tokio::test]
async fn a_store_without_replay_does_not_offer_it() {
    let store = in_memory().await;
    append(&*store, 0..1).await;
    settle(&*store, Settled::Done, "").await;
    let browser = Browser::alone(open_to_all(store));
    let list = browser.get("?view=events&state=done").await;
    assert!(!list.text.contains("value=\"replay\""));
    let answer = browser
        .get("?view=confirm&action=replay&scope=all&state=done")
        .await;
    assert_eq!(answer.status, StatusCode::NOT_IMPLEMENTED);
    assert!(
        answer.text.contains("keeps no finished events"),
        "{}",
        answer.text
    );

    let file = InAFile::new().await;
    append(&*file.store, 0..1).await;
    settle(&*file.store, Settled::Done, "").await;
    let browser = Browser::alone(open_to_all(file.store.clone()));
    let list = browser.get("?view=events&state=done").await;
    assert!(list.text.contains("value=\"replay\""), "{}", list.text);
}

#[tokio::test]
async fn a_store_that_supports_nothing_shows_its_numbers() {
    let store = Limited::to(&[]).await;
    dead(&*store.inner, 0..1_000, "refused").await;
    let browser = Browser::alone(open_to_all(store));
    let overview = browser.get("").await;
    assert_eq!(overview.status, StatusCode::OK, "{}", overview.text);
    for part in ["1,000", "cannot list events"] {
        assert!(overview.text.contains(part), "{part}: {}", overview.text);
    }
    for (link, answer) in browser.crawl().await {
        if link != "?view=search&id=id-7" {
            assert_eq!(answer.status, StatusCode::OK, "{link}");
        }
    }
    assert_eq!(overview.forms(), []);
    for link in [
        "?view=events",
        "?view=event&seq=1",
        "?view=lanes",
        "?view=search&id=1",
        "?view=export",
        "?view=export&seq=1",
        "?view=confirm&action=retry&scope=all",
        "?view=confirm&action=retry&seq=1",
        "?view=edit&seq=1",
    ] {
        let answer = browser.get(link).await;
        assert_eq!(answer.status, StatusCode::NOT_IMPLEMENTED, "{link}");
        assert!(answer.text.contains("store"), "{link}: {}", answer.text);
    }
    let answer = browser.post(&[("action", "retry"), ("seq", "1")]).await;
    assert_eq!(answer.status, StatusCode::NOT_IMPLEMENTED);
}

#[tokio::test]
async fn every_set_of_operations_has_pages_without_dead_links() {
    use Operation::{Discard, List, Retry, Show};
    for supported in [
        &[List][..],
        &[Show],
        &[List, Show],
        &[List, Retry],
        &[Show, Retry],
        &[List, Show, Discard],
    ] {
        let store = Limited::to(supported).await;
        dead(&*store.inner, 0..3, "refused").await;
        let browser = Browser::alone(open_to_all(store));
        for link in ["?view=event&seq=1", "?view=search&id=1"] {
            let answer = browser.get(link).await;
            let is_shown = answer.status == StatusCode::OK;
            let can_look = match link {
                "?view=event&seq=1" => supported.contains(&Show),
                _ => supported.contains(&Show) || supported.contains(&List),
            };
            assert_eq!(is_shown, can_look, "{supported:?} {link}");
        }
        for (link, answer) in browser.crawl().await {
            let is_search = link == "?view=search&id=id-7";
            if !is_search || supported.contains(&List) {
                assert_eq!(answer.status, StatusCode::OK, "{supported:?} {link}");
            }
        }
    }
}

#[tokio::test]
async fn an_error_of_the_store_is_a_503_without_its_cause() {
    let store = Limited::failing().await;
    dead(&*store.inner, 0..3, "refused").await;
    let browser = Browser::alone(open_to_all(store.clone()));
    store.fails_after(0);
    for link in [
        "",
        "?view=events",
        "?view=lanes",
        "?view=event&seq=1",
        "?view=export",
        "?view=search&id=1",
        "?view=confirm&action=retry&scope=all&state=dead",
        "?view=edit&seq=1",
    ] {
        let answer = browser.get(link).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{link}");
        assert_eq!(answer.headers["retry-after"], "5");
        assert!(answer.text.contains("try again"), "{}", answer.text);
        assert!(!answer.text.contains(CAUSE), "{}", answer.text);
    }
    let form = [("action", "retry"), ("seq", "1"), ("state", "dead")];
    let answer = browser.post(&form).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(!answer.text.contains(CAUSE), "{}", answer.text);
}

/// A console, and what it reports.
fn audited(store: Arc<Limited>) -> (Browser, Arc<Mutex<Vec<Audited>>>) {
    let reports = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&reports);
    let console = Console::builder(store, |_| Access::All).audit(
        |_| Some("ada".to_owned()),
        move |audited| sink.lock().unwrap().push(audited.clone()),
    );
    (Browser::alone(console.build()), reports)
}

#[tokio::test]
async fn an_action_that_fails_in_its_middle_says_how_far_it_came() {
    let store = Limited::failing().await;
    dead(&*store.inner, 0..1_000, "refused").await;
    let (browser, reports) = audited(store.clone());
    let confirm = "?view=confirm&action=retry&scope=all&state=dead";
    let form = browser.get(confirm).await.form_of("action", "retry");
    let late = form.clone();
    // One call counts; each batch is a list and a retry.
    store.fails_after(1 + 4);
    let started = browser.send(&form, "").await;
    let ended = browser.ended(started).await;
    assert!(
        ended.text.contains("Retried 400 events, then failed"),
        "{}",
        ended.text
    );
    assert!(!ended.text.contains(CAUSE), "{}", ended.text);
    assert_eq!(count(&*store.inner, State::Dead).await, 600);
    {
        let reports = reports.lock().unwrap();
        let [report] = &reports[..] else {
            panic!("{reports:?}");
        };
        assert_eq!((report.action, report.events), (Action::Retry, 400));
        assert_eq!(report.who.as_deref(), Some("ada"));
        assert_eq!(report.error.as_deref(), Some("the store is unavailable"));
    }
    // The others are still there; a form of before is too late.
    store.fails_after(usize::MAX);
    let answer = browser.send(&late, "").await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert!(
        answer.text.contains("ada started the action retry") && answer.text.contains("failed, 400"),
        "{}",
        answer.text
    );
    let form = browser.get(confirm).await.form_of("action", "retry");
    let started = browser.send(&form, "").await;
    let ended = browser.ended(started).await;
    assert!(ended.text.contains("Retried 600 events."), "{}", ended.text);
}

#[tokio::test]
async fn an_action_that_changed_nothing_can_be_sent_again() {
    let store = Limited::failing().await;
    dead(&*store.inner, 0..1, "refused").await;
    let (browser, reports) = audited(store.clone());
    let form = browser.get("?view=event&seq=1").await.form_with("retry");
    store.fails_after(0);
    let answer = browser.send(&form, "retry").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    store.fails_after(usize::MAX);
    let answer = browser.send(&form, "retry").await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let reports = reports.lock().unwrap();
    let reports: Vec<_> = reports
        .iter()
        .map(|report| (report.events, report.error.as_deref()))
        .collect();
    assert_eq!(reports, [(0, Some("the store is unavailable")), (1, None)]);
}

#[tokio::test]
async fn an_edited_event_is_not_appended_twice_after_a_failure() {
    let store = Limited::failing().await;
    dead(&*store.inner, 0..1, "refused").await;
    let (browser, _) = audited(store.clone());
    let mut form = browser
        .get("?view=edit&seq=1")
        .await
        .form_of("action", "edit");
    form.fields.push(("body".to_owned(), "{}".to_owned()));
    // The event is read, then the append fails: it may have been done.
    store.fails_after(1);
    let answer = browser.send(&form, "").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    store.fails_after(usize::MAX);
    let answer = browser.send(&form, "").await;
    assert_eq!(answer.status, StatusCode::CONFLICT, "{}", answer.text);
}

#[tokio::test]
async fn an_action_of_an_earlier_process_is_explained() {
    let store = in_memory().await;
    dead(&*store, 0..1, "refused").await;
    let browser = Browser::alone(open_to_all(store.clone()));
    let form = browser.get("?view=event&seq=1").await.form_with("retry");
    let ended = browser.send(&form, "retry").await;
    assert!(ended.url.starts_with("?view=action&id="), "{}", ended.url);
    let restarted = Browser::alone(open_to_all(store));
    let answer = restarted.get(&ended.url).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert!(answer.text.contains("this one has restarted"));
}

#[tokio::test]
async fn a_panic_of_the_store_is_reported_as_one() {
    let store = Limited::failing().await;
    dead(&*store.inner, 0..2, "refused").await;
    let (browser, reports) = audited(store.clone());
    let one = browser.get("?view=event&seq=1").await.form_with("retry");
    let confirm = "?view=confirm&action=retry&scope=all&state=dead";
    let all = browser.get(confirm).await.form_of("action", "retry");
    store.panics.store(true, Ordering::SeqCst);
    let answer = browser.send(&one, "retry").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(
        answer.text.contains("the action panicked"),
        "{}",
        answer.text
    );
    let started = browser.send(&all, "").await;
    let ended = browser.ended(started).await;
    assert!(ended.text.contains("the action panicked"), "{}", ended.text);
    let reports = reports.lock().unwrap();
    for report in reports.iter() {
        assert_eq!(report.error.as_deref(), Some("the action panicked"));
    }
    assert_eq!(reports.len(), 2);
}

#[tokio::test]
async fn more_events_than_can_be_counted_are_not_dropped_instead_of_some() {
    let store = Limited::failing().await;
    dead(&*store.inner, 0..3, "refused").await;
    append(&*store.inner, 3..5).await;
    let (browser, _) = audited(store.clone());
    let confirm = "?view=confirm&action=drop&scope=all&state=dead";
    let form = browser.get(confirm).await;
    assert!(form.text.contains("Drop 3 events?"), "{}", form.text);
    let form = form.form_of("action", "drop");
    settle(&*store.inner, Settled::Dead, "refused").await;
    store.look.store(3, Ordering::SeqCst);
    let answer = browser.send(&form, "").await;
    assert_eq!(answer.status, StatusCode::CONFLICT, "{}", answer.text);
    assert_eq!(count(&*store.inner, State::Dead).await, 5);
}
