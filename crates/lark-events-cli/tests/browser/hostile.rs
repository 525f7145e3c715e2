//! Text of an app or of an event that looks like HTML. Every page shows it as text, and the policy has nothing to
//! report.

use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::IntoResponse as _;
use lark_events_test_servers::{Tab, View};
use serde_json::{Value, json};

use crate::app::App;
use crate::console::Console;
use crate::page::{all_text, assert_calm, open, press_button, wait_for_text};

const HTML: &str =
    r#"</script></textarea></code><img src=x onerror="alert(1)"><svg onload=alert(2)>"'&amp;"#;

/// No element of the text is one of the page.
async fn assert_is_text(tab: &Tab) {
    let foreign =
        "document.querySelectorAll('img, svg, iframe, main script, [onerror], [onload]').length";
    assert_eq!(tab.eval(foreign).await, 0, "{:?}", tab.current_url().await);
    assert_eq!(tab.eval("document.scripts.length").await, 1);
    assert_calm(tab).await;
}

fn percent_encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[tokio::test]
async fn html_in_events_and_answers_is_text() {
    let header = HeaderName::from_static("x-tea");
    let app = App::answering(move |_: &Value| {
        let value = HeaderValue::from_static(HTML);
        (StatusCode::BAD_GATEWAY, [(header.clone(), value)], HTML).into_response()
    });
    let args = ["--no-key", "--redeliver", "never", "--webhook", &app.url];
    let mut console = Console::start(&args);
    console.serving.next("webhook-set");
    let Some(tab) = open("HTML in events", &console.at("/"), View::WIDE).await else {
        return;
    };
    let event_type = format!("tea.{HTML}");
    let document = json!({
        "schema": "2.0",
        "header": { "event_type": event_type, HTML: HTML },
        "event": { "text": HTML, HTML: [HTML] },
    });
    let push = json!({ "document": document, "event_id": HTML });
    for (number, before) in [(1, "/"), (2, "/deliveries/1")] {
        tab.goto(&console.at(before)).await.unwrap();
        let answer = console.asks("POST", "/api/deliveries", &push);
        assert_eq!(answer.status, 201, "{}", answer.body);
        console.delivered();
        // By the stream, and in a page that is loaded with it.
        if number == 1 {
            wait_for_text(&tab, "#d1", &event_type).await;
            wait_for_text(&tab, "#d1", "502").await;
            assert_is_text(&tab).await;
        }
    }
    // A call of the API that names it.
    let encoded = percent_encoded(HTML);
    console.calls(&format!("/open-apis/{encoded}"), "t", HTML);
    for (path, at_least) in [
        ("/", 2),
        ("/deliveries/2", 5),
        ("/compose?from=1", 0),
        ("/calls", 1),
        ("/connections", 0),
        ("/faults", 0),
        (&format!("/?type={encoded}"), 0),
        (&format!("/compose?search={encoded}"), 0),
        (&format!("/compose?type={encoded}"), 1),
        (&format!("/compose?from={encoded}"), 1),
        (&format!("/deliveries/{encoded}"), 1),
        (&format!("/{encoded}"), 0),
    ] {
        tab.goto(&console.at(path)).await.unwrap();
        let text = all_text(&tab).await;
        let found = text.matches("<img src=x onerror=").count();
        assert!(found >= at_least, "{path}: {found} in {text}");
        assert_is_text(&tab).await;
    }
    // In a form it is a value, also where it is named in an error.
    tab.goto(&console.at("/compose?from=1")).await.unwrap();
    let field = "document.querySelector('input[name=\"type\"]').value";
    assert_eq!(tab.eval(field).await, event_type.as_str());
    let document = "JSON.parse(document.querySelector('textarea[name=\"document\"]').value)";
    assert_eq!(tab.eval(&format!("{document}.event.text")).await, HTML);
    tab.fill("input[name='type']", HTML).await;
    press_button(&tab, "Push").await;
    wait_for_text(&tab, "[data-error]", "<img src=x").await;
    assert_is_text(&tab).await;
}
