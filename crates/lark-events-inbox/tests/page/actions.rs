//! Actions change the events that were confirmed, each once.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::StatusCode;
use lark_events_inbox::console::{Access, Action, Audited, Console};
use lark_events_inbox::{Admin, Settled, State};

use crate::browser::Browser;
use crate::limited::Limited;
use crate::stored::{InAFile, append, count, dead, each_kind, in_memory, open_to_all, settle};

/// A console, and what it reports.
fn audited(store: Arc<dyn Admin>) -> (Browser, Arc<Mutex<Vec<Audited>>>) {
    let (console, reports) = reporting(store);
    (Browser::alone(console), reports)
}

fn reporting(store: Arc<dyn Admin>) -> (Console, Arc<Mutex<Vec<Audited>>>) {
    let reports = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&reports);
    let console = Console::builder(store, |_| Access::All).audit(
        |request| Some(request.headers.get("host")?.to_str().ok()?.to_owned()),
        move |audited| sink.lock().unwrap().push(audited.clone()),
    );
    (console.build(), reports)
}

/// Retries the dead letters with one of two errors.
async fn retry_all(store: Arc<dyn Admin>, [first, others, more]: [usize; 3], words: &str) {
    dead(&*store, 0..first, "connection refused").await;
    dead(&*store, first..first + others, "timed out").await;
    let total = first + others + more;
    dead(&*store, first + others..total, "connection refused").await;
    let (browser, reports) = audited(store.clone());
    let list = browser.get("?view=events&state=dead&error=refused").await;
    let confirm = browser.send(&list.form_of("scope", "all"), "retry").await;
    let question = format!("Retry {words}?");
    assert!(confirm.text.contains(&question), "{}", confirm.text);
    // A later one is left alone.
    dead(&*store, total..total + 1, "connection refused").await;
    let started = browser.send(&confirm.form_of("action", "retry"), "").await;
    let ended = browser.ended(started).await;
    let done = format!("Retried {words}.");
    assert!(ended.text.contains(&done), "{}", ended.text);
    assert_eq!(ended.status, StatusCode::OK);
    assert_eq!(count(&*store, State::Ready).await, first + more);
    assert_eq!(count(&*store, State::Dead).await, others + 1);
    // The filter is kept.
    let back = "?view=events&state=dead&error=refused".to_owned();
    assert!(ended.attributes("href").contains(&back));
    let reports = reports.lock().unwrap();
    let [report] = &reports[..] else {
        panic!("{reports:?}");
    };
    assert_eq!(report.who.as_deref(), Some("app.example"));
    let retried = u64::try_from(first + more).unwrap();
    assert_eq!((report.action, report.events), (Action::Retry, retried));
    assert_eq!(report.filter.error.as_deref(), Some("refused"));
    assert_eq!(report.error, None);
}

#[tokio::test]
async fn all_that_match_are_retried_and_no_other() {
    let file = InAFile::new().await;
    retry_all(file.store.clone(), [700, 300, 500], "1,200 events").await;
    // It keeps fewer dead letters.
    let store = in_memory().await;
    retry_all(store, [500, 200, 300], "800 events").await;
}

#[tokio::test]
async fn events_that_wait_are_tried_now() {
    for kept in each_kind().await {
        let store = &*kept.store;
        append(store, 0..4).await;
        settle(store, Settled::RetryIn(Duration::from_secs(3_600)), "busy").await;
        let browser = kept.browser();
        let form = browser.get("?view=event&seq=1").await.form_with("retry");
        let one = browser.send(&form, "retry").await;
        assert!(one.text.contains("Retried 1 event."), "{}", one.text);
        let list = browser.get("?view=events&state=waiting").await;
        let confirm = browser.send(&list.form_of("scope", "all"), "retry").await;
        assert!(confirm.text.contains("is tried now"), "{}", confirm.text);
        let started = browser.send(&confirm.form_of("action", "retry"), "").await;
        let ended = browser.ended(started).await;
        assert!(ended.text.contains("Retried 3 events."), "{}", ended.text);
        assert_eq!(count(store, State::Ready).await, 4, "{}", kept.name);
    }
}

#[tokio::test]
async fn selected_events_are_dropped() {
    let store = in_memory().await;
    dead(&*store, 0..5, "refused").await;
    let browser = Browser::alone(open_to_all(store.clone()));
    let list = browser.get("?view=events&state=dead").await;
    let mut form = list.form_with_boxes();
    assert_eq!(form.boxes.len(), 5);
    let nothing = browser.send(&form, "drop").await;
    assert_eq!(nothing.status, StatusCode::BAD_REQUEST, "{}", nothing.text);
    form.fields.extend(form.boxes[1..3].to_vec());
    let confirm = browser.send(&form, "drop").await;
    assert!(confirm.text.contains("Drop 2 events?"), "{}", confirm.text);
    let started = browser.send(&confirm.form_of("action", "drop"), "").await;
    let ended = browser.ended(started).await;
    assert!(ended.text.contains("Dropped 2 events."), "{}", ended.text);
    let left = browser.get("?view=events&state=dead").await;
    for (id, is_left) in [
        ("id-0", true),
        ("id-1", true),
        ("id-2", false),
        ("id-3", false),
        ("id-4", true),
    ] {
        assert_eq!(left.text.contains(id), is_left, "{id}");
    }
}

