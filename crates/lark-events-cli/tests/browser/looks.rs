//! Every page in each view: axe-core finds nothing, a narrow page does not scroll sideways, and the screenshots are
//! saved for a person to look at, to the folder that `LARK_EVENTS_SCREENSHOTS` names.

use std::path::PathBuf;
use std::{env, fs};

use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use lark_events_test_servers::{Axe, Tab, View};
use serde_json::{Value, json};

use crate::app::App;
use crate::console::Console;
use crate::page::{assert_calm, fill, open, press_button, wait_for_text};
use crate::{MESSAGE, callbacks, connections};

/// The controls that are less than 24 px high: a finger misses them.
const SMALL: &str = "[...document.querySelectorAll('header a, main a, button, input, select, textarea, summary')] \
    .filter((it) => it.checkVisibility() && it.getBoundingClientRect().height < 24) \
    .map((it) => `${it.tagName} ${it.textContent || it.name}`)";
const SCREENSHOTS: &str = "LARK_EVENTS_SCREENSHOTS";

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

struct Eye {
    axe: Option<Axe>,
    folder: Option<PathBuf>,
    seen: Vec<String>,
}

impl Eye {
    /// Looks at the page as it is, in each view.
    async fn looks(&mut self, tab: &Tab, name: &str) {
        for view in View::ALL {
            tab.view(view).await;
            let width = tab.eval("document.documentElement.scrollWidth").await;
            if width.as_u64().unwrap() > u64::from(view.width()) {
                self.seen.push(format!("{name} {view}: {width} px wide"));
            }
            let small = tab.eval(SMALL).await;
            if small != json!([]) {
                self.seen
                    .push(format!("{name} {view}: small targets: {small}"));
            }
            if let Some(axe) = &self.axe {
                let violations = axe.violations(tab).await.into_iter();
                self.seen
                    .extend(violations.map(|it| format!("{name} {view}: {it}")));
            }
            if let Some(folder) = &self.folder {
                tab.save_screenshot(folder.join(format!("{name}-{view}.png")))
                    .await;
            }
        }
        tab.view(View::WIDE).await;
    }
}

#[tokio::test]
async fn every_page_is_accessible_in_light_and_dark_wide_and_narrow() {
    let what = "the looks of the console";
    let Some(tab) = open(what, "about:blank", View::WIDE).await else {
        return;
    };
    // They would cover a part of the width in a screenshot.
    let hidden = json!({ "hidden": true });
    tab.devtools("Emulation.setScrollbarsHidden", hidden)
        .await
        .unwrap();
    let folder = env::var_os(SCREENSHOTS).filter(|it| !it.is_empty());
    let mut eye = Eye {
        axe: Axe::given_or_skip(what),
        folder: folder.map(PathBuf::from),
        seen: Vec::new(),
    };
    if let Some(folder) = &eye.folder {
        fs::create_dir_all(folder).unwrap();
    }

    // Before anything has happened.
    let empty = Console::start(&[]);
    tab.goto(&empty.at("/")).await.unwrap();
    eye.looks(&tab, "empty").await;
    drop(empty);
    wait_for_text(&tab, "#connection", "Not connected").await;
    eye.looks(&tab, "lost").await;

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
        eye.looks(&tab, name).await;
    }
    tab.goto(&console.at(&format!("/compose?type={MESSAGE}")))
        .await
        .unwrap();
    fill(&tab, "textarea[name='set']", "tea.pot=1").await;
    press_button(&tab, "Push").await;
    wait_for_text(&tab, "[data-error]", "tea.pot").await;
    eye.looks(&tab, "mistake").await;
    // A client, and one that violates the protocol.
    connections::connect(&mut console);
    let _socket = console.serving.violates_the_protocol();
    console.serving.next("violation");
    tab.goto(&console.at("/connections")).await.unwrap();
    wait_for_text(&tab, "#connections", "a text message").await;
    eye.looks(&tab, "connections").await;
    assert_calm(&tab).await;
    assert_eq!(eye.seen, Vec::<String>::new(), "{}", json!(eye.seen));
}
