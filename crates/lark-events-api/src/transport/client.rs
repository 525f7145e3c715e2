//! The HTTP client: hyper with a pool of connections, over the dialer that the long connection has too.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use lark_events::BoxError;
use lark_events_dial::{BoxStream, Dialer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tower_service::Service;

use super::seam::{Transport, TransportError};

/// Less than servers usually keep an idle connection, so that few requests meet a closed one.
const MAX_IDLE: Duration = Duration::from_secs(30);

pub(crate) struct HttpClient(Client<Dial, Full<Bytes>>);

impl HttpClient {
    pub(crate) fn new(dialer: Dialer) -> Self {
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(MAX_IDLE)
            .build(Dial(dialer));
        Self(client)
    }
}

#[async_trait]
impl Transport for HttpClient {
    async fn send(
        &self,
        request: Request<Bytes>,
        max_bytes: usize,
    ) -> Result<Response<Bytes>, TransportError> {
        let answer = self.0.request(request.map(Full::new)).await;
        let answer = answer.map_err(|error| {
            if error.is_connect() {
                TransportError::not_sent(error)
            } else {
                TransportError::lost(error)
            }
        })?;
        let (parts, body) = answer.into_parts();
        match Limited::new(body, max_bytes).collect().await {
            Ok(body) => Ok(Response::from_parts(parts, body.to_bytes())),
            Err(error) if error.is::<LengthLimitError>() => Err(TransportError::too_large(error)),
            Err(error) => Err(TransportError::lost(error)),
        }
    }
}

/// Opens streams for the pool.
#[derive(Clone)]
struct Dial(Dialer);

impl Service<Uri> for Dial {
    type Response = TokioIo<Pooled>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let dialer = self.0.clone();
        Box::pin(async move {
            let stream = dialer.dial(&uri).await?;
            Ok(TokioIo::new(Pooled(stream)))
        })
    }
}

/// A stream in the pool.
struct Pooled(BoxStream);

impl Connection for Pooled {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl AsyncRead for Pooled {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Pooled {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
