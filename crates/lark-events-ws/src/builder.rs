//! Configuring a long connection.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use hyper_util::client::proxy::matcher::Matcher;
use lark_events::{LateHandler, MAX_EVENT_BYTES};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use zeroize::Zeroizing;

use crate::connection::LongConnection;
use crate::dial::connect::Connect;
use crate::dial::dialer::{BoxStream, Connector, Dialer, is_secure};
use crate::dial::endpoint::{self, Credentials};
use crate::monitor::State;
use crate::run::backoff::STABLE_AFTER;
use crate::run::{Listener, Runner};
use crate::session::Limits;

/// The platform of Feishu, in China.
pub const FEISHU: &str = "https://open.feishu.cn";
/// The platform of Lark, elsewhere.
pub const LARK: &str = "https://open.larksuite.com";

/// Handlers that run at once.
pub const DEFAULT_MAX_RUNNING: usize = 64;
/// All events of a connection that run, wait or are being joined.
pub const DEFAULT_MAX_BYTES_IN_FLIGHT: usize = 16 * MAX_EVENT_BYTES;
/// When an event without an outcome is answered as failed: the platform waits 3 s, of which some
/// go by on the way.
pub const DEFAULT_ACK_DEADLINE: Duration = Duration::from_millis(2500);
/// How long handlers may take to finish at a shutdown.
pub const DEFAULT_DRAIN_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the call for an address may take, and then the opening of the connection.
pub const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Headers that make the requests what they are.
const OURS: [HeaderName; 6] = [
    CONNECTION,
    CONTENT_LENGTH,
    CONTENT_TYPE,
    HOST,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Longer than this is as good as for ever, and can be added to a moment.
const MAX_WAIT: Duration = Duration::from_hours(24 * 365);

/// Builds a [`LongConnection`].
#[must_use = "a builder does nothing until it is built"]
pub struct LongConnectionBuilder {
    credentials: Credentials,
    base_url: String,
    limits: Limits,
    late: LateHandler,
    drain_timeout: Duration,
    /// Shorter in a soak test only.
    pub(crate) stable_after: Duration,
    connect_timeout: Duration,
    user_agent: Option<String>,
    headers: Vec<(String, String)>,
    proxy: Proxy,
    connector: Option<Connector>,
    listener: Option<Listener>,
    #[cfg(feature = "tls")]
    tls: Option<Arc<tokio_rustls::rustls::ClientConfig>>,
}

enum Proxy {
    FromEnv,
    None,
    Url(String),
}

impl LongConnectionBuilder {
    pub(crate) fn new(app_id: String, app_secret: String) -> Self {
        Self {
            credentials: Credentials {
                app_id: app_id.into(),
                app_secret: Zeroizing::new(app_secret),
            },
            base_url: FEISHU.to_owned(),
            limits: Limits {
                max_running: DEFAULT_MAX_RUNNING,
                max_bytes_in_flight: DEFAULT_MAX_BYTES_IN_FLIGHT,
                ack_deadline: DEFAULT_ACK_DEADLINE,
            },
            late: LateHandler::Finish,
            drain_timeout: DEFAULT_DRAIN_TIMEOUT,
            stable_after: STABLE_AFTER,
            connect_timeout: DEFAULT_CONNECT_TIMEOUT,
            user_agent: None,
            headers: Vec::new(),
            proxy: Proxy::FromEnv,
            connector: None,
            listener: None,
            #[cfg(feature = "tls")]
            tls: None,
        }
    }

    /// Sets the platform: [`FEISHU`] unless set, [`LARK`], or that of a private deployment or a
    /// test.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = url.into();
        self
    }

    /// Sets how many handlers of this connection run at once: [`DEFAULT_MAX_RUNNING`] unless set.
    /// Up to 4096 further events wait until their deadline; more are answered as failed at once. Callbacks,
    /// whose users wait, have 32 slots besides, and go before events that wait.
    pub fn max_running(mut self, handlers: usize) -> Self {
        self.limits.max_running = handlers;
        self
    }

    /// Bounds the bytes of all events of this connection that run, wait or are being joined:
    /// [`DEFAULT_MAX_BYTES_IN_FLIGHT`] unless set. An event beyond is answered as failed; fragments
    /// beyond are dropped, and the platform gets no answer.
    pub fn max_bytes_in_flight(mut self, bytes: usize) -> Self {
        self.limits.max_bytes_in_flight = bytes;
        self
    }

    /// Sets when an event without an outcome is answered as failed, from its first frame:
    /// [`DEFAULT_ACK_DEADLINE`] unless set. What is not started by then is not started, as the
    /// platform delivers it again: nor is an event whose fragments take as long to come.
    pub fn ack_deadline(mut self, deadline: Duration) -> Self {
        self.limits.ack_deadline = deadline;
        self
    }

    /// Sets what becomes of a handler whose event has missed its deadline: it finishes unless set,
    /// and keeps its place among those that run.
    pub fn late(mut self, late: LateHandler) -> Self {
        self.late = late;
        self
    }

    /// Sets how long handlers may take to finish at a shutdown: [`DEFAULT_DRAIN_TIMEOUT`] unless
    /// set.
    pub fn drain_timeout(mut self, timeout: Duration) -> Self {
        self.drain_timeout = timeout;
        self
    }

    /// Sets how long the call for an address may take, and then the opening of the connection:
    /// [`DEFAULT_CONNECT_TIMEOUT`] each unless set.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets the user agent.
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = Some(user_agent.into());
        self
    }

    /// Adds a header to the call for an address and to the upgrade, for gateways on the way. Those
    /// of HTTP and of the upgrade itself cannot be set.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Goes through an HTTP proxy, by CONNECT: `http://[user:password@]host:port`. Unless set, the
    /// environment decides: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`. Through a proxy
    /// of another kind, such as SOCKS, nothing is connected.
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.proxy = Proxy::Url(url.into());
        self
    }

    /// Goes through no proxy, whatever the environment says.
    pub fn no_proxy(mut self) -> Self {
        self.proxy = Proxy::None;
        self
    }

    /// Sets whom to trust, and how: the roots of the web (feature `webpki-roots`) unless set.
    #[cfg(feature = "tls")]
    pub fn tls_config(
        mut self,
        config: impl Into<Arc<tokio_rustls::rustls::ClientConfig>>,
    ) -> Self {
        self.tls = Some(config.into());
        self
    }

    /// Opens streams with `connect` instead of sockets of its own: for other proxies, or for tests
    /// with streams in memory. It is given the scheme (`http`, `https`, `ws` or `wss`), host and port
    /// to connect to. TLS is its business then, and settings of proxies and TLS here count for
    /// nothing.
    pub fn connect_with<F, Fut, S>(mut self, connect: F) -> Self
    where
        F: Fn(Uri) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = io::Result<S>> + Send + 'static,
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        self.connector = Some(Arc::new(move |uri| {
            let connecting = connect(uri);
            Box::pin(async move { Ok(Box::new(connecting.await?) as BoxStream) })
        }));
        self
    }

    /// Has `listener` told of each state when it is entered, those included that
    /// [`Monitor::watch`](crate::Monitor::watch) is too slow to see. It must not block.
    pub fn on_state(mut self, listener: impl Fn(&State) + Send + Sync + 'static) -> Self {
        self.listener = Some(Listener(Arc::new(listener)));
        self
    }

    /// Builds the connection, which connects to nothing before it is run.
    ///
    /// # Errors
    ///
    /// [`BuildError`] when a setting cannot be used.
    pub fn build(self) -> Result<LongConnection, BuildError> {
        if self.credentials.app_id.is_empty() || self.credentials.app_secret.is_empty() {
            return Err(BuildError::NoCredentials);
        }
        let Limits {
            max_running,
            max_bytes_in_flight,
            ack_deadline,
        } = self.limits;
        if max_running == 0 || max_bytes_in_flight == 0 || ack_deadline.is_zero() {
            return Err(BuildError::NothingAllowed);
        }
        let base = self.base_url.trim_end_matches('/');
        let endpoint: Uri = format!("{base}{}", endpoint::PATH)
            .parse()
            .map_err(|_| BuildError::InvalidBaseUrl)?;
        let http = matches!(endpoint.scheme_str(), Some("http" | "https"));
        let bare = endpoint.query().is_none()
            && endpoint
                .authority()
                .is_some_and(|at| !at.as_str().contains('@'));
        if !http || !bare {
            return Err(BuildError::InvalidBaseUrl);
        }
        let agent = self.user_agent.as_deref();
        let agent = agent.unwrap_or(concat!("lark-events-ws/", env!("CARGO_PKG_VERSION")));
        let user_agent = HeaderValue::from_str(agent).map_err(|_| BuildError::InvalidHeader)?;
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let name: HeaderName = name.parse().map_err(|_| BuildError::InvalidHeader)?;
            let mut value: HeaderValue = value.parse().map_err(|_| BuildError::InvalidHeader)?;
            if OURS.contains(&name) || name.as_str().starts_with("sec-websocket-") {
                return Err(BuildError::InvalidHeader);
            }
            value.set_sensitive(true);
            headers.append(name, value);
        }
        let dialer = self.dialer(&endpoint)?;
        Ok(LongConnection {
            runner: Runner {
                limits: Limits {
                    ack_deadline: self.limits.ack_deadline.min(MAX_WAIT),
                    ..self.limits
                },
                late: self.late,
                is_one_of_several: false,
                drain_timeout: self.drain_timeout.min(MAX_WAIT),
                stable_after: self.stable_after,
                listener: self.listener,
                state: watch::Sender::new(State::default()),
                counters: Arc::default(),
                connect: Connect {
                    user_agent,
                    headers,
                    timeout: self.connect_timeout.min(MAX_WAIT),
                    dialer,
                    endpoint,
                    credentials: self.credentials,
                },
            },
        })
    }

    fn dialer(&self, endpoint: &Uri) -> Result<Dialer, BuildError> {
        if let Some(connector) = &self.connector {
            return Ok(Dialer::Custom(Arc::clone(connector)));
        }
        let proxies = match &self.proxy {
            Proxy::FromEnv => Matcher::from_env(),
            Proxy::None => Matcher::builder().build(),
            Proxy::Url(url) => {
                let uri: Uri = url.parse().map_err(|_| BuildError::InvalidProxy)?;
                if uri.scheme_str() != Some("http") || uri.host().is_none() {
                    return Err(BuildError::InvalidProxy);
                }
                Matcher::builder().all(url.as_str()).build()
            }
        };
        #[cfg(feature = "tls")]
        let tls = self.tls.clone().or_else(crate::dial::tls::default_config);
        #[cfg(not(feature = "tls"))]
        let tls = None::<()>;
        if tls.is_none() && is_secure(endpoint) {
            return Err(BuildError::NoTls);
        }
        Ok(Dialer::Sockets {
            proxies: Arc::new(proxies),
            #[cfg(feature = "tls")]
            tls: tls.map(Into::into),
        })
    }
}

