//! Where a webhook is: behind a URL, or in this process.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::header::HOST;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Request, Response, Uri};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Body;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use lark_events::BoxError;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tower::util::BoxCloneSyncService;
use tower::{Service, ServiceExt as _};

use crate::MAX_ANSWER_BYTES;
use crate::attempt::{Answer, Missing};

/// How long the platform waits for a TCP connection.
const CONNECT_LIMIT: Duration = Duration::from_secs(2);

#[derive(Clone)]
pub(crate) enum Target {
    Url {
        authority: Authority,
        path: PathAndQuery,
    },
    Local {
        service: BoxCloneSyncService<Request<Full<Bytes>>, Answer, BoxError>,
        path: PathAndQuery,
    },
}

impl Target {
    /// A target of `http://host[:port]/path`.
    pub(crate) fn url(url: &str) -> Option<Self> {
        let parts = url.parse::<Uri>().ok()?.into_parts();
        let plain = parts.scheme == Some(Scheme::HTTP);
        // A port that is none is not left out.
        let proper = |at: &Authority| {
            let port = at
                .as_str()
                .rsplit_once(']')
                .map_or(at.as_str(), |(_, port)| port);
            !at.as_str().contains('@') && (at.port_u16().is_some() || !port.contains(':'))
        };
        let authority = parts.authority.filter(|at| plain && proper(at))?;
        let path = parts.path_and_query?;
        Some(Self::Url { authority, path })
    }

    /// A service in this process, for which no socket is needed.
    pub(crate) fn local<S, B>(service: S) -> Self
    where
        S: Service<Request<Full<Bytes>>, Response = Response<B>> + Clone + Send + Sync + 'static,
        S::Future: Send,
        S::Error: Into<BoxError>,
        B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
    {
        let answering = service
            .map_err(Into::into)
            .and_then(|response: Response<B>| async { Ok(read(response).await) });
        Self::Local {
            service: BoxCloneSyncService::new(answering),
            path: PathAndQuery::from_static("/"),
        }
    }

    /// The same service at another path; `None` when that is no path, or for a URL, which has one.
    pub(crate) fn at_path(self, path: &str) -> Option<Self> {
        let Self::Local { service, .. } = self else {
            return None;
        };
        let parsed: PathAndQuery = path.parse().ok()?;
        // The parser takes more than paths, and cuts off what follows a `#`.
        let is_whole = path.starts_with('/') && parsed.as_str() == path;
        is_whole.then_some(Self::Local {
            service,
            path: parsed,
        })
    }

    /// Posts a request and waits for the answer, for as long as that takes.
    pub(crate) async fn post(self, request: Request<Bytes>) -> Answer {
        let mut request = request.map(Full::new);
        match self {
            Self::Local { service, path } => {
                *request.uri_mut() = path.into();
                // A server loses the connection whose handler panics.
                let answer = AssertUnwindSafe(service.oneshot(request))
                    .catch_unwind()
                    .await;
                let answer = answer.ok().and_then(Result::ok);
                answer.unwrap_or(Missing::ConnectionLost.into())
            }
            Self::Url { authority, path } => {
                let host = HeaderValue::from_str(authority.as_str());
                let host = host.expect("an authority is a header value");
                request.headers_mut().insert(HOST, host);
                *request.uri_mut() = path.into();
                send(&authority, request).await.unwrap_or_else(Answer::from)
            }
        }
    }
}

/// Sends a request over a connection of its own.
async fn send(authority: &Authority, request: Request<Full<Bytes>>) -> Result<Answer, Missing> {
    let host = authority.host();
    // The brackets of an IPv6 address belong to the URL.
    let host = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    let connect = TcpStream::connect((host, authority.port_u16().unwrap_or(80)));
    let Ok(Ok(socket)) = timeout(CONNECT_LIMIT, connect).await else {
        return Err(Missing::Unreachable);
    };
    let lost = |_| Missing::ConnectionLost;
    let (mut sender, connection) = http1::handshake(TokioIo::new(socket)).await.map_err(lost)?;
    let answer = async {
        let response = sender.send_request(request).await.map_err(lost)?;
        Ok(read(response).await)
    };
    // The connection is this future's own, so that it ends with it. When it is the first of the two
    // to end, what it read is still there to be taken.
    let mut answer = pin!(answer);
    tokio::select! {
        biased;
        answer = &mut answer => return answer,
        _ = connection => {}
    }
    answer.await
}

/// Reads a response into an answer, within bounds.
async fn read<B: Body<Error: Into<BoxError>>>(response: Response<B>) -> Answer {
    let status = response.status();
    match Limited::new(response.into_body(), MAX_ANSWER_BYTES)
        .collect()
        .await
    {
        Ok(body) => Answer::Response {
            status,
            body: body.to_bytes(),
        },
        Err(error) if error.is::<LengthLimitError>() => Missing::TooLarge.into(),
        Err(_) => Missing::ConnectionLost.into(),
    }
}
