//! The page works at every path, and behind a proxy that strips a prefix.

use std::collections::BTreeSet;

use axum::Router;
use http::{Method, StatusCode};

use crate::browser::Browser;
use crate::stored::{dead, in_memory, open_to_all};

/// The app, and the path under which a browser asks for the page.
async fn browsers() -> Vec<Browser> {
    let store = in_memory().await;
    dead(&*store, 0..150, "refused").await;
    let console = || open_to_all(store.clone());
    vec![
        Browser::at(Router::new().fallback_service(console()), "/"),
        Browser::at(Router::new().route_service("/", console()), "/"),
        Browser::at(Router::new().nest_service("/a/b", console()), "/a/b"),
        Browser::at(Router::new().nest_service("/a/b", console()), "/a/b/"),
        // Not stripped.
        Browser::at(Router::new().route_service("/a/b", console()), "/a/b"),
        Browser::at(Router::new().route_service("/a/b/", console()), "/a/b/"),
    ]
}

#[tokio::test]
async fn every_link_leads_to_a_page_at_every_path() {
    for browser in browsers().await {
        let mut seen = BTreeSet::new();
        let mut left = vec![String::new(), "?view=search&id=id-7".to_owned()];
        while let Some(link) = left.pop() {
            if !seen.insert(link.clone()) || seen.len() > 60 {
                continue;
            }
            let answer = browser.get(&link).await;
            assert_eq!(answer.status, StatusCode::OK, "{link}: {}", answer.text);
            left.extend(answer.attributes("src"));
            let links = answer.attributes("href").into_iter();
            left.extend(links.filter(|link| !link.starts_with('#')));
            for action in answer.attributes("action") {
                assert_eq!(action, "?");
            }
        }
        assert!(seen.contains("?asset=style") && seen.contains("?asset=script"));
        assert!(seen.iter().any(|link| link.contains("after=")), "{seen:?}");
    }
}

#[tokio::test]
async fn forms_work_at_every_path() {
    for browser in browsers().await {
        let list = browser.get("?view=events&state=dead").await;
        let confirm = browser.send(&list.form_of("scope", "all"), "retry").await;
        assert!(
            confirm.text.contains("Retry 150 events?"),
            "{}",
            confirm.text
        );
        // Another console of these has the same store: the first one retries all.
        let drop = browser.send(&list.form_of("scope", "all"), "drop").await;
        assert!(drop.text.contains("Drop 150 events?"), "{}", drop.text);
    }
}

#[tokio::test]
async fn a_page_has_its_own_policy_and_nothing_inline() {
    let browser = browsers().await.remove(0);
    for link in [
        "",
        "?view=events&state=dead",
        "?view=event&seq=1",
        "?view=nothing",
    ] {
        let answer = browser.get(link).await;
        let policy = answer.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self'"));
        assert_eq!(answer.headers["cache-control"], "no-store");
        assert_eq!(answer.headers["referrer-policy"], "same-origin");
        for inline in ["<style", " style=", " onclick", "javascript:"] {
            assert!(!answer.text.contains(inline), "{link} {inline}");
        }
    }
}

#[tokio::test]
async fn other_methods_are_named() {
    let browser = browsers().await.remove(0);
    let answer = browser.once(Method::PUT, "", String::new()).await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(answer.headers["allow"], "GET, HEAD, POST");
    let answer = browser.once(Method::HEAD, "", String::new()).await;
    assert_eq!((answer.status, &*answer.text), (StatusCode::OK, ""));
}
