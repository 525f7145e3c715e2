//! Who may do what.

use http::{HeaderMap, HeaderValue, Method, StatusCode};
use lark_events_inbox::State;
use lark_events_inbox::console::{Access, Console};

use crate::browser::{Answer, Browser};
use crate::limited::Limited;
use crate::stored::{append, count, dead, each_kind, in_memory, open_to_all};

/// All that a browser receives.
fn received(answer: &Answer) -> (StatusCode, &str, String) {
    (answer.status, &answer.text, format!("{:?}", answer.headers))
}

#[tokio::test]
async fn a_denied_request_learns_nothing() {
    let denied = |store| Browser::alone(Console::builder(store, |_| Access::Deny).build());
    let broken = Limited::failing().await;
    broken.fails_after(0);
    let mut first = None;
    for kept in each_kind().await {
        let empty = denied(kept.store.clone());
        let before = empty.get("").await;
        dead(&*kept.store, 0..3, "refused").await;
        let full = denied(kept.store.clone());
        let first = first.get_or_insert(before);
        assert_eq!(first.status, StatusCode::FORBIDDEN);
        for browser in [&empty, &full, &denied(broken.clone())] {
            for link in [
                "",
                "?view=events",
                "?view=lanes",
                "?view=event&seq=1",
                "?view=event&seq=99",
                "?view=search&id=id-1",
                "?view=action&id=1",
                "?view=export",
                "?view=export&seq=1",
                "?view=confirm&action=retry&scope=all",
                "?view=nothing",
                "?%",
                "?asset=style",
                "?asset=script",
            ] {
                for method in [Method::GET, Method::POST, Method::PUT, Method::OPTIONS] {
                    let form = "action=retry&seq=1&state=dead".to_owned();
                    let answer = browser.once(method, link, form).await;
                    assert_eq!(received(&answer), received(first), "{link}");
                }
                let mut answer = browser.once(Method::HEAD, link, String::new()).await;
                assert_eq!(answer.text, "");
                answer.text.clone_from(&first.text);
                assert_eq!(received(&answer).0, received(first).0, "{link}");
            }
        }
        assert_eq!(count(&*kept.store, State::Dead).await, 3);
    }
}

#[tokio::test]
async fn a_reader_has_no_buttons_and_changes_nothing() {
    for kept in each_kind().await {
        dead(&*kept.store, 0..3, "refused").await;
        append(&*kept.store, 3..5).await;
        let console = Console::builder(kept.store.clone(), |_| Access::ReadOnly);
        let browser = Browser::alone(console.build());
        for (link, answer) in browser.crawl().await {
            assert_eq!(answer.status, StatusCode::OK, "{link}");
            for change in [
                "method=\"post\"",
                "value=\"retry\"",
                "value=\"drop\"",
                "value=\"replay\"",
                "value=\"edit\"",
                "view=edit",
                "checkbox",
            ] {
                let is_script = link == "?asset=script" || link == "?asset=style";
                assert!(
                    is_script || !answer.text.contains(change),
                    "{link} {change}"
                );
            }
        }
        for link in [
            "?view=confirm&action=retry&seq=1",
            "?view=confirm&action=retry&scope=all&state=dead",
            "?view=edit&seq=1",
        ] {
            assert_eq!(browser.get(link).await.status, StatusCode::FORBIDDEN);
        }
        for action in ["retry", "drop", "replay", "edit", "nothing"] {
            let form = [("action", action), ("seq", "1"), ("body", "{}")];
            assert_eq!(browser.post(&form).await.status, StatusCode::FORBIDDEN);
        }
        assert_eq!(count(&*kept.store, State::Dead).await, 3);
        assert_eq!(count(&*kept.store, State::Ready).await, 2);
    }
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
        headers(&[]),
        headers(&[
            ("host", "app.example"),
            ("origin", "https://app.example"),
            ("origin", "https://other.example"),
        ]),
        headers(&[
            ("host", "app.example"),
            ("host", "other.example"),
            ("origin", "https://other.example"),
        ]),
        headers(&[
            ("host", "app.example"),
            ("sec-fetch-site", "same-origin"),
            ("sec-fetch-site", "cross-site"),
        ]),
        headers(&[
            ("host", "app.example"),
            ("sec-fetch-site", "cross-site"),
            ("origin", "https://app.example"),
        ]),
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
