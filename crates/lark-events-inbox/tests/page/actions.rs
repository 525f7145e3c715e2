//! Actions change the events that were confirmed, each once.

use std::sync::{Arc, Mutex};

use http::StatusCode;
use lark_events_inbox::console::{Access, Action, Audited, Console};
use lark_events_inbox::{Admin, Settled, State};

use crate::browser::Browser;
use crate::stored::{InAFile, append, count, dead, in_memory, open_to_all, settle};

/// A console, and what it reports.
fn audited(store: Arc<dyn Admin>) -> (Browser, Arc<Mutex<Vec<Audited>>>) {
    let reports = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&reports);
    let console = Console::builder(store, |_| Access::All).audit(
        |request| Some(request.headers.get("host")?.to_str().ok()?.to_owned()),
        move |audited| sink.lock().unwrap().push(audited.clone()),
    );
    (Browser::alone(console.build()), reports)
}

#[tokio::test]
async fn all_that_match_are_retried_and_no_other() {
    let file = InAFile::new().await;
    let store = &file.store;
    dead(&**store, 0..700, "connection refused").await;
    dead(&**store, 700..750, "timed out").await;
    dead(&**store, 750..1250, "connection refused").await;
    let (browser, reports) = audited(store.clone());
    let list = browser.get("?view=events&state=dead&error=refused").await;
    let confirm = browser.send(&list.form_of("scope", "all"), "retry").await;
    assert!(
        confirm.text.contains("Retry 1,200 events?"),
        "{}",
        confirm.text
    );
    // A later one is left alone.
    dead(&**store, 1250..1251, "connection refused").await;
    let started = browser.send(&confirm.form_of("action", "retry"), "").await;
    let ended = browser.ended(started).await;
    assert!(
        ended.text.contains("Retried 1,200 events."),
        "{}",
        ended.text
    );
    assert_eq!(ended.status, StatusCode::OK);
    assert_eq!(count(&**store, State::Ready).await, 1_200);
    assert_eq!(count(&**store, State::Dead).await, 51);
    // The filter is kept.
    let back = "?view=events&state=dead&error=refused".to_owned();
    assert!(ended.attributes("href").contains(&back));
    let reports = reports.lock().unwrap();
    let [report] = &reports[..] else {
        panic!("{reports:?}");
    };
    assert_eq!(report.who.as_deref(), Some("app.example"));
    assert_eq!((report.action, report.events), (Action::Retry, 1_200));
    assert_eq!(report.filter.error.as_deref(), Some("refused"));
    assert_eq!(report.error, None);
}

#[tokio::test]
async fn one_of_two_tabs_wins() {
    let store = in_memory().await;
    dead(&*store, 0..1, "refused").await;
    let browser = Browser::alone(open_to_all(store.clone()));
    let first = browser.get("?view=event&seq=1").await.form_with("retry");
    let second = browser.get("?view=event&seq=1").await.form_with("drop");
    let won = browser.send(&first, "retry").await;
    assert!(won.text.contains("Retried 1 event."), "{}", won.text);
    let lost = browser.send(&second, "retry").await;
    assert_eq!(lost.status, StatusCode::CONFLICT);
    // Also if the event is as it was in the meantime.
    settle(&*store, Settled::Dead, "refused").await;
    assert_eq!(
        browser.send(&second, "retry").await.status,
        StatusCode::CONFLICT
    );
    assert_eq!(
        browser.send(&second, "drop").await.status,
        StatusCode::CONFLICT
    );
    let again = browser.get("?view=event&seq=1").await.form_with("retry");
    assert_eq!(browser.send(&again, "retry").await.status, StatusCode::OK);
}

#[tokio::test]
async fn one_of_two_tabs_wins_all_that_match() {
    let store = in_memory().await;
    dead(&*store, 0..300, "refused").await;
    let browser = Browser::alone(open_to_all(store.clone()));
    let confirm = "?view=confirm&action=retry&scope=all&state=dead";
    let first = browser.get(confirm).await.form_of("action", "retry");
    let second = browser.get(confirm).await.form_of("action", "retry");
    let (first, second) = tokio::join!(browser.send(&first, ""), browser.send(&second, ""));
    let mut statuses = [first.status, second.status];
    statuses.sort();
    assert_eq!(statuses, [StatusCode::OK, StatusCode::CONFLICT]);
    let won = if first.status.is_success() {
        first
    } else {
        second
    };
    let won = browser.ended(won).await;
    assert!(won.text.contains("Retried 300 events."), "{}", won.text);
}

#[tokio::test]
async fn processes_with_one_store_change_an_event_once() {
    let store = in_memory().await;
    dead(&*store, 0..1, "refused").await;
    let (one, other) = (
        Browser::alone(open_to_all(store.clone())),
        Browser::alone(open_to_all(store.clone())),
    );
    let first = one.get("?view=event&seq=1").await.form_with("retry");
    let second = other.get("?view=event&seq=1").await.form_with("retry");
    assert_eq!(one.send(&first, "retry").await.status, StatusCode::OK);
    assert_eq!(
        other.send(&second, "retry").await.status,
        StatusCode::CONFLICT
    );
}

#[tokio::test]
async fn selected_events_are_dropped() {
    let store = in_memory().await;
    dead(&*store, 0..5, "refused").await;
    let browser = Browser::alone(open_to_all(store.clone()));
    let list = browser.get("?view=events&state=dead").await;
    let mut form = list.form_with("drop");
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
        ("id-1", false),
        ("id-2", false),
        ("id-3", true),
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
