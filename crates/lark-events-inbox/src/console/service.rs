//! The service: who may do what, and which page a request is for.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{MutexGuard, PoisonError};
use std::task::{Context, Poll};

use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use http_body::Body;
use lark_events_pages::{ICON, SCRIPT, STYLE, check_form};
use tower_service::Service;

use super::answer::{Answer, Failure};
use super::body::{ConsoleBody, ReadError, read};
use super::jobs::Jobs;
use super::params::Params;
use super::{Access, Console, Shared, post, view};

impl<B> Service<Request<B>> for Console
where
    B: Body + Send + 'static,
    B::Data: Send,
{
    type Response = Response<ConsoleBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let console = self.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let mut response = console.0.answer(&parts, body).await.respond();
            if parts.method == Method::HEAD {
                *response.body_mut() = ConsoleBody::default();
            }
            Ok(response)
        })
    }
}

impl Shared {
    async fn answer<B: Body>(&self, request: &Parts, body: B) -> Answer {
        let access = (self.access)(request);
        if access == Access::Deny {
            return Answer::Text(StatusCode::FORBIDDEN, "no access\n".to_owned());
        }
        let answer = match request.method {
            Method::GET | Method::HEAD => self.get(request, access).await,
            Method::POST => self.post(request, body, access).await,
            _ => return Answer::OtherMethod,
        };
        answer.unwrap_or_else(|failure| view::failed(&failure))
    }

    async fn get(&self, request: &Parts, access: Access) -> Result<Answer, Failure> {
        let query = Params::parse(request.uri.query().unwrap_or_default());
        let query = query.map_err(|error| Failure::bad(error.to_string()))?;
        match query.get("asset") {
            Some("style") => return Ok(Answer::File("text/css; charset=utf-8", STYLE)),
            Some("script") => return Ok(Answer::File("text/javascript; charset=utf-8", SCRIPT)),
            Some("icon") => return Ok(Answer::File("image/svg+xml", ICON)),
            _ => {}
        }
        match query.get("view") {
            None => view::overview::get(self, access).await,
            Some("events") => view::events::get(self, access, &query).await,
            Some("event") => view::event::get(self, access, &query).await,
            Some("search") => view::search::get(self, &query).await,
            Some("action") => view::progress::get(self, &query),
            Some("confirm" | "edit") if access != Access::All => Err(read_only()),
            Some("confirm") => view::confirm::get(self, &query).await,
            Some("edit") => view::edit::get(self, &query).await,
            Some(_) => Err(Failure::not_found(
                "expected the name of a view, such as events: follow a link of the navigation",
            )),
        }
    }

    async fn post<B: Body>(
        &self,
        request: &Parts,
        body: B,
        access: Access,
    ) -> Result<Answer, Failure> {
        if access != Access::All {
            return Err(read_only());
        }
        if let Err(foreign) = check_form(request) {
            return Err(Failure::new(StatusCode::FORBIDDEN, foreign.to_string()));
        }
        let content_type = request.headers.get(CONTENT_TYPE);
        let essence = content_type.and_then(|value| value.to_str().ok()?.split(';').next());
        let is_form = essence.is_some_and(|essence| {
            let form = "application/x-www-form-urlencoded";
            essence.trim().eq_ignore_ascii_case(form)
        });
        if !is_form {
            return Err(Failure::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "expected content-type: application/x-www-form-urlencoded",
            ));
        }
        let form = read(body).await.map_err(|error| match error {
            ReadError::TooLarge => Failure::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "expected a form of at most 8 MiB",
            ),
            ReadError::Broken => Failure::bad("expected a form: the connection was closed early"),
        })?;
        let form = std::str::from_utf8(&form).map_err(|_| Failure::bad("expected UTF-8"))?;
        let form = Params::parse(form).map_err(|error| Failure::bad(error.to_string()))?;
        post::post(self, request, &form).await
    }

    pub(super) fn jobs(&self) -> MutexGuard<'_, Jobs> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read_only() -> Failure {
    Failure::new(
        StatusCode::FORBIDDEN,
        "expected a request that only reads: you may not change events here",
    )
}
