//! Actions through the page change the events that were confirmed, each once.

use lark_events_inbox::State;
use lark_events_test_servers::Tab;

use crate::page::{assert_calm, load, open, status, wait_for_text};
use crate::site::open_page;
use crate::stored::{InAFile, count, dead, in_memory};

#[tokio::test]
async fn all_that_match_are_retried_and_no_other() {
    let Some(tab) = open("a retry of many events").await else {
        return;
    };
    let file = InAFile::new().await;
    let store = &*file.store;
    dead(store, 0..700, "connection refused").await;
    dead(store, 700..750, "timed out").await;
    dead(store, 750..1250, "connection refused").await;
    load(&tab, &open_page(file.store.clone()).await).await;
    tab.follow("nav a[href='?view=events&state=dead']").await;
    tab.fill("input[name='error']", "refused").await;
    tab.follow("form.filter button").await;
    tab.follow("form[aria-label^='All'] button[value='retry']")
        .await;
    wait_for_text(&tab, "h1", "Retry 1,200 events?").await;
    // A later one is left alone.
    dead(store, 1250..1251, "connection refused").await;
    tab.click("button.primary").await;
    wait_for_text(&tab, "#ended", "Retried 1,200 events").await;
    assert_eq!(count(store, State::Ready).await, 1_200);
    assert_eq!(count(store, State::Dead).await, 51);
    // The filter is kept.
    tab.follow("main > p:last-child a").await;
    let error = tab.eval("document.querySelector('input[name=error]').value");
    assert_eq!(error.await, "refused");
    let rows = tab.eval("document.querySelectorAll('tbody tr').length");
    assert_eq!(rows.await, 1);
    assert_calm(&tab).await;
}

/// Waits for the answer to a form.
async fn answered(tab: &Tab) -> u64 {
    tab.wait_until("location.search !== '?view=event&seq=1' && document.readyState === 'complete'")
        .await;
    status(tab).await
}

#[tokio::test]
async fn one_of_two_tabs_wins() {
    let what = "two tabs";
    let Some(one) = open(what).await else {
        return;
    };
    let other = open(what).await.unwrap();
    let store = in_memory().await;
    dead(&*store, 0..1, "refused").await;
    let url = open_page(store.clone()).await;
    let event = format!("{url}?view=event&seq=1");
    for tab in [&one, &other] {
        load(tab, &event).await;
    }
    one.click("button[value='retry']").await;
    assert_eq!(answered(&one).await, 200);
    let redirects = one.eval("performance.getEntriesByType('navigation')[0].redirectCount");
    assert_eq!(redirects.await, 1);
    wait_for_text(&one, "#ended", "Retried 1 event").await;
    other.click("button[value='drop']").await;
    assert_eq!(answered(&other).await, 409);
    wait_for_text(&other, "main [role='alert']", "meanwhile").await;
    assert_eq!(count(&*store, State::Ready).await, 1);
    assert_calm(&one).await;
    assert_calm(&other).await;
}
