//! The webhook under test: its URL, connections to it, and requests on them.

use std::error::Error as _;
use std::io;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Request, Uri};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
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
    port: u16,
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
        let authority = parts.authority.ok_or(FORM)?;
        if authority.as_str().contains('@') {
            return Err("the webhook's URL has a user in it, who would not be sent");
        }
        let port = authority.as_str()[authority.host().len()..].trim_start_matches(':');
        let port = match port {
            "" if scheme == Scheme::HTTPS => 443,
            "" => 80,
            port => port
                .parse()
                .map_err(|_| "the webhook's URL has no port that there is")?,
        };
        Ok(Self {
            authority,
            port,
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
        let socket = TcpStream::connect((host, self.port)).await?;
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
        answered.map_err(|_| Missing::TimedOut)?
    }

    async fn exchange(&self, stream: Box<dyn Stream>, request: Request<Bytes>) -> Posted {
        let started = Instant::now();
        let mut request = request.map(Full::new);
        let host = HeaderValue::from_str(self.authority.as_str());
        request
            .headers_mut()
            .insert(HOST, host.expect("an authority is visible ASCII"));
        *request.uri_mut() = self.path.clone().into();
        let handshake = http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = handshake.map_err(|error| without_head(&error))?;
        let answer = async {
            let response = sender.send_request(request).await;
            let (parts, body) = response.map_err(|error| without_head(&error))?.into_parts();
            let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await;
            let body = body.map_err(|error| match error.is::<LengthLimitError>() {
                true => Missing::TooLarge,
                false => Missing::Closed,
            })?;
            let content_type = parts.headers.get(CONTENT_TYPE);
            let content_type = content_type.and_then(|value| value.to_str().ok());
            Ok(Answer {
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

/// Why no status came.
fn without_head(error: &hyper::Error) -> Missing {
    let cause = error.source().and_then(|cause| cause.downcast_ref());
    // Web servers wait for the request. What I/O fails at has a cause of its own.
    let spoke_first = cause.is_some_and(|cause: &hyper::Error| cause.source().is_none());
    if error.is_parse() || spoke_first {
        Missing::NotHttp
    } else {
        Missing::Closed
    }
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Target({}{})", self.authority, self.path)
    }
}
