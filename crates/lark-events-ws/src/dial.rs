//! Opening streams to the platform: TCP, through a proxy if there is one, and TLS over it.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use http::Uri;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::TokioIo;
use lark_events::BoxError;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tower::{ServiceExt as _, service_fn};

use crate::error::{ConnectError, ConnectErrorKind};

/// A stream to the platform.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

pub(crate) type BoxStream = Box<dyn Stream>;

type Connecting = Pin<Box<dyn Future<Output = io::Result<BoxStream>> + Send>>;
pub(crate) type Connector = Arc<dyn Fn(Uri) -> Connecting + Send + Sync>;

/// How to open streams.
#[derive(Clone)]
pub(crate) enum Dialer {
    Sockets {
        proxies: Arc<Matcher>,
        #[cfg(feature = "tls")]
        tls: Option<tokio_rustls::TlsConnector>,
    },
    /// What the app opens them with.
    Custom(Connector),
}

impl Dialer {
    pub(crate) async fn dial(&self, uri: &Uri) -> Result<BoxStream, ConnectError> {
        let unreachable =
            |error: &dyn fmt::Display| ConnectError::new(ConnectErrorKind::Unreachable, error);
        match self {
            Self::Custom(connector) => connector(uri.clone())
                .await
                .map_err(|error| unreachable(&error)),
            #[cfg(feature = "tls")]
            Self::Sockets {
                proxies,
                tls: Some(tls),
            } if is_secure(uri) => {
                use tokio_rustls::rustls::pki_types::ServerName;
                let name = ServerName::try_from(host(uri).to_owned());
                let name = name.map_err(|error| unreachable(&error))?;
                let socket = connect(proxies, uri)
                    .await
                    .map_err(|error| unreachable(&error))?;
                let stream = tls.connect(name, socket).await;
                let stream = stream.map_err(|error| unreachable(&error))?;
                Ok(Box::new(stream))
            }
            Self::Sockets { .. } if is_secure(uri) => Err(unreachable(&"there is no TLS")),
            Self::Sockets { proxies, .. } => {
                let socket = connect(proxies, uri)
                    .await
                    .map_err(|error| unreachable(&error))?;
                Ok(Box::new(socket))
            }
        }
    }
}

impl fmt::Debug for Dialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sockets { .. } => "Sockets",
            Self::Custom(_) => "Custom",
        })
    }
}

pub(crate) fn is_secure(uri: &Uri) -> bool {
    matches!(uri.scheme_str(), Some("https" | "wss"))
}

/// The host, without the brackets that belong to a URL.
fn host(uri: &Uri) -> &str {
    let host = uri.host().unwrap_or_default();
    host.strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host)
}

fn port(uri: &Uri) -> u16 {
    uri.port_u16()
        .unwrap_or(if is_secure(uri) { 443 } else { 80 })
}

/// Connects to where a URI says, or has its proxy do so.
async fn connect(proxies: &Matcher, uri: &Uri) -> Result<TcpStream, BoxError> {
    // Proxies are chosen by the scheme of HTTP, and told host and port.
    let scheme = if is_secure(uri) { "https" } else { "http" };
    let authority = format!("{}:{}", uri.host().unwrap_or_default(), port(uri));
    let target = Uri::builder()
        .scheme(scheme)
        .authority(authority)
        .path_and_query("/")
        .build()?;
    let Some(proxy) = proxies.intercept(&target) else {
        return Ok(tcp(&target).await?);
    };
    let connector = service_fn(|proxy: Uri| async move { tcp(&proxy).await.map(TokioIo::new) });
    let mut tunnel = Tunnel::new(proxy.uri().clone(), connector);
    if let Some(auth) = proxy.basic_auth() {
        tunnel = tunnel.with_auth(auth.clone());
    }
    Ok(tunnel.oneshot(target).await?.into_inner())
}

async fn tcp(uri: &Uri) -> io::Result<TcpStream> {
    let socket = TcpStream::connect((host(uri), port(uri))).await?;
    // Frames are small, and an answer must not wait for the next.
    socket.set_nodelay(true)?;
    Ok(socket)
}
