//! Posts to a webhook's URL: one request per connection.

use std::error::Error as _;
use std::fmt;
use std::io;
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use http::header::HOST;
use http::{Request, Response};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Body;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use lark_events::BoxError;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::WebhookUrl;
use crate::MAX_ANSWER_BYTES;

/// The time limit of connecting, including TLS.
const CONNECT_LIMIT: Duration = Duration::from_secs(2);

/// Connects to webhooks as the platform does, for tools that send requests themselves, such as those of
/// [`PlatformBuilder::request`](crate::PlatformBuilder::request).
///
/// ```
/// use http_body_util::Full;
/// use lark_events_sim::{Document, Platform, Poster, WebhookUrl};
///
/// # async fn post(url: WebhookUrl) -> Result<(), Box<dyn std::error::Error>> {
/// let app = Platform::builder().verification_token("token");
/// let request = app.request(Document::v2("kitchen.tea.ready_v1", &["green"])?);
/// let connection = Poster::new().connect(&url).await?;
/// let response = connection.send(request.map(Full::new)).await?;
/// assert_eq!(response.status(), 200);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Poster {
    #[cfg(feature = "webhook-tls")]
    tls: Option<tokio_rustls::TlsConnector>,
}

impl Poster {
    /// Creates a poster for `http://` URLs.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the TLS configuration for `https://` URLs, with its cryptography provider and the root certificates
    /// that you trust.
    #[cfg(feature = "webhook-tls")]
    #[must_use]
    pub fn tls_config(
        mut self,
        config: impl Into<std::sync::Arc<tokio_rustls::rustls::ClientConfig>>,
    ) -> Self {
        self.tls = Some(config.into().into());
        self
    }

    /// Whether it has the TLS configuration for a URL, if needed.
    pub(super) fn takes(&self, url: &WebhookUrl) -> bool {
        #[cfg(feature = "webhook-tls")]
        let has_tls = self.tls.is_some();
        #[cfg(not(feature = "webhook-tls"))]
        let has_tls = false;
        has_tls || !url.is_https()
    }

    /// Connects to a webhook, within two seconds.
    ///
    /// # Errors
    ///
    /// Returns a [`PostError`] of kind [`Unreachable`](PostErrorKind::Unreachable), with the reason
    /// as its source.
    pub async fn connect(&self, url: &WebhookUrl) -> Result<WebhookConnection, PostError> {
        let connected = timeout(CONNECT_LIMIT, self.dial(url)).await;
        let connected = connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        match connected {
            Ok(stream) => Ok(WebhookConnection {
                url: url.clone(),
                stream,
            }),
            Err(error) => Err(PostError::new(PostErrorKind::Unreachable, error)),
        }
    }

    async fn dial(&self, url: &WebhookUrl) -> io::Result<Box<dyn Stream>> {
        if !self.takes(url) {
            return Err(io::Error::other(
                "there is no TLS configuration: set tls_config",
            ));
        }
        let socket = TcpStream::connect((url.host(), url.port)).await?;
        socket.set_nodelay(true)?;
        #[cfg(feature = "webhook-tls")]
        if let Some(tls) = self.tls.as_ref().filter(|_| url.is_https()) {
            use tokio_rustls::rustls::pki_types::ServerName;
            let name = ServerName::try_from(url.host().to_owned()).map_err(io::Error::other)?;
            return Ok(Box::new(tls.connect(name, socket).await?));
        }
        Ok(Box::new(socket))
    }
}

impl fmt::Debug for Poster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Poster").finish_non_exhaustive()
    }
}

/// A connection, encrypted or not.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// An open connection to a webhook, for one request.
pub struct WebhookConnection {
    url: WebhookUrl,
    stream: Box<dyn Stream>,
}

impl WebhookConnection {
    /// Sends a request to the webhook's host and path, in place of the request's own, and waits for
    /// the whole response, without a time limit. Then closes the connection.
    ///
    /// # Errors
    ///
    /// Returns a [`PostError`] if there is no response, or if it is too large.
    pub async fn send<B>(self, mut request: Request<B>) -> Result<Response<Bytes>, PostError>
    where
        B: Body<Data: Send, Error: Into<BoxError>> + 'static,
    {
        let Self { url, stream } = self;
        request.headers_mut().insert(HOST, url.host_header());
        *request.uri_mut() = url.path.into();
        let handshake = http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = handshake.map_err(without_head)?;
        let response = async {
            let response = sender.send_request(request).await;
            collect(response.map_err(without_head)?).await
        };
        // This future owns the connection, so that both end together. If the connection ends first,
        // the response can still be received.
        let mut response = pin!(response);
        tokio::select! {
            biased;
            response = &mut response => return response,
            _ = connection => {}
        }
        response.await
    }
}

impl fmt::Debug for WebhookConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookConnection")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

/// Reads a response to its end, up to the limit.
pub(super) async fn collect<B>(response: Response<B>) -> Result<Response<Bytes>, PostError>
where
    B: Body<Error: Into<BoxError>>,
{
    let (parts, body) = response.into_parts();
    match Limited::new(body, MAX_ANSWER_BYTES).collect().await {
        Ok(body) => Ok(Response::from_parts(parts, body.to_bytes())),
        Err(error) if error.is::<LengthLimitError>() => {
            Err(PostError::new(PostErrorKind::TooLarge, error))
        }
        Err(error) => Err(PostError::new(PostErrorKind::Closed, error)),
    }
}

/// Why there is no status.
fn without_head(error: hyper::Error) -> PostError {
    let cause = error.source().and_then(|cause| cause.downcast_ref());
    // Web servers wait for the request. An I/O error has a source.
    let spoke_first = cause.is_some_and(|cause: &hyper::Error| cause.source().is_none());
    let kind = if error.is_parse() || spoke_first {
        PostErrorKind::NotHttp
    } else {
        PostErrorKind::Closed
    };
    PostError::new(kind, error)
}

/// The error of a request without a response.
#[derive(Debug)]
pub struct PostError {
    kind: PostErrorKind,
    source: BoxError,
}

/// The kinds of [`PostError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PostErrorKind {
    /// The connection failed, or the webhook is not trusted.
    Unreachable,
    /// The connection was closed before the end of the response.
    Closed,
    /// The answer is not HTTP.
    NotHttp,
    /// The response is larger than [`MAX_ANSWER_BYTES`].
    TooLarge,
}

impl PostError {
    fn new(kind: PostErrorKind, source: impl Into<BoxError>) -> Self {
        let source = source.into();
        Self { kind, source }
    }

    /// The kind of the error.
    #[must_use]
    pub fn kind(&self) -> PostErrorKind {
        self.kind
    }
}

impl fmt::Display for PostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            PostErrorKind::Unreachable => "cannot connect to the webhook",
            PostErrorKind::Closed => "the connection was closed without an answer",
            PostErrorKind::NotHttp => "the answer is not HTTP",
            PostErrorKind::TooLarge => "the answer is too large",
        })
    }
}

impl std::error::Error for PostError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.source)
    }
}