#[tokio::test]
async fn finished_events_are_replayed_once() {
    let file = InAFile::new().await;
    append(&*file.store, 0..450).await;
    settle(&*file.store, Settled::Done, "").await;
    let browser = Browser::alone(open_to_all(file.store.clone()));
    let list = browser.get("?view=events&state=done").await;
    let confirm = browser.send(&list.form_of("scope", "all"), "replay").await;
    let started = browser.send(&confirm.form_of("action", "replay"), "").await;
    let ended = browser.ended(started).await;
    assert!(
        ended.text.contains("Put back into the queue 450 events."),
        "{}",
        ended.text
    );
    assert_eq!(count(&*file.store, State::Ready).await, 450);
}

#[tokio::test]
async fn an_edited_replay_is_a_new_event() {
    let store = in_memory().await;
    dead(&*store, 0..1, "refused").await;
    let (browser, reports) = audited(store.clone());
    let edit = browser.get("?view=edit&seq=1").await;
    assert!(edit.text.contains("secret-0"), "{}", edit.text);
    let mut form = edit.form_of("action", "edit");
    let mut wrong = form.clone();
    wrong.fields.push(("body".to_owned(), "{\"a\":".to_owned()));
    let answer = browser.send(&wrong, "").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    form.fields
        .push(("body".to_owned(), "{\"a\":\r\n1}".to_owned()));
    let answer = browser.send(&form, "").await;
    assert!(answer.text.contains("Appended 1 event."), "{}", answer.text);
    assert_eq!(browser.send(&form, "").await.status, StatusCode::CONFLICT);
    assert_eq!(count(&*store, State::Dead).await, 1);
    let new = store.show(2).await.unwrap().unwrap();
    assert_eq!(new.delivery.raw.as_str(), "{\"a\":\r\n1}");
    let id = new.delivery.header.event_id.unwrap();
    assert!(id.starts_with("id-0-edited-"), "{id}");
    assert_eq!(new.listed.lane.as_deref(), Some("lane-0"));
    let reports = reports.lock().unwrap();
    let reports: Vec<_> = reports
        .iter()
        .map(|report| (report.action, report.events))
        .collect();
    assert_eq!(reports, [(Action::Edit, 1)]);
}

#[tokio::test]
async fn an_edited_replay_goes_on_when_its_browser_has_gone() {
    let store = Limited::failing().await;
    dead(&*store.inner, 0..1, "refused").await;
    let (browser, reports) = audited(store.clone());
    let edit = browser.get("?view=edit&seq=1").await;
    let mut form = edit.form_of("action", "edit");
    form.fields.push(("body".to_owned(), "{}".to_owned()));
    let mut sent = Box::pin(browser.send(&form, ""));
    // Polled once, then dropped.
    tokio::select! {
        biased;
        _ = &mut sent => panic!("the store answers later"),
        () = std::future::ready(()) => {}
    }
    drop(sent);
    for _ in 0..1_000 {
        if !reports.lock().unwrap().is_empty() {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert!(store.inner.show(2).await.unwrap().is_some());
    let reports = reports.lock().unwrap();
    let reports: Vec<_> = reports
        .iter()
        .map(|report| (report.events, report.error.as_deref()))
        .collect();
    assert_eq!(reports, [(1, None)]);
}

// On a paused clock, the action goes on only while the test waits.
#[tokio::test(start_paused = true)]
async fn an_action_that_is_dropped_is_reported() {
    let store = in_memory().await;
    dead(&*store, 0..1_000, "refused").await;
    let (browser, reports) = audited(store);
    let confirm = "?view=confirm&action=retry&scope=all&state=dead";
    let form = browser.get(confirm).await.form_of("action", "retry");
    let started = browser.send(&form, "").await;
    assert!(started.text.contains("In progress"), "{}", started.text);
    drop(browser);
    while reports.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    let report = reports.lock().unwrap()[0].clone();
    assert_eq!(report.error.as_deref(), Some("the process stopped"));
    assert!(report.events < 1_000);
}

#[tokio::test(start_paused = true)]
async fn a_console_that_stops_knows_what_its_actions_have_changed() {
    let store = in_memory().await;
    dead(&*store, 0..1_000, "refused").await;
    let (console, reports) = reporting(store.clone());
    let browser = Browser::alone(console.clone());
    let confirm = "?view=confirm&action=retry&scope=all&state=dead";
    let form = browser.get(confirm).await.form_of("action", "retry");
    let started = browser.send(&form, "").await;
    console.stop().await;
    let report = reports.lock().unwrap()[0].clone();
    assert_eq!(report.error.as_deref(), Some("the process stopped"));
    assert!(report.events < 1_000);
    let ready = count(&*store, State::Ready).await;
    assert_eq!(report.events, u64::try_from(ready).unwrap());
    // Its pages are still there, and no other action begins.
    let ended = browser.get(&started.url).await;
    assert!(ended.text.contains("the process stopped"), "{}", ended.text);
    let form = browser.get(confirm).await.form_of("action", "retry");
    let refused = browser.send(&form, "").await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(reports.lock().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_console_stops_while_it_looks_for_events_and_finds_none() {
    let store = Limited::failing().await;
    dead(&*store.inner, 0..1, "refused").await;
    let (console, reports) = reporting(store.clone());
    let browser = Browser::alone(console.clone());
    let confirm = "?view=confirm&action=retry&scope=all&state=dead";
    let form = browser.get(confirm).await.form_of("action", "retry");
    store.look.store(0, Ordering::SeqCst);
    let started = browser.send(&form, "").await;
    assert!(started.text.contains("In progress"), "{}", started.text);
    let stopped = tokio::time::timeout(Duration::from_secs(60), console.stop());
    stopped.await.unwrap();
    let reports = reports.lock().unwrap();
    assert_eq!(reports[0].error.as_deref(), Some("the process stopped"));
}
