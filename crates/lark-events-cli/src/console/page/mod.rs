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
use maud::{Markup, html};

pub(crate) use self::status::status;
use super::Console;
use super::failure::Failure;
use super::shown::Status;
use super::web::layout::{Page, Site};
use super::web::sse::Position;

const SITE: Site = Site {
    name: "lark-events console",
    pages: &[
        ("/", "Deliveries"),
        ("/compose", "Compose"),
        ("/connections", "Connections"),
        ("/faults", "Faults"),
        ("/calls", "API calls"),
    ],
    lost: "Not connected to lark-events serve; retrying. The page shows the last known state.",
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
        title: console.masks.text(&content.title),
        path: content.path,
        status: status(&current(console)),
        main: content.main,
        stream: Some((
            console.masks.text(&format!("/stream?{}", content.stream)),
            content.position,
        )),
    });
    Html(page.into_string()).into_response()
}

/// A page that says what is wrong.
pub(crate) fn failed(console: &Console, failure: &Failure) -> Response {
    let name = failure.status.canonical_reason().unwrap_or("Error");
    let page = SITE.page(&Page {
        title: console.masks.text(name),
        path: "",
        status: status(&current(console)),
        main: html! {
            h1 { (name) }
            p role="alert" { (failure.text) }
            p { a href="/" { "All deliveries" } }
        },
        stream: None,
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
