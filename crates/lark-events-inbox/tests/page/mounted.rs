//! The page works at every path, and behind a proxy that strips a prefix.

use std::convert::Infallible;

use axum::Router;
use axum::body::Body;
use http::{Method, Request, StatusCode, Uri};
use tower::ServiceExt as _;

use crate::browser::Browser;
use crate::limited::Limited;
use crate::stored::{dead, each_kind, in_memory, open_to_all};

/// A proxy that strips a prefix from the paths of an app.
fn stripping(prefix: &'static str, app: Router) -> Router {
    Router::new().fallback_service(tower::service_fn(move |mut request: Request<Body>| {
        let app = app.clone();
        async move {
            let asked = request.uri().path_and_query().unwrap().as_str();
            let Some(left) = asked.strip_prefix(prefix) else {
                let mut answer = http::Response::new(Body::empty());
                *answer.status_mut() = StatusCode::NOT_FOUND;
                return Ok::<_, Infallible>(answer);
            };
            let slash = if left.starts_with('/') { "" } else { "/" };
            *request.uri_mut() = format!("{slash}{left}").parse::<Uri>().unwrap();
            app.oneshot(request).await
        }
    }))
}

/// The app, and the path under which a browser asks for the page.
async fn browsers(events: usize) -> Vec<Browser> {
    let store = in_memory().await;
    dead(&*store, 0..events, "refused").await;
    let console = || open_to_all(store.clone());
    let nested = |path: &str| Router::new().nest_service(path, console());
    vec![
        Browser::at(Router::new().fallback_service(console()), "/"),
        Browser::at(Router::new().route_service("/", console()), "/"),
        Browser::at(nested("/a/b"), "/a/b"),
        Browser::at(nested("/a/b"), "/a/b/"),
        // Not stripped.
        Browser::at(Router::new().route_service("/a/b", console()), "/a/b"),
        Browser::at(Router::new().route_service("/a/b/", console()), "/a/b/"),
        // The app does not know the prefix.
        Browser::at(stripping("/team", nested("/a/b")), "/team/a/b"),
        Browser::at(stripping("/team", nested("/a/b")), "/team/a/b/"),
        Browser::at(
            stripping("/team", Router::new().fallback_service(console())),
            "/team",
        ),
        Browser::at(
            stripping("/team", Router::new().fallback_service(console())),
            "/team/",
        ),
    ]
}

#[tokio::test]
async fn every_link_leads_to_a_page_at_every_path() {
    for browser in browsers(105).await {
        let seen = browser.crawl().await;
        for (link, answer) in &seen {
            assert_eq!(answer.status, StatusCode::OK, "{link}: {}", answer.text);
            for action in answer.attributes("action") {
                assert_eq!(action, "?");
            }
        }
        for part in [
            "asset=style",
            "asset=script",
            "view=confirm",
            "view=edit",
            "view=export",
            "after=",
            "lane=lane-7",
        ] {
            assert!(seen.keys().any(|link| link.contains(part)), "{part}");
        }
    }
}

#[tokio::test]
async fn every_link_leads_to_a_page_with_every_store() {
    for kept in each_kind().await {
        dead(&*kept.store, 0..3, "refused <b>&amp;\u{1f44d}").await;
        for (link, answer) in kept.browser().crawl().await {
            let name = kept.name;
            assert_eq!(
                answer.status,
                StatusCode::OK,
                "{name} {link}: {}",
                answer.text
            );
        }
    }
}

#[tokio::test]
async fn forms_work_at_every_path() {
    for (at, browser) in browsers(300).await.into_iter().enumerate() {
        let list = browser.get("?view=events&state=dead").await;
        let mut form = list.form_with_boxes();
        form.fields.extend(form.boxes[..2].to_vec());
        let confirm = browser.send(&form, "retry").await;
        assert!(confirm.text.contains("Retry 2 events?"), "{}", confirm.text);
        let started = browser.send(&confirm.form_of("action", "retry"), "").await;
        let ended = browser.ended(started).await;
        assert!(
            ended.text.contains("Retried 2 events."),
            "{at}: {}",
            ended.text
        );
    }
}

#[tokio::test]
async fn a_page_has_its_own_policy_and_nothing_inline() {
    let browser = browsers(150).await.remove(0);
    for (link, answer) in browser.crawl().await {
        let policy = answer.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self'"));
        assert_eq!(answer.headers["cache-control"], "no-store");
        assert_eq!(answer.headers["referrer-policy"], "same-origin");
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
        for inline in ["<style", " style=", " onclick", "javascript:"] {
            assert!(!answer.text.contains(inline), "{link} {inline}");
        }
    }
    let failure = browser.get("?view=nothing").await;
    assert!(failure.headers.contains_key("content-security-policy"));
}

#[tokio::test]
async fn other_methods_are_named() {
    let browser = browsers(1).await.remove(0);
    let answer = browser.once(Method::PUT, "", String::new()).await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(answer.headers["allow"], "GET, HEAD, POST");
}

#[tokio::test]
async fn the_head_of_an_answer_has_no_length_and_costs_no_export() {
    let store = Limited::failing().await;
    dead(&*store.inner, 0..3, "refused").await;
    let browser = Browser::alone(open_to_all(store.clone()));
    for link in ["", "?view=event&seq=1", "?view=export"] {
        if link == "?view=export" {
            store.fails_after(0);
        }
        let answer = browser.once(Method::HEAD, link, String::new()).await;
        assert_eq!((answer.status, &*answer.text), (StatusCode::OK, ""));
        assert!(!answer.headers.contains_key("content-length"), "{link}");
    }
}
