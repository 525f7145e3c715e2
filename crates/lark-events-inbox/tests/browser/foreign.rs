//! A form of another site changes nothing, with whatever a browser says about its site.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use lark_events_inbox::State;
use lark_events_inbox::console::{Access, Console};
use lark_events_test_servers::Tab;

use crate::page::{load, open, status, wait_for_text};
use crate::site::serve;
use crate::stored::{InAFile, count, dead};

/// Another site, with a form for the event 1.
async fn other_site(action: &str) -> SocketAddr {
    let html = format!(
        "<!DOCTYPE html><title>A prize</title><form method='post' action='{action}?'>\
        <input type='hidden' name='action' value='retry'><input type='hidden' name='seq' value='1'>\
        <button>Win</button></form><iframe src='{action}?view=event&amp;seq=1'></iframe>"
    );
    serve(Router::new().route("/", get(async || Html(html)))).await
}

async fn sends_the_form(tab: &Tab, url: &str) -> u64 {
    load(tab, url).await;
    tab.click("button").await;
    wait_for_text(tab, "h1", "Forbidden").await;
    status(tab).await
}

#[tokio::test]
async fn a_form_of_another_site_changes_nothing() {
    let Some(tab) = open("a form of another site").await else {
        return;
    };
    let file = InAFile::new().await;
    dead(&*file.store, 0..1, "refused").await;
    let sites = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&sites);
    let console = Console::builder(file.store.clone(), move |request| {
        if request.method == http::Method::POST {
            let site = request.headers.get("sec-fetch-site");
            let site = site.map(|site| site.to_str().unwrap().to_owned());
            sink.lock().unwrap().push(site);
        }
        Access::All
    });
    let app = serve(Router::new().fallback_service(console.build())).await;
    let port = app.port();
    // A browser names the site of a request only to secure origins, which loopback addresses are.
    for (page, site, expected) in [
        ("127.0.0.1", "127.0.0.1", Some("same-site")),
        ("127.0.0.1", "localhost", Some("cross-site")),
        ("0.0.0.0", "0.0.0.0", None),
        ("0.0.0.0", "127.0.0.1", None),
    ] {
        let other = other_site(&format!("http://{page}:{port}/")).await;
        let url = format!("http://{site}:{}/", other.port());
        assert_eq!(sends_the_form(&tab, &url).await, 403, "{page} {site}");
        let seen = sites.lock().unwrap().pop().unwrap();
        assert_eq!(seen.as_deref(), expected, "{page} {site}");
        assert_eq!(count(&*file.store, State::Dead).await, 1);
    }
    // Its own form works there, too.
    load(&tab, &format!("http://0.0.0.0:{port}/?view=event&seq=1")).await;
    tab.click("button[value='retry']").await;
    wait_for_text(&tab, "#ended", "Retried 1 event").await;
    assert_eq!(sites.lock().unwrap().pop().unwrap(), None);
    assert_eq!(count(&*file.store, State::Dead).await, 0);
}