impl fmt::Debug for LongConnectionBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LongConnectionBuilder")
            .field("credentials", &self.credentials)
            .field("base_url", &self.base_url)
            .finish_non_exhaustive()
    }
}

/// Why a long connection cannot be built.
#[derive(Debug)]
#[non_exhaustive]
pub enum BuildError {
    /// The app's id or secret is the empty text.
    NoCredentials,
    /// The base URL is none of `http://` or `https://` without a user or a query.
    InvalidBaseUrl,
    /// The proxy is none of `http://`.
    InvalidProxy,
    /// A bound or the ack deadline is 0: no event could be handled.
    NothingAllowed,
    /// There is no connection to run.
    NoConnection,
    /// The user agent, or a header of the app's own, cannot be sent.
    InvalidHeader,
    /// The base URL is `https://`, and there is no TLS, or nobody to trust.
    NoTls,
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoCredentials => "the app's id or secret is empty",
            Self::InvalidBaseUrl => "the base URL is not a plain http:// or https:// one",
            Self::InvalidProxy => "the proxy is not an http:// URL",
            Self::NothingAllowed => "a bound or the ack deadline is 0",
            Self::NoConnection => "there is no connection to run",
            Self::InvalidHeader => "a header cannot be sent",
            Self::NoTls => "an https:// base URL needs TLS and somebody to trust",
        })
    }
}

impl std::error::Error for BuildError {}
