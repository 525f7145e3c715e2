//! The reply to a callback as its user sees it, and what is wrong with it; and the calls of the API that followed.

use axum::response::IntoResponse as _;
use lark_events_test_servers::View;
use serde_json::{Value, json};

use crate::MESSAGE;
use crate::app::App;
use crate::console::Console;
use crate::page::{assert_calm, open, wait_for_text};

/// An app that answers clicks on cards with a toast and a card, and links with something else.
pub(crate) fn answer(document: &Value) -> axum::response::Response {
    let event_type = document["header"]["event_type"]
        .as_str()
        .unwrap_or_default();
    let reply = match event_type {
        "card.action.trigger" => json!({
            "toast": {
                "type": "success",
                "content": "Approved",
                "i18n": { "zh_cn": "已批准", "en_us": "Approved" },
            },
            "card": {
                "type": "raw",
                "data": { "schema": "2.0", "header": { "title": { "tag": "plain_text", "content": "Leave" } } },
            },
        }),
        "url.preview.get" => json!({ "inline": { "title": 7 }, "toast": "no" }),
        _ => json!({}),
    };
    reply.to_string().into_response()
}

/// Replies to the message of the delivery with this number, as the app.
pub(crate) fn reply_to(console: &Console, number: usize) {
    let credentials = json!({ "app_id": "cli_a1b2c3d4e5f60718", "app_secret": "app-secret" });
    let path = "/open-apis/auth/v3/tenant_access_token/internal";
    let token = console.calls(path, "", &credentials.to_string());
    let delivery = console.json(&format!("/api/deliveries/{number}"));
    let message = delivery["document"]["event"]["message"]["message_id"]
        .as_str()
        .unwrap();
    let path = format!("/open-apis/im/v1/messages/{message}/reply");
    let reply = json!({ "msg_type": "text", "content": json!({ "text": "hello" }).to_string() });
    let token = token["tenant_access_token"].as_str().unwrap();
    let answer = console.calls(&path, token, &reply.to_string());
    assert_eq!(answer["code"], 0, "{answer}");
}

#[tokio::test]
async fn a_reply_is_rendered_with_its_problems_and_calls_follow() {
    let app = App::answering(answer);
    let mut console = Console::start(&["--no-key", "--webhook", &app.url]);
    console.serving.next("webhook-set");
    let url = console.at("/deliveries/1");
    console.types("push card.action.trigger");
    console.delivered();
    let Some(tab) = open("replies and calls", &url, View::WIDE).await else {
        return;
    };
    for shown in [
        "success",
        "Approved",
        "zh_cn",
        "已批准",
        "\"schema\": \"2.0\"",
        "No problem found",
    ] {
        wait_for_text(&tab, "#reply", shown).await;
    }
    let row = console.json("/api/deliveries/1");
    assert_eq!(
        (&row["callback"], &row["progress"]),
        (&true.into(), &"acknowledged".into())
    );

    console.types("push url.preview.get");
    console.delivered();
    tab.goto(&console.at("/deliveries/2")).await.unwrap();
    wait_for_text(&tab, "#reply", "title").await;
    wait_for_text(&tab, "#reply .bad", "✗").await;
    let reply = &console.json("/api/deliveries/2")["reply"];
    assert_ne!(reply["problems"], json!([]), "{reply}");
    let text = tab.text("#reply").await;
    assert!(!text.contains("No problem"), "{text}");

    console.types(&format!("push {MESSAGE}"));
    console.delivered();
    tab.goto(&console.at("/deliveries/3")).await.unwrap();
    wait_for_text(&tab, "#calls", "None").await;
    reply_to(&console, 3);
    wait_for_text(&tab, "#calls", "/reply").await;
    wait_for_text(&tab, "#calls", "status 200, code 0").await;
    tab.goto(&console.at("/calls")).await.unwrap();
    wait_for_text(&tab, "#call-list", "tenant_access_token/internal").await;
    wait_for_text(&tab, "#call-list", "#3").await;
    let text = crate::page::all_text(&tab).await;
    assert!(!text.contains("app-secret"), "{text}");
    assert_calm(&tab).await;
}
