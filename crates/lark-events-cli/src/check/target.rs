//! The webhook under test: its URL, connections to it, and requests on them.

use std::io;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Request, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::answer::{Answer, Missing, Posted};

/// How long the platform waits for a connection.
const CONNECT_LIMIT: Duration = Duration::from_secs(2);
/// More than any answer to an event has.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;

#[derive(Clone)]
pub(crate) struct Target {
    authority: Authority,
    path: PathAndQuery,
    tls: Option<TlsConnector>,
}

/// A connection, encrypted or not.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

impl FromStr for Target {
    type Err = &'static str;

    fn from_str(url: &str) -> Result<Self, &'static str> {
        const FORM: &str = "the webhook is no http:// or https:// URL";
        let parts = url.parse::<Uri>().map_err(|_| FORM)?.into_parts();
        let scheme = parts.scheme.ok_or(FORM)?;
        if scheme != Scheme::HTTP && scheme != Scheme::HTTPS {
            return Err(FORM);
        }
        Ok(Self {
            authority: parts.authority.ok_or(FORM)?,
            path: parts
                .path_and_query
                .unwrap_or(PathAndQuery::from_static("/")),
            tls: (scheme == Scheme::HTTPS).then(connector).transpose()?,
        })
    }
}

/// Trusts whom this machine trusts, and Mozilla's roots.
fn connector() -> Result<TlsConnector, &'static str> {
    let mut roots = RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|_| "TLS cannot be set up")?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

impl Target {
    pub(crate) async fn connect(&self) -> Result<Box<dyn Stream>, Missing> {
        let connect = timeout(CONNECT_LIMIT, self.dial()).await;
        let connect = connect.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        connect.map_err(Missing::Unreachable)
    }

    async fn dial(&self) -> io::Result<Box<dyn Stream>> {
        // The brackets of an IPv6 address belong to the URL.
        let host = self.authority.host().trim_matches(['[', ']']);
        let port = if self.tls.is_some() { 443 } else { 80 };
        let port = self.authority.port_u16().unwrap_or(port);
        let socket = TcpStream::connect((host, port)).await?;
        socket.set_nodelay(true)?;
        let Some(tls) = &self.tls else {
            return Ok(Box::new(socket));
        };
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        Ok(Box::new(tls.connect(name, socket).await?))
    }

    /// The first line and the headers of a POST that says to have `length` bytes.
    pub(crate) fn head(&self, request: &Request<Bytes>, length: usize) -> Vec<u8> {
        let mut head = format!(
            "POST {} HTTP/1.1\r\nhost: {}\r\ncontent-length: {length}\r\n",
            self.path, self.authority
        )
        .into_bytes();
        for (name, value) in request.headers() {
            head.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
        }
        head.extend(b"\r\n");
        head
    }

    /// Sends a request on a connection of its own, as the simulator made it but for the path.
    pub(crate) async fn send(&self, request: Request<Bytes>, limit: Duration) -> Posted {
        let stream = self.connect().await?;
        let answered = timeout(limit, self.exchange(stream, request)).await;
        answered
            .map_err(|_| Missing::TimedOut)?
            .ok_or(Missing::Closed)
    }

    async fn exchange(&self, stream: Box<dyn Stream>, request: Request<Bytes>) -> Option<Answer> {
        let started = Instant::now();
        let mut request = request.map(Full::new);
        let host = HeaderValue::from_str(self.authority.as_str()).ok()?;
        request.headers_mut().insert(HOST, host);
        *request.uri_mut() = self.path.clone().into();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
        let answer = async {
            let response = sender.send_request(request).await.ok()?;
            let (parts, body) = response.into_parts();
            let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await.ok()?;
            let content_type = parts.headers.get(CONTENT_TYPE);
            let content_type = content_type.and_then(|value| value.to_str().ok());
            Some(Answer {
                status: parts.status,
                content_type: content_type.unwrap_or_default().to_owned(),
                body: body.to_bytes(),
                took: started.elapsed(),
            })
        };
        // When the connection is the first to end, what it read is still there to be taken.
        let mut answer = std::pin::pin!(answer);
        tokio::select! {
            biased;
            answer = &mut answer => return answer,
            _ = connection => {}
        }
        answer.await
    }
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Target({}{})", self.authority, self.path)
    }
}
