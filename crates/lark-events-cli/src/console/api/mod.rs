//! The JSON API: the same as the pages, for scripts. docs/console.md describes it.

mod body;
mod change;
mod read;
mod stream;

use std::sync::Arc;

use axum::response::Response;
use axum::routing::{MethodRouter, get, post};
use http::StatusCode;

use super::Console;
use super::failure::Failure;

/// All paths of the API.
pub(crate) fn routes() -> [(&'static str, MethodRouter<Arc<Console>>); 10] {
    [
        ("/api/status", get(read::status)),
        ("/api/deliveries", get(read::deliveries).post(change::push)),
        ("/api/deliveries/{number}", get(read::delivery)),
        ("/api/deliveries/{number}/replay", post(change::replay)),
        ("/api/event-types", get(read::event_types)),
        ("/api/event-types/{type}", get(read::event_type)),
        (
            "/api/faults",
            get(read::faults)
                .post(change::inject)
                .delete(change::remove),
        ),
        ("/api/connections", get(read::connections)),
        ("/api/calls", get(read::calls)),
        ("/api/stream", get(stream::get)),
    ]
}

pub(crate) fn not_found(console: &Console) -> Response {
    let text = "expected a path of the API, such as /api/status: docs/console.md lists them";
    Failure::new(StatusCode::NOT_FOUND, text, &console.masks).json()
}

fn respond(result: Result<Response, Failure>) -> Response {
    result.unwrap_or_else(|failure| failure.json())
}
