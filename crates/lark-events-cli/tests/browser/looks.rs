//! Every page in each view: axe-core finds nothing, a narrow page does not scroll sideways, and the screenshots are
//! saved for a person to look at, to the folder that `LARK_EVENTS_SCREENSHOTS` names.

use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use lark_events_test_servers::{Looks, View};
use serde_json::Value;

use crate::app::App;
use crate::console::Console;
use crate::page::{assert_calm, open, press_button, wait_for_text};
use crate::{MESSAGE, callbacks, connections};

/// Rejects one event, and has a reply for each callback.
fn answer(document: &Value) -> Response {
    match document["header"]["event_type"].as_str() {
        Some("contact.user.created_v3") => {
            let headers = [("content-type", "application/json"), ("server", "app")];
            let body = r#"{"error": "the database is not available"}"#;
            (StatusCode::INTERNAL_SERVER_ERROR, headers, body).into_response()
        }
        Some("profile.view.get") => StatusCode::NOT_FOUND.into_response(),
        _ => callbacks::answer(document),
    }
}

/// A platform on which much has happened, and its app.
fn busy() -> (Console, App) {
    let app = App::answering(answer);
    let args = ["--no-key", "--webhook", &app.url, "--timeout", "2s"];
    let mut console = Console::start(&[&args[..], &["--redeliver", "50ms,1h"]].concat());
    console.serving.next("webhook-set");
    for line in [
        "fault lose-answer",
        &format!("push {MESSAGE}"),
        "push vc.meeting.meeting_started_v1",
        "push approval.approval.updated_v4",
        "push card.action.trigger",
        "push url.preview.get",
        "wait delivered",
        "resend 1 same",
        "fault duplicate:10ms",
        "push drive.file.edit_v1",
        "push profile.view.get",
        "wait delivered",
        "fault lose-answer@0",
        "fault delay:200ms@0",
        "fault half-open",
    ] {
        console.types(line);
    }
    console.delivered();
    console.types("push contact.user.created_v3");
    while console.serving.next("delivery")["attempt"] != 2 {}
    callbacks::reply_to(&console, 1);
    (console, app)
}

#[tokio::test]
async fn every_page_is_accessible_in_light_and_dark_wide_and_narrow() {
    let what = "the looks of the console";
    let Some(tab) = open(what, "about:blank", View::WIDE).await else {
        return;
    };
    let mut looks = Looks::of(&tab, what).await;

    // Before anything has happened.
    let empty = Console::start(&[]);
    tab.goto(&empty.at("/")).await.unwrap();
    looks.at(&tab, "empty").await;
    drop(empty);
    wait_for_text(&tab, "#connection", "Not connected").await;
    looks.at(&tab, "lost").await;

    let (mut console, _app) = busy();
    for (name, path) in [
        ("deliveries", "/"),
        ("filtered", "/?type=message&faults=on"),
        ("attempts", "/deliveries/1"),
        ("callback", "/deliveries/4"),
        ("problems", "/deliveries/5"),
        ("faults", "/faults"),
        ("calls", "/calls"),
        ("search", "/compose?search=message"),
        ("compose", &format!("/compose?type={MESSAGE}")),
        ("error", "/deliveries/99"),
    ] {
        tab.goto(&console.at(path)).await.unwrap();
        let unfold = "document.querySelectorAll('details').forEach((it) => { it.open = true; })";
        tab.eval(unfold).await;
        looks.at(&tab, name).await;
    }
    tab.goto(&console.at(&format!("/compose?type={MESSAGE}")))
        .await
        .unwrap();
    tab.fill("textarea[name='set']", "tea.pot=1").await;
    press_button(&tab, "Push").await;
    wait_for_text(&tab, "[data-error]", "tea.pot").await;
    looks.at(&tab, "mistake").await;
    // A client, and one that violates the protocol.
    connections::connect(&mut console);
    let _socket = console.serving.violates_the_protocol();
    console.serving.next("violation");
    tab.goto(&console.at("/connections")).await.unwrap();
    wait_for_text(&tab, "#connections", "a text message").await;
    looks.at(&tab, "connections").await;
    assert_calm(&tab).await;
    looks.assert_good();
}
