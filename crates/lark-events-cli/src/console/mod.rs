//! The console of `lark-events serve`: pages and a JSON API on a listener of their own, which show the history
//! of deliveries and ask the driver for changes.

mod api;
mod failure;
mod fault_names;
mod filter;
mod list;
mod page;
mod shown;
mod stream;
pub(crate) mod web;

use std::convert::Infallible;
use std::io;
use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::{StatusCode, Uri};
use lark_events_pages::{Guard, Refused};
use tokio::net::TcpListener;

use self::failure::Failure;
use self::filter::{Filter, FilterQuery};
use self::web::assets;
use self::web::masked::Masks;
use self::web::sse::{MAX_STREAMS, Place, Places, Position};
use crate::serve::control::Control;

/// What the pages and the API show and change.
pub(crate) struct Console {
    control: Control,
    masks: Masks,
    /// Of streams, of pages and of the API together.
    places: Places,
}

/// Serves the console until it is dropped. The secrets are shown nowhere.
///
/// # Errors
///
/// Returns an error if the listener has no address.
pub(crate) async fn serve<'a>(
    listener: TcpListener,
    control: Control,
    secrets: impl IntoIterator<Item = &'a str>,
) -> io::Result<Infallible> {
    let masks = Masks::new(secrets);
    let console = Arc::new(Console {
        control,
        masks,
        places: Places::new(),
    });
    let guard = Guard::new(listener.local_addr()?);
    match web::server::serve(listener, guard, router(console), refuse).await {}
}

/// The response to a request of another site.
fn refuse(path: &str, refused: Refused) -> Response {
    let text = refused.to_string();
    match path.starts_with("/api/") {
        // It has nothing of the request.
        true => Failure::new(StatusCode::FORBIDDEN, &text, &Masks::default()).json(),
        false => (StatusCode::FORBIDDEN, text + "\n").into_response(),
    }
}

fn router(console: Arc<Console>) -> Router {
    let mut router = Router::new()
        .route("/", get(page::deliveries::get))
        .route("/deliveries/{number}", get(page::delivery::get))
        .route("/compose", get(page::compose::get))
        .route("/connections", get(page::connections::get))
        .route("/faults", get(page::faults::get))
        .route("/calls", get(page::calls::get))
        .route("/stream", get(stream::get))
        .route("/assets/console.css", get(assets::style))
        .route("/assets/console.js", get(assets::script))
        .route("/assets/icon.svg", get(assets::icon));
    for (path, methods) in api::routes() {
        router = router.route(path, methods);
    }
    router
        .fallback(nowhere)
        .method_not_allowed_fallback(other_method)
        .with_state(console)
}

async fn other_method(State(console): State<Arc<Console>>) -> Response {
    let text = "expected another method for this path: docs/console.md lists them";
    Failure::new(StatusCode::METHOD_NOT_ALLOWED, text, &console.masks).json()
}

async fn nowhere(State(console): State<Arc<Console>>, uri: Uri) -> Response {
    match uri.path().starts_with("/api/") {
        true => api::not_found(&console),
        false => page::not_found(&console),
    }
}

impl Console {
    /// The position of the last change.
    fn position(&self) -> Position {
        let history = &self.control.history;
        Position {
            run: history.run(),
            revision: history.read(|kept| kept.revision),
        }
    }

    fn query<T>(&self, query: Result<Query<T>, QueryRejection>) -> Result<T, Failure> {
        let Query(query) = query.map_err(|error| Failure::bad(&error.body_text(), &self.masks))?;
        Ok(query)
    }

    fn filter(&self, query: Result<Query<FilterQuery>, QueryRejection>) -> Result<Filter, Failure> {
        self.filter_beside(query, &[])
    }

    /// The filter in a query that has other parameters too.
    fn filter_beside(
        &self,
        query: Result<Query<FilterQuery>, QueryRejection>,
        others: &[&str],
    ) -> Result<Filter, Failure> {
        let filter = self.query(query)?.read(&self.masks, others);
        filter.map_err(|error| Failure::bad(&error, &self.masks))
    }

    /// A part of a path. One that is not UTF-8 is the part of no path.
    fn segment(&self, path: Result<Path<String>, PathRejection>) -> Result<String, Failure> {
        let Path(segment) = path.map_err(|_| {
            let text = "expected a path in UTF-8, got other bytes after percent signs";
            Failure::bad(text, &self.masks)
        })?;
        Ok(segment)
    }

    /// A place for one more stream.
    fn place(&self) -> Result<Place, Failure> {
        self.places.take().ok_or_else(|| {
            let text = format!(
                "expected at most {MAX_STREAMS} open streams: close another page or client first"
            );
            Failure::new(StatusCode::SERVICE_UNAVAILABLE, &text, &self.masks)
        })
    }

    /// The failure for a delivery that is not there.
    fn no_delivery(&self, number: &str) -> Failure {
        let text = match self.control.history.kept() {
            None => format!("no delivery {number}: there is none yet"),
            Some((first, last)) => {
                format!(
                    "no delivery {number}: expected a number of those kept, from {first} to {last}"
                )
            }
        };
        Failure::new(StatusCode::NOT_FOUND, &text, &self.masks)
    }
}
