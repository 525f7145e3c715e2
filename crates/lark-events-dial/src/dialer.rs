//! Opening streams to the platform: TCP, through a proxy if there is one, and TLS over it.

use std::error::Error;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use http::Uri;
use http::uri::PathAndQuery;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tower::ServiceExt as _;

use crate::proxy::Proxies;
use crate::tls::{NoTls, Tls};

/// Any error.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// A stream to the platform.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A stream of any kind.
pub type BoxStream = Box<dyn Stream>;

/// A stream that is being opened.
pub type Connecting = Pin<Box<dyn Future<Output = io::Result<BoxStream>> + Send>>;
/// The app's own way to open streams, by scheme, host and port.
pub type Connector = Arc<dyn Fn(Uri) -> Connecting + Send + Sync>;

/// A connector that opens streams with a function of the app.
pub fn connector<F, Fut, S>(connect: F) -> Connector
where
    F: Fn(Uri) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = io::Result<S>> + Send + 'static,
    S: Stream + 'static,
{
    Arc::new(move |uri| {
        let connecting = connect(uri);
        Box::pin(async move { Ok(Box::new(connecting.await?) as BoxStream) })
    })
}

/// How to open streams.
#[derive(Clone)]
pub struct Dialer(Way);

#[derive(Clone)]
enum Way {
    /// Sockets of the operating system.
    Sockets {
        proxies: Proxies,
        #[cfg(feature = "tls")]
        tls: Option<tokio_rustls::TlsConnector>,
    },
    /// The app's own connector.
    Custom(Connector),
}

impl Dialer {
    /// Opens sockets.
    ///
    /// # Errors
    ///
    /// [`NoTls`] if `uri`, which is to be dialed, needs TLS, and there is no configuration for it.
    pub fn sockets(uri: &Uri, proxies: Proxies, tls: &Tls) -> Result<Self, NoTls> {
        #[cfg(feature = "tls")]
        let tls = tls.connector();
        #[cfg(feature = "tls")]
        let has_tls = tls.is_some();
        #[cfg(not(feature = "tls"))]
        let (Tls {}, has_tls) = (tls, false);
        if is_secure(uri) && !has_tls {
            return Err(NoTls);
        }
        Ok(Self(Way::Sockets {
            proxies,
            #[cfg(feature = "tls")]
            tls,
        }))
    }

    /// Calls the app's connector, with the scheme, host and port. It does TLS itself.
    #[must_use]
    pub fn custom(connector: Connector) -> Self {
        Self(Way::Custom(connector))
    }

    /// Opens a stream to a URI. Connectors and errors do not see its path and query, which may be
    /// secret.
    ///
    /// # Errors
    ///
    /// Whatever went wrong with the host, the proxy or TLS.
    pub async fn dial(&self, uri: &Uri) -> Result<BoxStream, BoxError> {
        let target = &target(uri);
        match &self.0 {
            Way::Custom(connector) => Ok(connector(target.clone()).await?),
            #[cfg(feature = "tls")]
            Way::Sockets {
                proxies,
                tls: Some(tls),
            } if is_secure(target) => {
                use tokio_rustls::rustls::pki_types::ServerName;
                let name = ServerName::try_from(host(target).to_owned())?;
                let socket = connect(proxies, target).await?;
                Ok(Box::new(tls.connect(name, socket).await?))
            }
            Way::Sockets { .. } if is_secure(target) => Err("no TLS is configured".into()),
            Way::Sockets { proxies, .. } => Ok(Box::new(connect(proxies, target).await?)),
        }
    }
}

impl fmt::Debug for Dialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            Way::Sockets { .. } => "Sockets",
            Way::Custom(_) => "Custom",
        })
    }
}

/// The scheme and authority only.
fn target(uri: &Uri) -> Uri {
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::from_static("/"));
    Uri::from_parts(parts).expect("an absolute URI with another path")
}

/// Whether a URI needs TLS.
#[must_use]
pub fn is_secure(uri: &Uri) -> bool {
    matches!(uri.scheme_str(), Some("https" | "wss"))
}

/// The host, without the brackets of an IPv6 address.
#[cfg(feature = "tls")]
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

/// Connects to the host of a URI, directly or through its proxy.
async fn connect(proxies: &Proxies, uri: &Uri) -> Result<TcpStream, BoxError> {
    // Proxies are chosen by the HTTP scheme, and receive host and port.
    let scheme = if is_secure(uri) { "https" } else { "http" };
    let authority = format!("{}:{}", uri.host().unwrap_or_default(), port(uri));
    let target = Uri::builder()
        .scheme(scheme)
        .authority(authority)
        .path_and_query("/")
        .build()?;
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    // Frames are small, and an answer must not wait for the next one.
    connector.set_nodelay(true);
    let Some(proxy) = proxies.intercept(&target) else {
        return Ok(connector.oneshot(target).await?.into_inner());
    };
    if proxy.uri().scheme_str() != Some("http") {
        // Proxies of other kinds must not receive a password in clear text.
        return Err("only http:// proxies are supported".into());
    }
    let mut tunnel = Tunnel::new(proxy.uri().clone(), connector);
    if let Some(auth) = proxy.basic_auth() {
        tunnel = tunnel.with_auth(auth.clone());
    }
    Ok(tunnel.oneshot(target).await?.into_inner())
}

#[cfg(test)]
mod tests {
    use hyper_util::client::proxy::matcher::Matcher;

    use super::*;

    #[tokio::test]
    async fn no_password_goes_to_a_proxy_that_is_not_an_http_one() {
        let target = Uri::from_static("http://platform.invalid/");
        for proxy in ["socks5://user:password@127.0.0.1:1", "https://127.0.0.1:1"] {
            let proxies = Proxies::of(Matcher::builder().all(proxy).build());
            let error = connect(&proxies, &target).await.unwrap_err();
            assert_eq!(error.to_string(), "only http:// proxies are supported");
        }
    }
}
