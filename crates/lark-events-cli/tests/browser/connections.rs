//! The long connections of an app and their violations, and each state of its webhook with the cause.

use std::net::TcpListener;
use std::thread;

use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use lark_events::{Dispatcher, Event, RawJson};
use lark_events_test_servers::View;
use lark_events_ws::{Domain, LongConnection};
use serde_json::Value;

use crate::EVENT;
use crate::app::{self, App};
use crate::console::Console;
use crate::page::{assert_calm, open, wait_for_text};
use crate::port::Port;

/// Opens a long connection in a thread, for as long as the tests run.
pub(crate) fn connect(console: &mut Console) {
    let dispatcher = Dispatcher::builder().fallback(|_: Event<RawJson>| async {});
    let dispatcher = dispatcher.build().unwrap();
    let connection = LongConnection::builder("cli_a1b2c3d4e5f60718", "app-secret");
    let domain = Domain::custom(&console.serving.base_url);
    let connection = connection.domain(domain).build().unwrap();
    thread::spawn(move || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let run = connection.run(dispatcher).into_future();
        let _ = runtime.enable_all().build().unwrap().block_on(run);
    });
    console.serving.next("connections");
}

#[tokio::test]
async fn a_long_connection_is_listed_with_its_state_and_violations() {
    let mut console = Console::start(&[]);
    let url = console.at("/connections");
    let Some(tab) = open("long connections", &url, View::WIDE).await else {
        return;
    };
    wait_for_text(&tab, "#connections", "0 open connections").await;
    connect(&mut console);
    wait_for_text(&tab, "#connections", "1 open connection").await;
    wait_for_text(&tab, "#connections tbody", "✓ open").await;
    console.types(&format!("push {EVENT}"));
    console.delivered();
    let cell = |label: &str| format!("#connections tbody td[data-label='{label}']");
    wait_for_text(&tab, &cell("Messages"), "1").await;
    wait_for_text(&tab, &cell("Acks"), "1").await;
    wait_for_text(&tab, &cell("Violations"), "0").await;

    let _socket = console.serving.violates_the_protocol();
    wait_for_text(&tab, "#connections", "1 violation").await;
    wait_for_text(&tab, "#connections", "a text message").await;
    wait_for_text(&tab, "#status", "1 violation").await;
    console.types("fault half-open");
    console.serving.next("connections");
    console.types(&format!("push {EVENT}"));
    wait_for_text(&tab, "#connections tbody", "half-open").await;
    let listed = console.json("/api/connections");
    // The platform chooses one of the connections for each push.
    let open = listed["connections"].as_array().unwrap().iter();
    let half_open = open.filter(|it| it["half_open"] == true).count();
    assert_eq!(half_open, 1, "{listed}");
    assert_calm(&tab).await;
}

#[tokio::test]
async fn a_webhook_is_refused_set_and_lost_with_the_cause() {
    let answer = |_: &Value| StatusCode::OK.into_response();
    let port = Port::reserve();
    let address = port.address;
    let listener = TcpListener::bind(address).unwrap();
    let url = format!("http://{address}/webhook/event");
    // It listens and does not answer, so that the check lasts a while. A busy machine may miss it.
    let connecting = (0..10).find_map(|_| {
        let console = Console::start(&["--webhook", &url]);
        let page = console.get("/connections").body;
        page.contains("… connecting").then_some(page)
    });
    assert!(connecting.unwrap().contains(&url));
    drop(listener);

    let args = [
        "--no-key",
        "--webhook",
        &url,
        "--redeliver",
        "1ms,1s,1s,1s,1s,1s",
    ];
    let mut console = Console::start(&args);
    let connections = console.at("/connections");
    let Some(tab) = open("the state of a webhook", &connections, View::WIDE).await else {
        return;
    };
    for place in ["#connections", "#status"] {
        wait_for_text(&tab, place, "✗ refused").await;
        wait_for_text(&tab, place, "Connection refused").await;
    }
    let app = App::serve(TcpListener::bind(address).unwrap(), app::answering(answer));
    for place in ["#connections", "#status"] {
        wait_for_text(&tab, place, "✓ set").await;
    }
    drop(app);
    console.types(&format!("push {EVENT}"));
    for place in ["#connections", "#status"] {
        wait_for_text(&tab, place, "✗ lost").await;
        wait_for_text(&tab, place, "Connection refused").await;
    }
    let lost = console.json("/api/status");
    assert_eq!(lost["webhook"]["state"], "lost", "{lost}");
    let _app = App::serve(TcpListener::bind(address).unwrap(), app::answering(answer));
    wait_for_text(&tab, "#status", "✓ set").await;
    assert_calm(&tab).await;
}
