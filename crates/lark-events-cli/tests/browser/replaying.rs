//! Replays, to an app that handles each event once.

use lark_events_test_servers::View;

use crate::app::App;
use crate::console::Console;
use crate::page::{assert_calm, open, press_button, wait_for_rows, wait_for_text};
use crate::{EVENT, MESSAGE};

#[tokio::test]
async fn a_replay_is_a_duplicate_with_the_same_ids_and_another_event_with_new_ones() {
    let (app, handled) = App::deduplicating();
    let mut console = Console::start(&["--webhook", &app.url]);
    console.serving.next("webhook-set");
    console.types(&format!("push {MESSAGE}"));
    console.delivered();
    let page = console.at("/deliveries/1");
    let Some(tab) = open("replays by form", &page, View::WIDE).await else {
        return;
    };
    let first = handled.recv().unwrap().header.event_id;
    for (button, number, times) in [
        ("Replay with the same ids", 2, 0),
        ("Replay with new ids", 3, 1),
    ] {
        tab.goto(&page).await.unwrap();
        press_button(&tab, button).await;
        wait_for_text(&tab, "main", &format!("Replayed as #{number}")).await;
        let link = format!("main a[href='/deliveries/{number}']");
        tab.click(&link).await;
        wait_for_text(&tab, "h1", &format!("Delivery #{number}")).await;
        wait_for_text(&tab, "#facts", "acknowledged").await;
        wait_for_text(&tab, "#facts", "Replay of#1").await;
        console.delivered();
        let again: Vec<_> = handled.try_iter().collect();
        assert_eq!(again.len(), times, "{button}");
        assert!(again.iter().all(|event| event.header.event_id != first));
    }
    console.types(&format!("push {EVENT}\nresend 4 same"));
    tab.goto(&console.at("/")).await.unwrap();
    wait_for_rows(&tab, 5).await;
    for (row, of) in [(2, 1), (3, 1), (5, 4)] {
        wait_for_text(&tab, &format!("#d{row}"), &format!("replay of #{of}")).await;
    }
    let row = tab.text("#d1").await;
    assert!(!row.contains("replay"), "{row}");
    let rows = console.json("/api/deliveries");
    let ids = |at: usize| &rows["deliveries"][at]["event_id"];
    // Newest first.
    assert_eq!((ids(3), ids(0)), (ids(4), ids(1)));
    assert_ne!(ids(2), ids(4));
    assert_calm(&tab).await;
}
