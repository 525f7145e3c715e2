//! Without JavaScript, a page does the same.

use std::sync::Arc;

use lark_events_inbox::State;
use lark_events_test_servers::Tab;
use serde_json::json;

use crate::gate::Gate;
use crate::page::{load, open, status, wait_for_text};
use crate::site::open_page;
use crate::stored::{InAFile, count, dead};

/// Looks again until the progress is as expected.
async fn look_until(tab: &Tab, expected: &str) {
    for _ in 0..1_000 {
        let progress = tab.text("main").await;
        if progress.contains(expected) {
            return;
        }
        tab.follow("#progress a").await;
    }
    panic!("expected {expected}");
}

#[tokio::test]
async fn without_a_script_all_that_match_are_retried() {
    let Some(tab) = open("a browser without JavaScript").await else {
        return;
    };
    let off = json!({ "value": true });
    let command = "Emulation.setScriptExecutionDisabled";
    tab.devtools(command, off).await.unwrap();
    let file = InAFile::new().await;
    dead(&*file.store, 0..300, "refused").await;
    dead(&*file.store, 300..310, "timed out").await;
    let gate = Arc::new(Gate::closed(file.store.clone()));
    load(&tab, &open_page(gate.clone()).await).await;
    tab.follow("nav a[href='?view=events&state=dead']").await;
    tab.fill("input[name='error']", "refused").await;
    tab.follow("form.filter button").await;
    tab.click("form[aria-label^='All'] button[value='retry']")
        .await;
    wait_for_text(&tab, "h1", "Retry 300 events?").await;
    tab.click("button.primary").await;
    wait_for_text(&tab, "#progress", "0 of 300").await;
    gate.let_through(1);
    look_until(&tab, "200 of 300").await;
    gate.let_through(1);
    look_until(&tab, "Retried 300 events").await;
    assert_eq!(status(&tab).await, 200);
    assert_eq!(count(&*file.store, State::Dead).await, 10);
}
