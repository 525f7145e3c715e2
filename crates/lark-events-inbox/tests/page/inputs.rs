//! Requests that no page makes.

use http::StatusCode;
use lark_events_inbox::State;

use crate::browser::{Answer, Browser};
use crate::stored::{count, dead, each_kind};

const HTML: &str = "\"'><script>alert(1)</script>";

fn check(answer: &Answer, request: &str) {
    let status = answer.status;
    assert!(
        !status.is_server_error() || status == StatusCode::NOT_IMPLEMENTED,
        "{request}: {status} {}",
        answer.text
    );
    let is_html = answer.headers["content-type"] == "text/html; charset=utf-8";
    assert!(
        !is_html || !answer.text.contains("<script>alert"),
        "{request}"
    );
}

#[tokio::test]
async fn no_query_is_an_error_of_the_server() {
    let values = [
        "",
        "0",
        "-1",
        "1.5",
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551615",
        "18446744073709551616",
        "%",
        "%4",
        "%zz",
        "%ff",
        "%00",
        "%ed%a0%80",
        "a%00b",
        "%22%27%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E",
        "dead",
        "retry",
        "all",
        "%F0%9F%91%8D",
    ];
    for kept in each_kind().await {
        dead(&*kept.store, 0..2, "refused").await;
        let browser = kept.browser();
        for view in [
            "", "events", "event", "lanes", "search", "export", "action", "confirm", "edit", "x",
        ] {
            for name in [
                "seq", "after", "state", "type", "lane", "error", "error_is", "id", "action",
                "scope", "upto", "order", "asset", "view", "filter", "%",
            ] {
                for value in values {
                    let link = format!("?view={view}&{name}={value}&action=retry&scope=all");
                    check(&browser.get(&link).await, &link);
                }
            }
        }
        assert_eq!(count(&*kept.store, State::Dead).await, 2);
    }
}

#[tokio::test]
async fn no_form_is_an_error_of_the_server() {
    let long = "x".repeat(8 * 1024 * 1024);
    let many = "seq=1&".repeat(1_000_000);
    let empty = "&".repeat(1_000_000);
    for kept in each_kind().await {
        dead(&*kept.store, 0..2, "refused").await;
        let browser = kept.browser();
        for form in [
            "",
            "%",
            "action=retry",
            "action=retry&seq=0",
            "action=retry&seq=99&state=dead",
            "action=retry&seq=18446744073709551615",
            "action=retry&seq=18446744073709551616",
            "action=retry&scope=all&upto=18446744073709551615&state=done",
            "action=retry&scope=all&seq=1",
            "action=retry&scope=all&state=leased",
            "action=replay&scope=all&state=done&upto=9223372036854775808",
            "action=drop&scope=all&state=done",
            "action=edit&seq=1",
            "action=edit&seq=1&body=%00",
            "action=edit&seq=1&body={",
            "action=edit&seq=99&body={}",
            "action=nothing&action=retry&seq=1",
            "action=retry&scope=all&error=%00",
            "action=retry&scope=all&error=%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E",
            "action=retry&scope=all&revision=0-99999999999999999999&lane=none",
            &format!("action=retry&scope=all&lane={}", &long[..8 * 1024 + 1]),
            &format!("action=edit&seq=1&body=\"{}", &long[..5_000_000]),
            &format!("action=edit&seq=1&body={}", "[".repeat(1_000_000)),
            &long,
            &many[..6 * 1024 * 1024 / 6],
            &empty,
        ] {
            let shown = &form[..form.len().min(100)];
            check(
                &browser.once(http::Method::POST, "?", form.to_owned()).await,
                shown,
            );
        }
        let too_long = format!("action=edit&seq=1&body={long}");
        let answer = browser.once(http::Method::POST, "?", too_long).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(count(&*kept.store, State::Dead).await, 2, "{}", kept.name);
    }
}

#[tokio::test]
async fn all_that_match_are_of_one_state_and_of_known_numbers() {
    for kept in each_kind().await {
        dead(&*kept.store, 0..2, "refused").await;
        let browser = kept.browser();
        for filter in ["", "&state=dead,waiting", "&filter=state%3Ddead%2Cwaiting"] {
            let link = format!("?view=confirm&action=retry&scope=all{filter}");
            assert_eq!(browser.get(&link).await.status, StatusCode::BAD_REQUEST);
        }
        for form in ["upto=2", "state=dead", "upto=2&state=dead,waiting"] {
            let form = format!("action=retry&scope=all&{form}");
            let answer = browser.once(http::Method::POST, "?", form).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        }
        assert_eq!(count(&*kept.store, State::Dead).await, 2);
    }
}

#[tokio::test]
async fn text_of_events_is_no_html() {
    for kept in each_kind().await {
        dead(&*kept.store, 0..1, HTML).await;
        for (link, answer) in kept.browser().crawl().await {
            check(&answer, &link);
        }
        let found = kept.browser().get("?view=event&seq=1").await;
        assert!(found.text.contains("&lt;script&gt;alert"), "{}", found.text);
    }
}

#[tokio::test]
async fn an_event_that_is_selected_twice_is_changed_once() {
    for kept in each_kind().await {
        dead(&*kept.store, 0..2, "refused").await;
        let browser: Browser = kept.browser();
        let form = [
            ("action", "retry"),
            ("seq", "1"),
            ("seq", "1"),
            ("state", "dead"),
        ];
        let answer = browser.post(&form).await;
        assert!(answer.text.contains("Retried 1 event."), "{}", answer.text);
    }
}
