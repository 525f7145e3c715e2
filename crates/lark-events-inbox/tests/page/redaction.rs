//! A redacted text is nowhere.

use std::sync::Arc;

use http::StatusCode;
use lark_events::{Delivery, EventHeader, RawJson};
use lark_events_inbox::console::{Access, Console};
use lark_events_inbox::{Admin, Entry, Settled, Store};

use crate::browser::Browser;
use crate::limited::Limited;
use crate::logs::logged;
use crate::stored::{append, dead, each_kind, open_to_all, settle};

const MARK: &str = "secret-";

fn without_phone(delivery: &Delivery) -> RawJson {
    let mut body: serde_json::Value = delivery.raw.decode().unwrap();
    body["phone"] = "(hidden)".into();
    RawJson::encode(&body).unwrap()
}

/// Hides the mark and what follows.
fn without_mark(text: &str) -> String {
    match text.split_once(MARK) {
        Some((before, _)) => format!("{before}(hidden)"),
        None => text.to_owned(),
    }
}

fn redacted(store: Arc<dyn Admin>) -> Browser {
    let console = Console::builder(store, |_| Access::All)
        .redact(without_phone)
        .redact_text(without_mark)
        .audit(
            |_| None,
            |audited| assert!(!format!("{audited:?}").contains(MARK), "{audited:?}"),
        );
    Browser::alone(console.build())
}

