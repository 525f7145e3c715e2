//! The location of a webhook: a URL, or a service in this process.

use std::panic::AssertUnwindSafe;

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::uri::PathAndQuery;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Body;
use lark_events::BoxError;
use tower::util::BoxCloneSyncService;
use tower::{Service, ServiceExt as _};

use super::poster::{PostError, PostErrorKind, Poster, collect};
use super::url::WebhookUrl;
use crate::attempt::{Answer, Missing};

#[derive(Clone)]
pub(crate) enum Target {
    Url(WebhookUrl),
    Local {
        service: BoxCloneSyncService<Request<Full<Bytes>>, Answer, BoxError>,
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

    /// Posts a request and waits for the answer, without a time limit.
    pub(super) async fn post(self, request: Request<Bytes>, poster: &Poster) -> Answer {
        let mut request = request.map(Full::new);
        match self {
            Self::Local { service, path } => {
                *request.uri_mut() = path.into();
                // A server drops the connection if the handler panics.
                let answer = AssertUnwindSafe(service.oneshot(request))
                    .catch_unwind()
                    .await;
                let answer = answer.ok().and_then(Result::ok);
                answer.unwrap_or(Missing::ConnectionLost.into())
            }
            Self::Url(url) => match poster.connect(&url).await {
                Ok(connection) => connection.send(request).await.into(),
                Err(error) => Err(error).into(),
            },
        }
    }
}

impl From<Result<Response<Bytes>, PostError>> for Answer {
    fn from(posted: Result<Response<Bytes>, PostError>) -> Self {
        match posted.map_err(|error| error.kind()) {
            Ok(response) => {
                let (parts, body) = response.into_parts();
                let status = parts.status;
                Self::Response { status, body }
            }
            Err(PostErrorKind::Unreachable) => Missing::Unreachable.into(),
            Err(PostErrorKind::TooLarge) => Missing::TooLarge.into(),
            Err(PostErrorKind::Closed | PostErrorKind::NotHttp) => Missing::ConnectionLost.into(),
        }
    }
}
