//! The pages. Each shows view models of `shown`, and is read without the script; the script keeps it up to
//! date.

pub(crate) mod calls;
pub(crate) mod compose;
pub(crate) mod connections;
pub(crate) mod deliveries;
pub(crate) mod delivery;
pub(crate) mod faults;
mod status;

use axum::response::{Html, IntoResponse as _, Response};
use http::StatusCode;
use lark_events_pages::{Live, Page, Site};
use maud::{Markup, html};

pub(crate) use self::status::status;
use super::Console;
use super::failure::Failure;
use super::shown::Status;
use super::web::sse::Position;

const SITE: Site = Site {
    name: "lark-events console",
    home: "/",
    pages: &[
        ("/", "Deliveries"),
        ("/compose", "Compose"),
        ("/connections", "Connections"),
        ("/faults", "Faults"),
        ("/calls", "API calls"),
    ],
    lost: "Not connected to lark-events serve; retrying. The page shows the last known state.",
    style: "/assets/console.css",
    script: "/assets/console.js",
    icon: "/assets/icon.svg",
};

/// A page of the console before its frame.
pub(crate) struct Content {
    pub(crate) title: String,
    /// The entry of the navigation to which it belongs.
    pub(crate) path: &'static str,
    pub(crate) main: Markup,
    /// The query of its stream.
    pub(crate) stream: String,
    pub(crate) position: Position,
}

pub(crate) fn respond(console: &Console, content: Content) -> Response {
    let page = SITE.page(&Page {
        title: masked(console, &content.title),
        path: content.path,
        status: status(&current(console)),
        main: content.main,
        live: Live::Stream {
            url: masked(console, &format!("/stream?{}", content.stream)),
            position: content.position.to_string(),
        },
    });
    Html(page.into_string()).into_response()
}

/// The frame takes any text: nothing comes to it unmasked.
fn masked(console: &Console, text: &str) -> String {
    console.masks.text(text).as_str().to_owned()
}

/// A page that says what is wrong.
pub(crate) fn failed(console: &Console, failure: &Failure) -> Response {
    let name = failure.status.canonical_reason().unwrap_or("Error");
    let page = SITE.page(&Page {
        title: name.to_owned(),
        path: "",
        status: status(&current(console)),
        main: html! {
            h1 { (name) }
            p role="alert" { (failure.text) }
            p { a href="/" { "All deliveries" } }
        },
        live: Live::No,
    });
    (failure.status, Html(page.into_string())).into_response()
}

pub(crate) fn not_found(console: &Console) -> Response {
    let failure = Failure {
        status: StatusCode::NOT_FOUND,
        text: "expected the path of a page, such as /: follow a link of the navigation".into(),
        kind: None,
    };
    failed(console, &failure)
}

pub(crate) fn current(console: &Console) -> Status {
    let control = &console.control;
    Status::new(&control.history, &control.platform, &console.masks)
}

/// A badge: never by its colour alone.
pub(crate) fn badge(progress: &str) -> Markup {
    let (class, text) = match progress {
        "acknowledged" => ("good", "✓ acknowledged"),
        "given-up" => ("bad", "✗ given up"),
        _ => ("wait", "… pending"),
    };
    html! { span.badge.(class) { (text) } }
}

/// A note for browsers without scripts, beside a form that needs them.
pub(crate) fn needs_script() -> Markup {
    html! { noscript { p.note { "This form needs JavaScript. Without it, use the JSON API." } } }
}

/// Where the script writes the result of a form.
pub(crate) fn result() -> Markup {
    html! {
        p.error data-error role="alert" {}
        p.done data-done role="status" {}
    }
}
