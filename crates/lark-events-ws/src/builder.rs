//! Configuring a long connection.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, TRANSFER_ENCODING, UPGRADE, USER_AGENT,
};
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use lark_events::LateHandler;
use lark_events_dial::{BaseUrl, Connector, Dialer, Domain, Proxy, Tls, connector};
use lark_events_layers::run::{
    DEFAULT_ACK_DEADLINE, DEFAULT_MAX_BYTES_IN_FLIGHT, DEFAULT_MAX_RUNNING,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use zeroize::Zeroizing;

use crate::connection::LongConnection;
use crate::dial::connect::Connect;
use crate::dial::endpoint::{self, Credentials};
use crate::error::{LongConnectionBuildError as BuildError, LongConnectionBuildErrorKind as Kind};
use crate::monitor::State;
use crate::run::backoff::STABLE_AFTER;
use crate::run::{Listener, Runner};
use crate::session::Limits;

/// The default time for handlers to finish at a shutdown: 10 seconds.
pub const DEFAULT_DRAIN_TIMEOUT: Duration = Duration::from_secs(10);
/// The default time-out of each connection step, the address request and the upgrade: 10 seconds.
pub const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Headers that the connection sets itself.
const OURS: [HeaderName; 6] = [
    CONNECTION,
    CONTENT_LENGTH,
    CONTENT_TYPE,
    HOST,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// A duration that is practically forever, and can be added to an instant.
const MAX_WAIT: Duration = Duration::from_hours(24 * 365);

/// Builds a [`LongConnection`].
#[derive(Clone)]
#[must_use = "a builder does nothing until it is built"]
pub struct LongConnectionBuilder {
    credentials: Credentials,
    domain: Domain,
    limits: Limits,
    late: LateHandler,
    drain_timeout: Duration,
    /// Shorter only in a soak test.
    pub(crate) stable_after: Duration,
    connect_timeout: Duration,
    user_agent: Option<String>,
    headers: Vec<(String, String)>,
    proxy: Proxy,
    connector: Option<Connector>,
    listener: Option<Listener>,
    tls: Tls,
}

impl LongConnectionBuilder {
    pub(crate) fn new(app_id: String, app_secret: String) -> Self {
        Self {
            credentials: Credentials {
                app_id: app_id.into(),
                app_secret: Zeroizing::new(app_secret),
            },
            domain: Domain::default(),
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
            tls: Tls::default(),
        }
    }

    /// Sets the platform: [`Domain::Feishu`] unless set.
    pub fn domain(mut self, domain: Domain) -> Self {
        self.domain = domain;
        self
    }

    /// Sets how many handlers of this connection run at once: [`DEFAULT_MAX_RUNNING`] by default. Up to 4096
    /// further events wait until their deadline; more are answered as failed at once. Callbacks have 32 more slots,
    /// because users wait for them, and start before waiting events.
    pub fn max_running(mut self, handlers: usize) -> Self {
        self.limits.max_running = handlers;
        self
    }

    /// Limits the bytes of all events of this connection that run, wait or are being reassembled:
    /// [`DEFAULT_MAX_BYTES_IN_FLIGHT`] by default. An event beyond the limit is answered as failed;
    /// fragments beyond it are dropped without an answer.
    pub fn max_bytes_in_flight(mut self, bytes: usize) -> Self {
        self.limits.max_bytes_in_flight = bytes;
        self
    }

    /// Sets when an event without an outcome is answered as failed, counted from its first frame:
    /// [`DEFAULT_ACK_DEADLINE`] by default. An event that is still waiting or incomplete by then is not started,
    /// because the platform redelivers it.
    pub fn ack_deadline(mut self, deadline: Duration) -> Self {
        self.limits.ack_deadline = deadline;
        self
    }

    /// Sets what happens to a handler that misses the ack deadline. By default it finishes, and counts
    /// as running until then.
    pub fn late(mut self, late: LateHandler) -> Self {
        self.late = late;
        self
    }

    /// Sets how long handlers may take to finish at a shutdown: [`DEFAULT_DRAIN_TIMEOUT`] by default; with 0, they
    /// are cancelled at once. (For a webhook, pass the time to `drain` of the service instead.)
    pub fn drain_timeout(mut self, timeout: Duration) -> Self {
        self.drain_timeout = timeout;
        self
    }

    /// Sets how long the address request may take, and then the upgrade: [`DEFAULT_CONNECT_TIMEOUT`]
    /// each by default.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets the value of the header `User-Agent`.
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = Some(user_agent.into());
        self
    }

    /// Adds a header to the address request and to the upgrade, for gateways in between. Headers that the
    /// connection sets itself are rejected by [`build`](Self::build).
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Connects through an HTTP proxy with CONNECT: `http://[user:password@]host:port`. By default the
    /// environment decides: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`. If these name a
    /// proxy of another kind, such as SOCKS, connecting fails.
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.proxy = Proxy::Url(url.into());
        self
    }

    /// Uses no proxy, whatever the environment says.
    pub fn no_proxy(mut self) -> Self {
        self.proxy = Proxy::None;
        self
    }

    /// Sets the TLS configuration. By default, the cryptography provider and the root certificates are those of the
    /// enabled features.
    #[cfg(feature = "tls")]
    pub fn tls_config(
        mut self,
        config: impl Into<Arc<tokio_rustls::rustls::ClientConfig>>,
    ) -> Self {
        self.tls = Tls::of(config.into());
        self
    }

    /// Opens connections with `connect`: for other kinds of proxies, or for tests with streams in memory. `connect`
    /// receives the scheme (`http`, `https`, `ws` or `wss`), host and port, and must do TLS itself. The builder's
    /// proxy and TLS settings have no effect.
    pub fn connect_with<F, Fut, S>(mut self, connect: F) -> Self
    where
        F: Fn(Uri) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = io::Result<S>> + Send + 'static,
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        self.connector = Some(connector(connect));
        self
    }

    /// Calls `listener` with each state that is entered, including states that
    /// [`Monitor::watch`](crate::Monitor::watch) is too slow to see. It must not block.
    pub fn on_state(mut self, listener: impl Fn(&State) + Send + Sync + 'static) -> Self {
        self.listener = Some(Listener(Arc::new(listener)));
        self
    }

    /// Builds the connection. It does not connect before it is run.
    ///
    /// # Errors
    ///
    /// [`LongConnectionBuildError`](crate::LongConnectionBuildError) when a setting cannot be used.
    pub fn build(self) -> Result<LongConnection, BuildError> {
        self.check()?;
        let endpoint = endpoint_of(&self.domain)?;
        let agent = self.user_agent.as_deref();
        let agent = agent.unwrap_or(concat!("lark-events-ws/", env!("CARGO_PKG_VERSION")));
        let user_agent = header_value(&USER_AGENT, agent)?;
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| {
                BuildError::new(
                    Kind::InvalidHeader,
                    "a header name has characters that HTTP does not allow",
                )
                .with_source(error)
            })?;
            let mut value = header_value(&name, value)?;
            if OURS.contains(&name) || name.as_str().starts_with("sec-websocket-") {
                let what = format!("the header `{name}` is set by the connection: remove it");
                return Err(BuildError::new(Kind::InvalidHeader, what));
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

    /// Rejects empty or zero settings.
    fn check(&self) -> Result<(), BuildError> {
        if self.credentials.app_id.is_empty() || self.credentials.app_secret.is_empty() {
            let what =
                "the app id or the app secret is empty: copy both from the developer console";
            return Err(BuildError::new(Kind::NoCredentials, what));
        }
        let Limits {
            max_running,
            max_bytes_in_flight,
            ack_deadline,
        } = self.limits;
        let settings = [
            ("max_running", max_running == 0),
            ("max_bytes_in_flight", max_bytes_in_flight == 0),
            ("ack_deadline", ack_deadline.is_zero()),
            ("connect_timeout", self.connect_timeout.is_zero()),
        ];
        match settings.into_iter().find(|(_, is_zero)| *is_zero) {
            None => Ok(()),
            Some((setting, _)) => {
                let what = format!(
                    "`{setting}` must be greater than 0, got 0: set a larger value or leave it unset"
                );
                Err(BuildError::new(Kind::Zero, what))
            }
        }
    }

    fn dialer(&self, endpoint: &Uri) -> Result<Dialer, BuildError> {
        if let Some(connector) = &self.connector {
            return Ok(Dialer::custom(Arc::clone(connector)));
        }
        let proxies = self.proxy.read().map_err(|error| {
            BuildError::new(Kind::InvalidProxy, error.to_string()).caused(error.into_cause())
        })?;
        let dialer = Dialer::sockets(endpoint, proxies, &self.tls);
        dialer.map_err(|error| BuildError::new(Kind::NoTls, error.to_string()))
    }
}

impl fmt::Debug for LongConnectionBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LongConnectionBuilder")
            .field("credentials", &self.credentials)
            .field("domain", &self.domain)
            .finish_non_exhaustive()
    }
}

/// The URL of the address request. The error texts do not contain the base URL, which may have a
/// password in it.
fn endpoint_of(domain: &Domain) -> Result<Uri, BuildError> {
    let base = BaseUrl::of(domain).map_err(|error| {
        BuildError::new(Kind::InvalidDomain, error.to_string()).caused(error.into_cause())
    })?;
    let endpoint = base.join(endpoint::PATH);
    Ok(endpoint.expect("a checked URL with a path"))
}

fn header_value(name: &HeaderName, value: &str) -> Result<HeaderValue, BuildError> {
    HeaderValue::from_str(value).map_err(|error| {
        let what =
            format!("the value of the header `{name}` has characters that HTTP does not allow");
        BuildError::new(Kind::InvalidHeader, what).with_source(error)
    })
}
