//! The location of a webhook: a URL, or a service in this process.

use std::error::Error;
use std::panic::AssertUnwindSafe;

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::header::{CONTENT_LENGTH, HOST};
use http::uri::PathAndQuery;
use http::{HeaderValue, Request, Response};
use http_body_util::Full;
use hyper::body::Body;
use lark_events::BoxError;
use tower::util::BoxCloneSyncService;
use tower::{Service, ServiceExt as _};

use super::poster::{PostError, PostErrorKind, Poster, collect};
use super::url::WebhookUrl;
use crate::attempt::{Answer, Answered, Missing};
use crate::sent::Sent;

#[derive(Clone)]
pub(crate) enum Target {
    Url(WebhookUrl),
    Local {
        service: BoxCloneSyncService<Request<Full<Bytes>>, Answered, BoxError>,
        path: PathAndQuery,
    },
}

impl Target {
    /// A service in this process, which needs no socket.
    pub(crate) fn local<S, B>(service: S) -> Self
    where
        S: Service<Request<Full<Bytes>>, Response = Response<B>> + Clone + Send + Sync + 'static,
        S::Future: Send,
        S::Error: Into<BoxError>,
        B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
    {
        let answering = service
            .map_err(Into::into)
            .and_then(|response: Response<B>| async { Ok(collect(response).await.into()) });
        Self::Local {
            service: BoxCloneSyncService::new(answering),
            path: PathAndQuery::from_static("/"),
        }
    }

    /// The same service at another path; `None` if the path is invalid, or for a URL, which
    /// includes its path.
    pub(crate) fn at_path(self, path: &str) -> Option<Self> {
        let Self::Local { service, .. } = self else {
            return None;
        };
        let parsed: PathAndQuery = path.parse().ok()?;
        // The parser accepts more than paths, and cuts off a fragment.
        let is_whole = path.starts_with('/') && parsed.as_str() == path;
        is_whole.then_some(Self::Local {
            service,
            path: parsed,
        })
    }

    /// What [`post`](Self::post) sends: the request with the headers that the HTTP client adds.
    pub(super) fn sent(&self, request: &Request<Bytes>) -> Sent {
        let mut headers = request.headers().clone();
        let url = match self {
            Self::Local { path, .. } => path.to_string(),
            Self::Url(url) => {
                headers.insert(HOST, url.host_header());
                headers.insert(CONTENT_LENGTH, request.body().len().into());
                url.to_string()
            }
        };
        let body = request.body().clone();
        Sent::Request { url, headers, body }
    }

    /// Posts a request and waits for the answer, without a time limit.
    pub(super) async fn post(self, request: Request<Bytes>, poster: &Poster) -> Answered {
        let mut request = request.map(Full::new);
        match self {
            Self::Local { service, path } => {
                *request.uri_mut() = path.into();
                // A server drops the connection if the handler panics.
                let answered = AssertUnwindSafe(service.oneshot(request))
                    .catch_unwind()
                    .await;
                let error = match answered {
                    Ok(Ok(answered)) => return answered,
                    Ok(Err(error)) => chain(&*error),
                    Err(_) => "the service panicked".to_owned(),
                };
                Answered {
                    answer: Missing::ConnectionLost.into(),
                    error: Some(error),
                }
            }
            Self::Url(url) => match poster.connect(&url).await {
                Ok(connection) => connection.send(request).await.into(),
                Err(error) => Err(error).into(),
            },
        }
    }
}

impl From<Result<Response<Bytes>, PostError>> for Answered {
    fn from(posted: Result<Response<Bytes>, PostError>) -> Self {
        let error = match posted {
            Ok(response) => {
                let (mut parts, body) = response.into_parts();
                // They are parts of a buffer of 8 KiB, which a push would keep until its end.
                for value in parts.headers.values_mut() {
                    let is_sensitive = value.is_sensitive();
                    *value = HeaderValue::from_bytes(value.as_bytes()).expect("it was a value");
                    value.set_sensitive(is_sensitive);
                }
                let answer = Answer::Response {
                    status: parts.status,
                    headers: parts.headers,
                    body: Bytes::copy_from_slice(&body),
                };
                return answer.into();
            }
            Err(error) => error,
        };
        let answer = match error.kind() {
            PostErrorKind::Unreachable => Missing::Unreachable,
            PostErrorKind::TooLarge => Missing::TooLarge,
            PostErrorKind::Closed | PostErrorKind::NotHttp => Missing::ConnectionLost,
        };
        // The text of the answer says the rest.
        let error = match error.kind() {
            PostErrorKind::NotHttp => Some(chain(&error)),
            _ => error.source().map(chain),
        };
        Self {
            answer: answer.into(),
            error,
        }
    }
}

/// The text of an error and of its causes.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
