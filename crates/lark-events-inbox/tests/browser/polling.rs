//! The script keeps a page up to date, and leaves the focus where it is.

use std::sync::Arc;

use lark_events_inbox::Settled;
use lark_events_test_servers::Tab;
use serde_json::json;

use crate::gate::Gate;
use crate::page::{assert_calm, load, open, wait_for_text};
use crate::site::open_page;
use crate::stored::{InAFile, append, dead, settle};

async fn offline(tab: &Tab, is_offline: bool) {
    let blocked: &[&str] = if is_offline { &["*"] } else { &[] };
    for (command, parameters) in [
        ("Network.enable", json!({})),
        ("Network.setBlockedURLs", json!({ "urls": blocked })),
    ] {
        tab.devtools(command, parameters).await.unwrap();
    }
}

#[tokio::test]
async fn the_numbers_of_the_overview_change_and_the_focus_stays() {
    let Some(tab) = open("polling").await else {
        return;
    };
    let file = InAFile::new().await;
    let store = &*file.store;
    dead(store, 0..2, "refused").await;
    dead(store, 2..3, "timed out").await;
    load(&tab, &open_page(file.store.clone()).await).await;
    tab.eval("window.isLoadedOnce = true").await;
    tab.tab_to("#dead a[href*='timed']").await;
    // The group with the focus becomes the first, behind which a new one comes.
    dead(store, 3..8, "timed out").await;
    dead(store, 8..11, "too large").await;
    append(store, 11..15).await;
    wait_for_text(&tab, "#queue", "11").await;
    wait_for_text(&tab, "#dead tbody tr:first-child", "6").await;
    assert!(
        tab.is_focused("#dead tr:first-child a[href*='timed']")
            .await
    );
    // Then the app is gone for a while.
    offline(&tab, true).await;
    wait_for_text(&tab, "#connection", "No answer").await;
    assert!(
        tab.is_focused("#dead tr:first-child a[href*='timed']")
            .await
    );
    offline(&tab, false).await;
    tab.wait_until("document.querySelector('#connection').textContent === ''")
        .await;
    assert_eq!(tab.eval("window.isLoadedOnce").await, true);
    assert_calm(&tab).await;
}

#[tokio::test]
async fn a_group_that_is_gone_leaves_the_focus_in_the_page() {
    let Some(tab) = open("polling").await else {
        return;
    };
    let file = InAFile::new().await;
    let store = &*file.store;
    dead(store, 0..1, "refused").await;
    load(&tab, &open_page(file.store.clone()).await).await;
    tab.tab_to("#dead a[href*='refused']").await;
    let all = lark_events_inbox::Filter::default();
    lark_events_inbox::Admin::retry(store, &all, 1)
        .await
        .unwrap();
    settle(store, Settled::Done, "").await;
    wait_for_text(&tab, "#dead", "None").await;
    assert!(tab.is_focused("main").await);
    assert_calm(&tab).await;
}

#[tokio::test]
async fn an_action_shows_how_it_goes_until_it_has_ended() {
    let Some(tab) = open("the progress of an action").await else {
        return;
    };
    let file = InAFile::new().await;
    dead(&*file.store, 0..500, "refused").await;
    let gate = Arc::new(Gate::closed(file.store.clone()));
    let url = open_page(gate.clone()).await;
    let confirm = "?view=confirm&action=retry&scope=all&state=dead";
    load(&tab, &format!("{url}{confirm}")).await;
    tab.click("main button").await;
    wait_for_text(&tab, "#progress", "0 of 500 events").await;
    tab.eval("window.isLoadedOnce = true").await;
    tab.tab_to("main > p:last-child a").await;
    for (place, expected) in [
        ("#progress", "200 of 500"),
        ("#progress", "400 of 500"),
        ("#ended", "Retried 500 events"),
    ] {
        gate.let_through(1);
        wait_for_text(&tab, place, expected).await;
        assert!(tab.is_focused("main > p:last-child a").await);
    }
    // Nothing more is asked for.
    assert_eq!(tab.eval("document.body.dataset.poll").await, "");
    assert_eq!(tab.eval("window.isLoadedOnce").await, true);
    assert_calm(&tab).await;
}