/// Events with the mark in each text; the first two are dead letters that look the same.
async fn marked(store: &dyn Store) {
    for number in 0..4 {
        let mut header = EventHeader::new(format!("type-{MARK}{number}"));
        header.event_id = Some(format!("id-{MARK}{number}"));
        header.app_id = Some(format!("app-{MARK}{number}"));
        header.tenant_key = Some(format!("tenant-{MARK}{number}"));
        let body = format!(r#"{{"phone":"{MARK}{number}","number":1.50}}"#);
        let mut entry = Entry::new(Delivery::new(header, RawJson::parse(body).unwrap()));
        entry.lane = Some(format!("lane-{MARK}{number}"));
        entry.trace = Some(format!("trace-{MARK}{number}"));
        store.append(vec![entry]).await.unwrap();
        let settled = if number < 3 {
            Settled::Dead
        } else {
            Settled::Done
        };
        settle(store, settled, &format!("user {MARK}{number} unknown")).await;
    }
    append(store, 10..12).await;
}

#[tokio::test]
async fn a_redacted_text_is_in_no_answer() {
    for kept in each_kind().await {
        marked(&*kept.store).await;
        let browser = redacted(kept.store.clone());
        let seen = browser.crawl().await;
        for (link, answer) in &seen {
            assert_eq!(answer.status, StatusCode::OK, "{link}: {}", answer.text);
            for text in [
                &answer.text,
                link,
                &answer.url,
                &format!("{:?}", answer.headers),
            ] {
                assert!(!text.contains(MARK), "{} {link}: {text}", kept.name);
            }
        }
        assert!(seen.keys().any(|link| link.contains("view=export&seq=1")));
        let event = &seen["?view=event&seq=1"].text;
        for part in [
            "type-(hidden)",
            "id-(hidden)",
            "app-(hidden)",
            "tenant-(hidden)",
            "lane-(hidden)",
            "trace-(hidden)",
            "user (hidden)",
            "A part of the body is hidden",
        ] {
            assert!(event.contains(part), "{part}: {event}");
        }
        let event = &seen["?view=export&seq=1"].text;
        let event: serde_json::Value = serde_json::from_str(event).unwrap();
        assert_eq!(event["body"]["phone"], "(hidden)");
        assert_eq!(event["history"][0]["error"], "user (hidden)");
    }
}

#[tokio::test]
async fn groups_that_look_the_same_are_one_without_a_link() {
    for kept in each_kind().await {
        marked(&*kept.store).await;
        dead(&*kept.store, 20..22, "timed out").await;
        let overview = redacted(kept.store.clone()).get("").await.text;
        assert_eq!(overview.matches("user (hidden)").count(), 1, "{overview}");
        assert!(
            overview.contains("<td class=\"text\">user (hidden)</td><td class=\"number\">3</td>")
        );
        assert!(overview.contains(">timed out</a>"), "{overview}");
    }
}

#[tokio::test]
async fn small_groups_that_look_the_same_are_one_large() {
    for kept in each_kind().await {
        for number in 0..30 {
            let error = format!("user {MARK}{number} unknown");
            dead(&*kept.store, number..number + 1, &error).await;
        }
        dead(&*kept.store, 30..55, "timed out").await;
        let overview = redacted(kept.store.clone()).get("").await.text;
        let (hidden, known) = (overview.find("user (hidden)"), overview.find("timed out"));
        assert!(hidden < known, "{overview}");
        assert!(
            overview.contains("<td class=\"number\">30</td>"),
            "{overview}"
        );
    }
}

#[tokio::test]
async fn a_hidden_text_cannot_be_guessed_by_a_filter() {
    for kept in each_kind().await {
        marked(&*kept.store).await;
        let browser = redacted(kept.store.clone());
        for guess in [
            "lane=lane-secret-0",
            "type=type-secret-0",
            "id=id-secret-0",
            "error=secret-0",
            "error=unknown",
            "error_is=user%20secret-0%20unknown",
            "filter=lane%3Dlane-secret-0",
            "filter=error%3Dsecret-0",
        ] {
            for view in ["events", "export", "confirm&action=retry&scope=all"] {
                let right = browser
                    .get(&format!("?view={view}&state=dead&{guess}"))
                    .await;
                let wrong = guess.replace("-0", "-9");
                let wrong = browser
                    .get(&format!("?view={view}&state=dead&{wrong}"))
                    .await;
                assert_eq!(right.status, StatusCode::BAD_REQUEST, "{view} {guess}");
                assert_eq!(right.text, wrong.text);
                assert!(!right.text.contains(MARK), "{}", right.text);
            }
        }
        let found = browser.get("?view=search&id=id-secret-0").await;
        assert_eq!(found.status, StatusCode::BAD_REQUEST);
        let form = [
            ("action", "retry"),
            ("scope", "all"),
            ("state", "dead"),
            ("lane", "lane-secret-0"),
        ];
        let answer = browser.post(&form).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert!(!answer.text.contains(MARK));
        let list = browser.get("?view=events&state=dead").await;
        assert!(!list.text.contains("name=\"error\""), "{}", list.text);
    }
}

#[tokio::test]
async fn an_event_with_hidden_texts_is_changed_by_its_number() {
    for kept in each_kind().await {
        marked(&*kept.store).await;
        let browser = redacted(kept.store.clone());
        let form = browser.get("?view=event&seq=1").await.form_with("retry");
        let answer = browser.send(&form, "retry").await;
        assert!(answer.text.contains("Retried 1 event."), "{}", answer.text);
        let late = browser.send(&form, "retry").await;
        assert_eq!(late.status, StatusCode::CONFLICT);
        assert!(!late.text.contains(MARK), "{}", late.text);
    }
}

#[tokio::test]
async fn a_redacted_body_cannot_be_edited() {
    for kept in each_kind().await {
        dead(&*kept.store, 0..1, "refused").await;
        let browser = redacted(kept.store.clone());
        let event = browser.get("?view=event&seq=1").await;
        assert!(!event.text.contains("view=edit"));
        let edit = browser.get("?view=edit&seq=1").await;
        assert_eq!(edit.status, StatusCode::CONFLICT);
        let append = [("action", "edit"), ("seq", "1"), ("body", "{}")];
        assert_eq!(browser.post(&append).await.status, StatusCode::CONFLICT);
    }
}

#[tokio::test]
async fn an_edited_event_keeps_what_is_hidden_to_itself() {
    for kept in each_kind().await {
        marked(&*kept.store).await;
        let console = Console::builder(kept.store.clone(), |_| Access::All)
            .redact_text(without_mark)
            .build();
        let browser = Browser::alone(console);
        let mut form = browser
            .get("?view=edit&seq=1")
            .await
            .form_of("action", "edit");
        form.fields.push(("body".to_owned(), "{}".to_owned()));
        let answer = browser.send(&form, "").await;
        assert!(answer.text.contains("Appended 1 event."), "{}", answer.text);
        assert!(!answer.text.contains(MARK), "{}", answer.text);
    }
}

#[tokio::test]
async fn the_log_has_the_cause_of_an_error_without_what_is_hidden() {
    let store = Limited::failing().await;
    dead(&*store.inner, 0..1, "refused").await;
    let open = Browser::alone(open_to_all(store.clone()));
    let hidden = redacted(store.clone());
    for (browser, is_hidden) in [(open, false), (hidden, true)] {
        let (log, _guard) = logged();
        store.fails_after(usize::MAX);
        let form = browser.get("?view=event&seq=1").await.form_with("retry");
        store.fails_after(0);
        browser.get("").await;
        browser.send(&form, "retry").await;
        let log = log.text();
        assert_eq!(log.matches("no event ").count(), 2, "{log}");
        assert_eq!(
            log.matches(MARK).count(),
            if is_hidden { 0 } else { 2 },
            "{log}"
        );
    }
}
