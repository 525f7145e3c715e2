//! A page during a reload, an interruption, and a restart of the server: no row is lost, and none comes twice.

use lark_events_test_servers::{Tab, View};

use crate::console::Console;
use crate::page::{assert_calm, open, press_button, rows, wait_for_rows, wait_for_text};
use crate::port::Port;
use crate::proxy::Proxy;
use crate::{EVENT, MESSAGE};

const NO_APP: [&str; 2] = ["--redeliver", "never"];

/// Waits until the banner is shown, or no longer.
async fn wait_for_banner(tab: &Tab, is_shown: bool) {
    let shown = "(document.getElementById('connection').textContent !== '')";
    tab.wait_until(&format!("{shown} === {is_shown}")).await;
}

/// Pushes, and waits until all is delivered.
fn push(console: &mut Console, times: usize) {
    for _ in 0..times {
        console.types(&format!("push {EVENT}"));
    }
    console.delivered();
}

/// The page has the rows that the API lists, in its order.
async fn assert_same(tab: &Tab, console: &Console, expected: u64) {
    wait_for_rows(tab, usize::try_from(expected).unwrap()).await;
    let numbers: Vec<_> = (1..=expected).rev().collect();
    assert_eq!(console.numbers(), numbers);
    assert_eq!(rows(tab).await, numbers);
}

#[tokio::test]
async fn a_page_of_a_delivery_does_not_become_that_of_another_run() {
    let port = Port::reserve();
    let address = port.address.to_string();
    let mut console = Console::start_at(&address, &NO_APP);
    push(&mut console, 1);
    let page = console.at("/deliveries/1");
    let Some(tab) = open("a page during a restart", &page, View::WIDE).await else {
        return;
    };
    press_button(&tab, "Replay with new ids").await;
    wait_for_text(&tab, "[data-done]", "Replayed as #2").await;
    let known = "document.querySelector('#attempts').innerHTML + document.title + \
        document.querySelector('[aria-labelledby=document-title]').innerHTML";
    let before = tab.eval(known).await;
    drop(console);
    wait_for_banner(&tab, true).await;
    let mut console = Console::start_at(&address, &NO_APP);
    console.types(&format!("push {MESSAGE}"));
    console.delivered();
    wait_for_text(&tab, "#facts", "has started again").await;
    assert_eq!(tab.eval(known).await, before);
    assert_eq!(
        tab.eval("document.querySelectorAll('main form').length")
            .await,
        0
    );
    console.types("fault close@0.5");
    wait_for_text(&tab, "#status", "close@0.5").await;
    assert_eq!(tab.eval(known).await, before);
    tab.click("#facts a").await;
    wait_for_rows(&tab, 1).await;
    wait_for_text(&tab, "#d1", MESSAGE).await;
    assert_calm(&tab).await;
}

#[tokio::test]
async fn no_row_is_lost_or_twice_when_a_connection_is_cut_or_the_server_restarts() {
    let port = Port::reserve();
    let address = port.address.to_string();
    let mut console = Console::start_at(&address, &NO_APP);
    let proxy = Proxy::to(&console.address);
    push(&mut console, 3);
    let url = format!("http://{}/", proxy.address);
    let Some(tab) = open("a page during an outage", &url, View::WIDE).await else {
        return;
    };
    assert_same(&tab, &console, 3).await;
    push(&mut console, 2);
    assert_same(&tab, &console, 5).await;
    tab.refresh().await.unwrap();
    assert_same(&tab, &console, 5).await;
    wait_for_banner(&tab, false).await;

    for round in 0..2 {
        proxy.cut();
        push(&mut console, 3);
        wait_for_banner(&tab, true).await;
        push(&mut console, 2);
        let before = 5 + 8 * round;
        assert_eq!(rows(&tab).await.len(), before, "the last known rows stay");
        proxy.restore();
        push(&mut console, 3);
        wait_for_banner(&tab, false).await;
        assert_same(&tab, &console, before as u64 + 8).await;
    }

    // Another run on the same port has other deliveries, with the same numbers.
    drop(console);
    wait_for_banner(&tab, true).await;
    assert_eq!(rows(&tab).await.len(), 21);
    let mut console = Console::start_at(&address, &NO_APP);
    push(&mut console, 4);
    wait_for_banner(&tab, false).await;
    assert_same(&tab, &console, 4).await;
    push(&mut console, 2);
    assert_same(&tab, &console, 6).await;
    let shown = "[...document.querySelectorAll('#deliveries code')].map((it) => it.textContent)";
    let shown = tab.eval(shown).await;
    let listed = console.json("/api/deliveries");
    let listed = listed["deliveries"].as_array().unwrap().iter();
    let listed: Vec<_> = listed.map(|row| row["event_id"].clone()).collect();
    assert_eq!(shown, serde_json::Value::from(listed));
    assert_calm(&tab).await;
}
