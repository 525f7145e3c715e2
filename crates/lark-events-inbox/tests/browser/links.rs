//! Every link of every page leads to a page, wherever the app mounts it, and no page violates its policy.

use std::collections::{BTreeMap, BTreeSet};

use axum::Router;
use lark_events_test_servers::Tab;
use serde_json::{Value, json};

use crate::busy::busy;
use crate::page::{load, open, status, wait_for_text};
use crate::site::{serve, strip};
use crate::stored::{dead, open_to_all};

/// What a page is like, with its links and the pages to which its forms lead that only read.
const PAGE: &str = "(() => {
    const links = [...document.querySelectorAll('a[href]')].map((it) => it.href);
    for (const form of document.querySelectorAll('form[method=get]')) {
        for (const button of form.querySelectorAll('button')) {
            const fields = new URLSearchParams(new FormData(form));
            if (button.name) fields.set(button.name, button.value);
            // One selected event; something to search for.
            const box = form.querySelector('input[type=checkbox]');
            if (box) fields.set(box.name, box.value);
            if (form.querySelector('[required]')) fields.set('id', '1');
            links.push(new URL('?' + fields, location.href).href);
        }
    }
    return {
        status: performance.getEntriesByType('navigation')[0].responseStatus,
        isStyled: getComputedStyle(document.querySelector('.skip')).position === 'absolute',
        html: document.documentElement.outerHTML,
        links: links.map((it) => it.split('#')[0]),
    };
})()";

/// The view, what is done, and the names of the filters: two pages of a kind have the same links.
fn kind(url: &str) -> String {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let is_confirm = query.contains("view=confirm");
    let pairs = query.split('&').filter(|pair| !pair.ends_with('='));
    let kinds = pairs.filter_map(|pair| match pair.split_once('=')? {
        ("view" | "action", _) => Some(pair),
        ("seq" | "scope", _) => pair.split('=').next(),
        // A question is the same for each filter.
        _ if is_confirm => None,
        ("state", _) => Some(pair),
        (name, _) => Some(name),
    });
    kinds.collect::<Vec<_>>().join("&")
}

/// Visits all pages that can be reached from one, one of each kind. Returns the HTML of each,
/// and the content of each file.
pub(crate) async fn visit_all(tab: &Tab, url: &str) -> BTreeMap<String, String> {
    let mut pages = BTreeMap::new();
    let mut kinds = BTreeSet::new();
    let mut left = vec![url.to_owned()];
    while let Some(url) = left.pop() {
        if !kinds.insert(kind(&url)) {
            continue;
        }
        if url.contains("view=export") {
            let answer = format!("fetch({url:?}).then(async (it) => [it.status, await it.text()])");
            let answer = tab.eval(&answer).await;
            assert_eq!(answer[0], 200, "{url}");
            let text = answer[1].as_str().unwrap().to_owned();
            pages.insert(url, text);
            continue;
        }
        tab.goto(&url).await.unwrap();
        let page = tab.eval(PAGE).await;
        assert_eq!(
            (&page["status"], &page["isStyled"]),
            (&json!(200), &json!(true)),
            "{url}"
        );
        let links = page["links"].as_array().unwrap().iter();
        left.extend(links.filter_map(Value::as_str).map(str::to_owned));
        pages.insert(url, page["html"].as_str().unwrap().to_owned());
    }
    pages
}

#[tokio::test]
async fn every_link_leads_to_a_page_wherever_it_is_mounted() {
    let Some(tab) = open("the links of the page").await else {
        return;
    };
    let file = busy().await;
    let console = open_to_all(file.store.clone());
    let router = Router::new()
        .route_service("/", console.clone())
        .nest_service("/a/b", console);
    let app = serve(router).await;
    let proxy = strip("/tools/inbox", app).await;
    for (at, url) in [
        format!("http://{app}/"),
        format!("http://{app}/a/b"),
        format!("http://{app}/a/b/"),
        format!("http://{proxy}/tools/inbox"),
        format!("http://{proxy}/tools/inbox/"),
    ]
    .iter()
    .enumerate()
    {
        let is_last = at == 4;
        if is_last {
            // A second page of the list.
            dead(&*file.store, 0..120, "refused").await;
        }
        let pages = visit_all(&tab, url).await;
        for part in [
            if is_last { "&after=" } else { "view=events" },
            "view=confirm",
            "view=edit",
            "view=lanes",
            "view=export",
        ] {
            assert!(pages.keys().any(|it| it.contains(part)), "{part} {pages:?}");
        }
        assert!(pages.keys().all(|it| it.starts_with(url.as_str())));
        // A form, with the redirect after it.
        load(&tab, &format!("{url}?view=event&seq={}", at + 1)).await;
        tab.click("button[value='retry']").await;
        wait_for_text(&tab, "#ended", "Retried 1 event").await;
        assert_eq!(status(&tab).await, 200);
    }
    let console = tab.console().await;
    assert!(console.is_empty(), "{console:?}");
}
