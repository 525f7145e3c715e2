//! Many pushes: the page, the answers of the API and the memory of the process are bounded.

use std::fs;

use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use lark_events_test_servers::View;
use serde_json::Value;

use crate::EVENT;
use crate::app::App;
use crate::console::Console;
use crate::page::{assert_calm, open, rows, wait_for_text};

/// The most rows of a list.
const MAX_ROWS: usize = 200;
/// Fewer than the descriptors that a process may have: each push has a connection.
const AT_ONCE: usize = 100;

fn push(console: &mut Console, times: usize) {
    let pushes = format!("push {EVENT}\n").repeat(AT_ONCE);
    for _ in 0..times / AT_ONCE {
        console.types(&pushes);
        // Without an answer: the pushes of all rounds wait in the pipe.
        console.types("wait delivered");
    }
    console.delivered();
}

/// The resident memory of a process in pages.
fn pages(process: u32) -> u64 {
    let statm = fs::read_to_string(format!("/proc/{process}/statm")).unwrap();
    statm.split(' ').nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn ten_thousand_pushes_are_bounded_in_the_page_and_in_memory() {
    let app = App::answering(|_: &Value| StatusCode::OK.into_response());
    let mut console = Console::start(&["--no-key", "--webhook", &app.url]);
    console.serving.next("webhook-set");
    let url = console.at("/");
    let Some(tab) = open("ten thousand pushes", &url, View::WIDE).await else {
        return;
    };
    let process = console.serving.child.id();
    push(&mut console, 2_000);
    wait_for_text(&tab, "#counts", "200 of 1,000 shown").await;
    let before = pages(process);
    push(&mut console, 8_000);
    let after = pages(process);
    assert!(after <= 3 * before, "{before} pages, then {after}");

    let counts = "200 of 1,000 shown; 800 on other pages; 9,000 older ones are no longer kept";
    wait_for_text(&tab, "#counts", counts).await;
    let newest: Vec<_> = (9_801..=10_000).rev().collect();
    assert_eq!(rows(&tab).await, newest);
    assert_eq!(newest.len(), MAX_ROWS);
    assert_eq!(console.numbers(), newest);
    let elements = tab.eval("document.querySelectorAll('*').length").await;
    assert!(
        elements.as_u64().unwrap() < 100 * MAX_ROWS as u64,
        "{elements}"
    );

    tab.goto(&console.at("/?faults=on")).await.unwrap();
    let counts =
        "0 of 1,000 shown; 1,000 hidden by the filter; 9,000 older ones are no longer kept";
    wait_for_text(&tab, "#counts", counts).await;
    console.types(&format!("fault duplicate:1ms\npush {EVENT}"));
    wait_for_text(
        &tab,
        "#counts",
        "1 of 1,000 shown; 999 hidden by the filter",
    )
    .await;
    assert_eq!(rows(&tab).await, [10_001]);

    // Older ones are on further pages, and what is not kept is named.
    tab.goto(&url).await.unwrap();
    tab.follow("#paging a[rel='next']").await;
    let older: Vec<_> = (9_602..=9_801).rev().collect();
    assert_eq!(rows(&tab).await, older);
    tab.goto(&console.at("/deliveries/1")).await.unwrap();
    let alert = "main [role='alert']";
    wait_for_text(
        &tab,
        alert,
        "no delivery 1: expected a number of those kept, from",
    )
    .await;
    wait_for_text(&tab, alert, "to 10001").await;
    assert_calm(&tab).await;
}
