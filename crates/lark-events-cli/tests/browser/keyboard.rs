//! The whole flow by keyboard alone. The focus is visible, and never lost.

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use lark_events_test_servers::fantoccini::key::Key;
use lark_events_test_servers::{Tab, View};
use serde_json::Value;

use crate::app::App;
use crate::console::Console;
use crate::page::{assert_calm, open, quoted, wait_for_rows, wait_for_text};
use crate::serving::LIMIT;
use crate::{EVENT, MESSAGE};

async fn press(tab: &Tab, key: Key) {
    tab.press([key]).await;
}

async fn write(tab: &Tab, text: &str) {
    tab.press(text.chars()).await;
}

async fn wait_for_path(tab: &Tab, path: &str) {
    let path = quoted(path);
    tab.wait_until(&format!(
        "location.pathname === {path} && document.readyState === 'complete'"
    ))
    .await;
}

#[tokio::test]
async fn the_whole_flow_needs_no_mouse() {
    let (app, handled) = App::deduplicating();
    let mut console = Console::start(&["--webhook", &app.url]);
    console.serving.next("webhook-set");
    let Some(tab) = open("the keyboard alone", &console.at("/"), View::WIDE).await else {
        return;
    };
    // The skip link is the first stop, and leads past the navigation.
    press(&tab, Key::Tab).await;
    assert!(tab.is_focused("a.skip").await);
    press(&tab, Key::Enter).await;
    assert!(tab.is_focused("main").await);
    tab.tab_to("main input[name='type']").await;

    // Find, edit and push.
    tab.goto(&console.at("/")).await.unwrap();
    tab.tab_to("nav a[href='/compose']").await;
    press(&tab, Key::Enter).await;
    wait_for_path(&tab, "/compose").await;
    tab.tab_to("input[name='search']").await;
    write(&tab, "receive message").await;
    press(&tab, Key::Enter).await;
    tab.wait_until("location.search.includes('search=')").await;
    wait_for_path(&tab, "/compose").await;
    tab.tab_to(&format!(".types a[href*='type={MESSAGE}&']"))
        .await;
    press(&tab, Key::Enter).await;
    tab.wait_until("document.querySelector('textarea[name=\"set\"]') !== null")
        .await;
    tab.tab_to("textarea[name='set']").await;
    write(&tab, "message.message_id=om_by_keys").await;
    tab.tab_to("button.primary").await;
    press(&tab, Key::Space).await;
    wait_for_text(&tab, "main", "Pushed as #1").await;
    assert!(tab.is_focused("button.primary").await);
    let event = handled.recv_timeout(LIMIT).unwrap();
    assert!(event.raw().as_str().contains("om_by_keys"));

    // Open it and replay it.
    tab.tab_to("[data-done] a").await;
    press(&tab, Key::Enter).await;
    wait_for_path(&tab, "/deliveries/1").await;
    wait_for_text(&tab, "#facts", "acknowledged").await;
    tab.tab_to("button[value='new']").await;
    press(&tab, Key::Enter).await;
    wait_for_text(&tab, "main", "Replayed as #2").await;
    assert!(tab.is_focused("button[value='new']").await);
    handled.recv_timeout(LIMIT).unwrap();

    // Unfold a command and copy it.
    tab.tab_to("#commands summary").await;
    press(&tab, Key::Enter).await;
    tab.tab_to("#commands button[data-copy='copy-push']").await;
    press(&tab, Key::Space).await;
    tab.wait_until("document.getElementById('copied-push').textContent !== ''")
        .await;
    assert!(tab.is_focused("button[data-copy='copy-push']").await);

    // A fault by the arrow keys, and without it again.
    tab.tab_to("nav a[href='/faults'], #status a[href='/faults']")
        .await;
    press(&tab, Key::Enter).await;
    wait_for_path(&tab, "/faults").await;
    tab.tab_to("select[name='fault']").await;
    press(&tab, Key::Down).await;
    let fault = tab.eval("document.activeElement.value").await;
    let fault = fault.as_str().unwrap().to_owned();
    tab.tab_to("input[name='probability']").await;
    write(&tab, "0.5").await;
    press(&tab, Key::Enter).await;
    wait_for_text(&tab, "#faults", &fault).await;
    console.types("faults");
    let faults = console.serving.next("faults")["faults"].clone();
    assert_eq!(faults.as_array().unwrap().len(), 1);
    tab.tab_to("#faults button[name='fault']").await;
    press(&tab, Key::Enter).await;
    wait_for_text(&tab, "#faults", "None").await;
    assert_eq!(
        tab.eval("document.activeElement === document.body").await,
        false
    );
    console.types("faults");
    assert_eq!(
        console.serving.next("faults")["faults"],
        serde_json::json!([])
    );
    assert_calm(&tab).await;
}

#[tokio::test]
async fn the_focus_stays_when_the_stream_replaces_what_has_it() {
    // The app answers when the test lets it.
    let (answers, gate) = channel();
    let gate = Arc::new(Mutex::new(gate));
    let app = App::answering(move |_: &Value| {
        gate.lock().unwrap().recv_timeout(LIMIT).unwrap();
        StatusCode::OK.into_response()
    });
    let args = ["--no-key", "--webhook", &app.url, "--timeout", "1m"];
    let mut console = Console::start(&args);
    console.serving.next("webhook-set");
    console.types(&format!("push {EVENT}"));
    let Some(tab) = open("the focus", &console.at("/"), View::WIDE).await else {
        return;
    };
    wait_for_text(&tab, "#d1", "pending").await;
    tab.tab_to("#d1 a").await;
    // A row above it, then another state of the row itself.
    console.types(&format!("push {EVENT}"));
    wait_for_rows(&tab, 2).await;
    assert!(tab.is_focused("#d1 a").await);
    answers.send(()).unwrap();
    answers.send(()).unwrap();
    wait_for_text(&tab, "#d1", "acknowledged").await;
    wait_for_text(&tab, "#d2", "acknowledged").await;
    assert!(tab.is_focused("#d1 a").await);

    // In a region that is replaced as a whole, the focus moves to what is next to it.
    tab.goto(&console.at("/faults")).await.unwrap();
    console.types("fault delay:1ms@0.5\nfault reorder@0.5");
    wait_for_text(&tab, "#faults", "reorder").await;
    tab.tab_to("#faults button[value='reorder@0.5']").await;
    press(&tab, Key::Enter).await;
    tab.wait_until("!document.querySelector('#faults').textContent.includes('reorder')")
        .await;
    assert!(tab.is_focused("#faults button, main").await);
    // By another client, while the focus is there.
    tab.tab_to("#faults button[value='delay:1ms@0.5']").await;
    console.types("calm");
    wait_for_text(&tab, "#faults", "None").await;
    assert!(!tab.is_focused("body").await);
    assert_calm(&tab).await;
}
