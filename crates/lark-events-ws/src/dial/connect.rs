//! Connecting: the address request, then the upgrade at that address.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, USER_AGENT};
use http::{HeaderMap, HeaderValue, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Collected, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use lark_events::limits::MAX_EVENT_BYTES;
use lark_events_dial::{BoxStream, Dialer, is_secure};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use crate::dial::endpoint::{self, Credentials, Ticket};
use crate::error::{ConnectError, ConnectErrorKind};
use crate::wire::config::ClientConfig;

/// The largest answer to an address request.
const MAX_ANSWER_BYTES: usize = 64 * 1024;
/// The size of one read: some ten events. The buffer is zeroed before each read.
pub(crate) const READ_BUFFER_BYTES: usize = 16 * 1024;
/// The largest message that does not end the connection. A message that is too large for an event is
/// answered as failed.
const MAX_MESSAGE_BYTES: usize = 4 * MAX_EVENT_BYTES;

/// Opens connections.
pub(crate) struct Connect {
    pub(crate) credentials: Credentials,
    /// The URL of the address request.
    pub(crate) endpoint: Uri,
    pub(crate) user_agent: HeaderValue,
    /// The app's headers for both requests.
    pub(crate) headers: HeaderMap,
    pub(crate) dialer: Dialer,
    /// The time-out of each step.
    pub(crate) timeout: Duration,
}

/// An open connection.
pub(crate) struct Connected {
    pub(crate) socket: WebSocketStream<BoxStream>,
    pub(crate) ticket: Ticket,
}

impl Connect {
    /// Requests an address and opens a connection there. Applies the platform's settings as soon as
    /// they are known.
    pub(crate) async fn connect(
        &self,
        config: &mut ClientConfig,
    ) -> Result<Connected, ConnectError> {
        let late = |_| ConnectError::new(ConnectErrorKind::TimedOut, "");
        let answer = timeout(self.timeout, self.call()).await.map_err(late)??;
        let ticket = Ticket::parse(&answer, config)?;
        if is_secure(&self.endpoint) && !is_secure(&ticket.uri) {
            return Err(ConnectError::new(
                ConnectErrorKind::Protocol,
                "the address does not use TLS",
            ));
        }
        let socket = timeout(self.timeout, self.open(&ticket))
            .await
            .map_err(late)??;
        Ok(Connected { socket, ticket })
    }

    async fn dial(&self, uri: &Uri) -> Result<BoxStream, ConnectError> {
        let dialed = self.dialer.dial(uri).await;
        dialed.map_err(|error| ConnectError::unreachable(&*error))
    }

    async fn call(&self) -> Result<Bytes, ConnectError> {
        let lost = |error: hyper::Error| ConnectError::unreachable(&error);
        let stream = self.dial(&self.endpoint).await?;
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(lost)?;
        let mut request = Request::post(self.endpoint.path())
            .body(Full::new(self.credentials.to_json()))
            .expect("the path of a URI");
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        // Like the official clients.
        headers.insert("locale", HeaderValue::from_static("zh"));
        self.add_headers(headers, &self.endpoint);

        let answer = async {
            let response = sender.send_request(request).await.map_err(lost)?;
            let status = response.status();
            let body = Limited::new(response.into_body(), MAX_ANSWER_BYTES);
            let body = body.collect().await.map(Collected::to_bytes);
            if status != StatusCode::OK {
                // A body that cannot be read has no more information than the status.
                return Err(endpoint::failed_call(status, &body.unwrap_or_default()));
            }
            body.map_err(|error| ConnectError::new(ConnectErrorKind::Protocol, error))
        };
        let mut answer = std::pin::pin!(answer);
        tokio::select! {
            biased;
            answer = &mut answer => return answer,
            _ = connection => {}
        }
        answer.await
    }

    async fn open(&self, ticket: &Ticket) -> Result<WebSocketStream<BoxStream>, ConnectError> {
        let uri = &ticket.uri;
        // The error texts may contain the address, which is a secret.
        let invalid = |_| ConnectError::new(ConnectErrorKind::Protocol, "no usable address");
        let mut request = uri.clone().into_client_request().map_err(invalid)?;
        self.add_headers(request.headers_mut(), uri);
        let stream = self.dial(uri).await?;
        let mut config = WebSocketConfig::default();
        config.max_message_size = Some(MAX_MESSAGE_BYTES);
        config.max_frame_size = Some(MAX_MESSAGE_BYTES);
        config.read_buffer_size = READ_BUFFER_BYTES;
        let opened = tokio_tungstenite::client_async_with_config(request, stream, Some(config));
        match opened.await {
            Ok((socket, _)) => Ok(socket),
            Err(Error::Http(refused)) => Err(endpoint::refusal(
                refused.status().as_u16(),
                refused.headers(),
            )),
            Err(error) => Err(lost(ConnectErrorKind::Unreachable, &error)),
        }
    }

    /// Adds the headers of both requests. An app's header replaces the default one.
    fn add_headers(&self, headers: &mut HeaderMap, uri: &Uri) {
        let host = uri
            .authority()
            .and_then(|at| HeaderValue::from_str(at.as_str()).ok());
        if let Some(host) = host {
            headers.insert(HOST, host);
        }
        headers.insert(USER_AGENT, self.user_agent.clone());
        for name in self.headers.keys() {
            headers.remove(name);
        }
        headers.extend(self.headers.clone());
    }
}

/// Omits the app's headers, which may be secrets.
impl fmt::Debug for Connect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connect")
            .field("credentials", &self.credentials)
            .field("endpoint", &self.endpoint)
            .field("dialer", &self.dialer)
            .finish_non_exhaustive()
    }
}

/// An error of the WebSocket, without the address in its text.
pub(crate) fn lost(kind: ConnectErrorKind, error: &Error) -> ConnectError {
    match error {
        Error::Io(error) => ConnectError::caused(kind, error),
        Error::Protocol(error) => ConnectError::caused(kind, error),
        Error::Capacity(error) => ConnectError::caused(kind, error),
        Error::Utf8(_) => ConnectError::new(kind, "a text message is not UTF-8"),
        _ => ConnectError::new(kind, ""),
    }
}
