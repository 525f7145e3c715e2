//! The seam below the calls: one request, one response.

use std::error::Error;
use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use lark_events::BoxError;

/// Sends HTTP requests. Implement it for tests, or for an HTTP client of your own:
/// [`ApiBuilder::transport`](crate::ApiBuilder::transport).
///
/// ```
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use lark_events_api::{Api, Transport, TransportError};
///
/// struct Canned;
///
/// #[async_trait::async_trait]
/// impl Transport for Canned {
///     async fn send(&self, request: Request<Bytes>, _: usize) -> Result<Response<Bytes>, TransportError> {
///         let answer = if request.uri().path().ends_with("/tenant_access_token/internal") {
///             r#"{"code":0,"msg":"ok","tenant_access_token":"t-1","expire":7200}"#
///         } else {
///             r#"{"code":0,"msg":"ok","bot":{"app_name":"Tea","open_id":"ou_1"}}"#
///         };
///         Ok(Response::new(Bytes::from_static(answer.as_bytes())))
///     }
/// }
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// let api = Api::builder("cli_a1b2", "secret").transport(Canned).build()?;
/// assert_eq!(api.bot_info().await?.app_name.as_deref(), Some("Tea"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[async_trait]
pub trait Transport: Send + Sync + 'static {
    /// Sends a request to its URI, which is absolute, and returns the whole response, whatever its status. It must
    /// not follow redirects, and must not read more than `max_bytes` of a body. The caller drops the future at its
    /// deadline.
    ///
    /// # Errors
    ///
    /// [`TransportError`], which says whether the request can have reached the platform.
    async fn send(
        &self,
        request: Request<Bytes>,
        max_bytes: usize,
    ) -> Result<Response<Bytes>, TransportError>;
}

/// The error of a request without a response.
#[derive(Debug)]
pub struct TransportError {
    kind: Kind,
    source: BoxError,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    NotSent,
    Lost,
    TooLarge,
}

impl TransportError {
    /// The request was not sent: there is no connection.
    pub fn not_sent(source: impl Into<BoxError>) -> Self {
        Self::new(Kind::NotSent, source)
    }

    /// The connection was lost, and the platform may have handled the request.
    pub fn lost(source: impl Into<BoxError>) -> Self {
        Self::new(Kind::Lost, source)
    }

    /// The response is larger than allowed.
    pub fn too_large(source: impl Into<BoxError>) -> Self {
        Self::new(Kind::TooLarge, source)
    }

    fn new(kind: Kind, source: impl Into<BoxError>) -> Self {
        let source = source.into();
        Self { kind, source }
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// The kind and the reason.
    pub(crate) fn into_parts(self) -> (Kind, BoxError) {
        (self.kind, self.source)
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            Kind::NotSent => "the request was not sent",
            Kind::Lost => "the connection was lost",
            Kind::TooLarge => "the response is too large",
        })
    }
}

impl Error for TransportError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.source)
    }
}
