//! Who may do what.

use http::{HeaderMap, HeaderValue, StatusCode};
use lark_events_inbox::State;
use lark_events_inbox::console::{Access, Console};

use crate::browser::Browser;
use crate::stored::{count, dead, in_memory, open_to_all};

#[tokio::test]
async fn a_denied_request_learns_nothing() {
    let store = in_memory().await;
    dead(&*store, 0..3, "refused").await;
    let browser = Browser::alone(Console::builder(store.clone(), |_| Access::Deny).build());
    for link in [
        "",
        "?view=events",
        "?view=event&seq=1",
        "?view=event&seq=99",
        "?view=search&id=id-1",
        "?view=action&id=1",
        "?view=nothing",
        "?%",
        "?asset=style",
    ] {
        let answer = browser.get(link).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{link}");
        assert_eq!(answer.text, "no access\n", "{link}");
    }
    let answer = browser.post(&[("action", "retry"), ("seq", "1")]).await;
    assert_eq!(
        (answer.status, &*answer.text),
        (StatusCode::FORBIDDEN, "no access\n")
    );
    assert_eq!(count(&*store, State::Dead).await, 3);
}

#[tokio::test]
async fn a_reader_has_no_buttons_and_changes_nothing() {
    let store = in_memory().await;
    dead(&*store, 0..3, "refused").await;
    let browser = Browser::alone(Console::builder(store.clone(), |_| Access::ReadOnly).build());
    for link in ["", "?view=events&state=dead", "?view=event&seq=1"] {
        let answer = browser.get(link).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert!(!answer.text.contains("method=\"post\""), "{}", answer.text);
        for button in ["retry", "drop", "replay", "edit"] {
            assert!(
                !answer.text.contains(&format!("value=\"{button}\"")),
                "{link}"
            );
        }
        assert!(!answer.text.contains("checkbox") && !answer.text.contains("view=edit"));
    }
    for link in ["?view=confirm&action=retry&seq=1", "?view=edit&seq=1"] {
        assert_eq!(browser.get(link).await.status, StatusCode::FORBIDDEN);
    }
    let answer = browser.post(&[("action", "retry"), ("seq", "1")]).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(count(&*store, State::Dead).await, 3);
}

#[tokio::test]
async fn the_app_decides_for_each_request() {
    let console = Console::builder(in_memory().await, |request| {
        match request.headers.get("x-role").map(HeaderValue::as_bytes) {
            Some(b"operator") => Access::All,
            _ => Access::Deny,
        }
    });
    let mut browser = Browser::alone(console.build());
    assert_eq!(browser.get("").await.status, StatusCode::FORBIDDEN);
    browser
        .headers
        .insert("x-role", HeaderValue::from_static("operator"));
    assert_eq!(browser.get("").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_form_of_another_site_is_rejected() {
    let store = in_memory().await;
    dead(&*store, 0..1, "refused").await;
    let mut browser = Browser::alone(open_to_all(store.clone()));
    let headers = |pairs: &[(&'static str, &'static str)]| -> HeaderMap {
        let pairs = pairs
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)));
        pairs.collect()
    };
    let form = [("action", "retry"), ("seq", "1"), ("state", "dead")];
    for foreign in [
        headers(&[("host", "app.example"), ("sec-fetch-site", "cross-site")]),
        headers(&[("host", "app.example"), ("sec-fetch-site", "same-site")]),
        headers(&[("host", "app.example"), ("origin", "https://other.example")]),
        headers(&[("host", "app.example"), ("origin", "null")]),
        headers(&[("host", "app.example")]),
    ] {
        browser.headers = foreign;
        let answer = browser.post(&form).await;
        assert_eq!(
            answer.status,
            StatusCode::FORBIDDEN,
            "{:?}",
            browser.headers
        );
        assert_eq!(count(&*store, State::Dead).await, 1);
    }
    browser.headers = headers(&[("host", "app.example"), ("origin", "https://app.example")]);
    let answer = browser.post(&form).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert_eq!(count(&*store, State::Dead).await, 0);
}

#[tokio::test]
async fn only_a_form_changes_events() {
    let store = in_memory().await;
    dead(&*store, 0..1, "refused").await;
    let mut browser = Browser::alone(open_to_all(store.clone()));
    for content_type in ["text/plain", "multipart/form-data", "application/json"] {
        browser
            .headers
            .insert("content-type", HeaderValue::from_static(content_type));
        let answer = browser.post(&[("action", "retry"), ("seq", "1")]).await;
        assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    assert_eq!(count(&*store, State::Dead).await, 1);
}
