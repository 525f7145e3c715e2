//! Forms: their edits survive a look at the result, a result is that of the last request, and it is announced.

use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use lark_events_test_servers::{Tab, View};
use serde_json::Value;

use crate::MESSAGE;
use crate::app::App;
use crate::console::Console;
use crate::page::{assert_calm, open, press_button, wait_for_text};

const DOCUMENT: &str = "document.querySelector('textarea[name=document]').value";
const ID: &str = "document.querySelector('input[name=event_id]').value";

/// Waits until the composer has the edits.
async fn wait_for_edits(tab: &Tab) {
    let edits = format!("{DOCUMENT}.includes('oc_edited_') && {ID} === 'by-form'");
    tab.wait_until(&format!(
        "location.pathname === '/compose' && document.readyState === 'complete' && {edits}"
    ))
    .await;
}

#[tokio::test]
async fn edits_of_the_composer_survive_a_look_at_the_result_and_a_reload() {
    let app = App::answering(|_: &Value| StatusCode::OK.into_response());
    let mut console = Console::start(&["--no-key", "--webhook", &app.url]);
    console.serving.next("webhook-set");
    let compose = console.at(&format!("/compose?type={MESSAGE}"));
    let Some(tab) = open("edits of a form", &compose, View::WIDE).await else {
        return;
    };
    tab.eval(&format!(
        "{DOCUMENT} = {DOCUMENT}.replaceAll('oc_', 'oc_edited_')"
    ))
    .await;
    tab.fill("input[name='event_id']", "by-form").await;
    press_button(&tab, "Push").await;
    wait_for_text(&tab, "[data-done]", "Pushed as #1").await;
    tab.click("[data-done] a").await;
    wait_for_text(&tab, "h1", "Delivery #1").await;
    tab.back().await.unwrap();
    wait_for_edits(&tab).await;
    tab.refresh().await.unwrap();
    wait_for_edits(&tab).await;
    press_button(&tab, "Undo all edits").await;
    tab.refresh().await.unwrap();
    let is_undone = format!("{ID} === '' && !{DOCUMENT}.includes('oc_edited_')");
    tab.wait_until(&is_undone).await;
    assert_calm(&tab).await;
}

#[tokio::test]
async fn a_result_is_that_of_the_last_request_and_its_place_is_never_hidden() {
    let console = Console::start(&["--redeliver", "never"]);
    let compose = console.at(&format!("/compose?type={MESSAGE}"));
    let Some(tab) = open("the results of a form", &compose, View::WIDE).await else {
        return;
    };
    // A region that appears together with its text is not announced.
    let hidden = "[...document.querySelectorAll('[role=status], [role=alert]')].filter((it) => \
        getComputedStyle(it).display === 'none' || getComputedStyle(it).visibility !== 'visible').length";
    assert_eq!(tab.eval(hidden).await, 0);
    // An empty one takes no place.
    let height = "document.getElementById('connection').offsetHeight \
        + document.getElementById('wrong').offsetHeight + document.querySelector('[data-error]').offsetHeight";
    assert_eq!(tab.eval(height).await, 0);
    press_button(&tab, "Push").await;
    wait_for_text(&tab, "[data-done]", "Pushed as #1").await;
    tab.fill("input[name='type']", "nope").await;
    press_button(&tab, "Push").await;
    wait_for_text(&tab, "[data-error]", "nope").await;
    assert_eq!(tab.text("[data-done]").await, "");
    tab.fill("input[name='type']", MESSAGE).await;
    press_button(&tab, "Push").await;
    wait_for_text(&tab, "[data-done]", "Pushed as #2").await;
    assert_eq!(tab.text("[data-error]").await, "");

    // Nor is one left where a form has no place of its own.
    tab.goto(&console.at("/faults")).await.unwrap();
    press_button(&tab, "Inject").await;
    wait_for_text(&tab, "[data-done]", "Injected").await;
    press_button(&tab, "Remove all").await;
    wait_for_text(&tab, "#said", "Removed").await;
    assert_eq!(tab.text("#wrong").await, "");
    assert_calm(&tab).await;
}

#[tokio::test]
async fn a_button_counts_in_a_browser_whose_form_data_has_no_submitter() {
    let console = Console::start(&["--redeliver", "never"]);
    console.asks(
        "POST",
        "/api/deliveries",
        &serde_json::json!({"type": MESSAGE}),
    );
    for fault in ["close@0.5", "duplicate:1ms@0.5"] {
        let body = serde_json::json!({ "fault": fault });
        let answer = console.asks("POST", "/api/faults", &body);
        assert_eq!(answer.status, 201, "{}", answer.body);
    }
    let Some(tab) = open("an older browser", &console.at("/faults"), View::WIDE).await else {
        return;
    };
    let older = "(() => { const Known = FormData; \
        window.FormData = class extends Known { constructor(form) { super(form); } }; })()";
    tab.eval(older).await;
    tab.click("button[value='close@0.5']").await;
    wait_for_text(&tab, "#said", "Removed").await;
    tab.wait_until("!document.querySelector('#faults').textContent.includes('close@0.5')")
        .await;
    assert!(tab.text("#faults").await.contains("duplicate:1ms@0.5"));
    tab.goto(&console.at("/deliveries/1")).await.unwrap();
    tab.eval(older).await;
    press_button(&tab, "Replay with the same ids").await;
    wait_for_text(&tab, "main [data-done]", "Replayed as #2").await;
    let rows = console.json("/api/deliveries");
    let id = |at: usize| &rows["deliveries"][at]["event_id"];
    assert_eq!(id(0), id(1));
    assert_calm(&tab).await;
}
