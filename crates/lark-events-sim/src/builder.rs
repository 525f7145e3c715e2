//! Configuring and starting a platform.

use std::fmt;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Body;
use lark_events::{BoxError, EncryptKey};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tower::Service;

use crate::api::{ApiState, TOKEN_LIFETIME};
use crate::attempt::Mode;
use crate::clock::{Clock, clock};
use crate::connection::{Acceptor, ClientConfig, Connections, serve};
use crate::document::Document;
use crate::fault::Faults;
use crate::platform::Platform;
use crate::random::Random;
use crate::shared::{App, Shared, Tasks};
use crate::stats::PlatformStats;
use crate::webhook::{Poster, Registration, Target, WebhookError, WebhookErrorKind, WebhookUrl};

/// The default id of the app. The official Node SDK accepts only ids of this form: `cli_` and 16
/// hexadecimal digits.
pub const APP_ID: &str = "cli_a1b2c3d4e5f60718";
/// The default secret of the app.
pub const APP_SECRET: &str = "app-secret";
/// The default Verification Token of the app.
pub const VERIFICATION_TOKEN: &str = "verification-token";
/// The default delays before the redeliveries, each counted from the failed attempt: 15 seconds, 5 minutes, 1 hour
/// and 6 hours.
pub const REDELIVERIES: [Duration; 4] = [
    Duration::from_secs(15),
    Duration::from_secs(5 * 60),
    Duration::from_secs(60 * 60),
    Duration::from_secs(6 * 60 * 60),
];
/// The default time that an app has to answer: 3 seconds.
pub const ANSWER_LIMIT: Duration = Duration::from_secs(3);
/// The default time that an app has to answer a URL check: 1 second.
pub const URL_CHECK_LIMIT: Duration = Duration::from_secs(1);
/// The default size above which events are fragmented: 64 KiB. The platform does not document its own.
pub const FRAGMENT_BYTES: usize = 64 * 1024;
/// The default time between two fragments of an event: 20 milliseconds. The platform does not document its own. The
/// official clients for Go and Java lose fragments that are sent back to back, and lose none with this gap.
pub const FRAGMENT_GAP: Duration = Duration::from_millis(20);

/// Stands for ever, and can be added to an `Instant` without overflow.
pub(crate) const MAX_WAIT: Duration = Duration::from_hours(24 * 365);

/// Builds a [`Platform`].
#[must_use = "a builder does nothing until it is started"]
pub struct PlatformBuilder {
    app: App,
    webhook: Option<Result<Target, WebhookError>>,
    poster: Poster,
    path: Option<String>,
    events_by: Option<Mode>,
    callbacks_by: Option<Mode>,
    redeliver_after: Vec<Duration>,
    answer_limit: Duration,
    url_check_limit: Duration,
    fragment_bytes: usize,
    fragment_gap: Duration,
    config: ClientConfig,
    clock: Option<Clock>,
    seed: Option<u64>,
    token_lifetime: Duration,
    port: u16,
    #[cfg(feature = "tls")]
    tls: bool,
}

impl PlatformBuilder {
    pub(crate) fn new() -> Self {
        Self {
            app: App {
                id: APP_ID.to_owned(),
                secret: APP_SECRET.to_owned(),
                key: None,
                token: VERIFICATION_TOKEN.to_owned(),
            },
            webhook: None,
            poster: Poster::new(),
            path: None,
            events_by: None,
            callbacks_by: None,
            redeliver_after: REDELIVERIES.to_vec(),
            answer_limit: ANSWER_LIMIT,
            url_check_limit: URL_CHECK_LIMIT,
            fragment_bytes: FRAGMENT_BYTES,
            fragment_gap: FRAGMENT_GAP,
            config: ClientConfig::default(),
            clock: None,
            seed: None,
            token_lifetime: TOKEN_LIFETIME,
            port: 0,
            #[cfg(feature = "tls")]
            tls: false,
        }
    }

    /// Sets the app's id and secret; [`APP_ID`] and [`APP_SECRET`] by default.
    pub fn app(mut self, id: impl Into<String>, secret: impl Into<String>) -> Self {
        self.app.id = id.into();
        self.app.secret = secret.into();
        self
    }

    /// Sets how long tokens of the API are valid; [`TOKEN_LIFETIME`] by default.
    pub fn token_lifetime(mut self, lifetime: Duration) -> Self {
        self.token_lifetime = lifetime;
        self
    }

    /// Sets the app's Encrypt Key, with which requests are encrypted and signed. By default, there is no key, and
    /// requests are neither encrypted nor signed.
    pub fn encrypt_key(mut self, key: impl Into<EncryptKey>) -> Self {
        self.app.key = Some(key.into());
        self
    }

    /// Sets the app's Verification Token; [`VERIFICATION_TOKEN`] by default.
    pub fn verification_token(mut self, token: impl Into<String>) -> Self {
        self.app.token = token.into();
        self
    }

    /// Sets the app's webhook, at an `http://` or `https://` URL. [`start`](Self::start) checks it.
    pub fn webhook(mut self, url: &str) -> Self {
        let url = url.parse::<WebhookUrl>();
        self.webhook = Some(url.map(Target::Url).map_err(Into::into));
        self
    }

    /// Sets the TLS configuration for webhooks at `https://`, with its cryptography provider and the root
    /// certificates that you trust.
    #[cfg(feature = "webhook-tls")]
    pub fn webhook_tls_config(
        mut self,
        config: impl Into<Arc<tokio_rustls::rustls::ClientConfig>>,
    ) -> Self {
        self.poster = self.poster.tls_config(config);
        self
    }

    /// Sets the app's webhook, in this process. It needs no socket, so that it works with a paused clock.
    /// [`start`](Self::start) checks it.
    pub fn webhook_service<S, B>(mut self, service: S) -> Self
    where
        S: Service<Request<Full<Bytes>>, Response = Response<B>> + Clone + Send + Sync + 'static,
        S::Future: Send,
        S::Error: Into<BoxError>,
        B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
    {
        self.webhook = Some(Ok(Target::local(service)));
        self
    }

    /// Sets the path, and optionally the query, of requests to the
    /// [`webhook_service`](Self::webhook_service); `/` by default. Use it for a webhook that is
    /// nested in a router. [`start`](Self::start) checks it. A webhook at a URL has its path in the
    /// URL.
    pub fn path(mut self, path: &str) -> Self {
        self.path = Some(path.to_owned());
        self
    }

    /// Sets how events are delivered: by default, to the webhook if one is set, otherwise on a long connection.
    pub fn events_by(mut self, mode: Mode) -> Self {
        self.events_by = Some(mode);
        self
    }

    /// Sets how callbacks are delivered: by default, to the webhook if one is set, otherwise on a long connection.
    pub fn callbacks_by(mut self, mode: Mode) -> Self {
        self.callbacks_by = Some(mode);
        self
    }

    /// Sets the delays before the redeliveries, each counted from the failed attempt; [`REDELIVERIES`] by default.
    /// There are as many redeliveries as delays.
    pub fn redeliver_after(mut self, waits: impl IntoIterator<Item = Duration>) -> Self {
        self.redeliver_after = waits.into_iter().collect();
        self
    }

    /// Sets the time that an app has to answer; [`ANSWER_LIMIT`] by default.
    pub fn answer_limit(mut self, limit: Duration) -> Self {
        self.answer_limit = limit;
        self
    }

    /// Sets the time that an app has to answer a URL check; [`URL_CHECK_LIMIT`] by default.
    pub fn url_check_limit(mut self, limit: Duration) -> Self {
        self.url_check_limit = limit;
        self
    }

    /// Sets the size in bytes above which events are fragmented; [`FRAGMENT_BYTES`] by default.
    ///
    /// # Panics
    ///
    /// Panics if `bytes` is 0.
    #[track_caller]
    pub fn fragment_above(mut self, bytes: usize) -> Self {
        assert!(bytes > 0, "a fragment has at least 1 byte");
        self.fragment_bytes = bytes;
        self
    }

    /// Sets the time between two fragments of an event; [`FRAGMENT_GAP`] by default. At 0 they come back to
    /// back. The [answer limit](Self::answer_limit) starts with the last fragment.
    pub fn fragment_gap(mut self, gap: Duration) -> Self {
        self.fragment_gap = gap;
        self
    }

    /// Sets the client configuration that the platform sends on long connections.
    pub fn client_config(mut self, config: ClientConfig) -> Self {
        self.config = config;
        self
    }

    /// Sets the wall clock; [`clock`](crate::clock()) by default, which follows tokio's time.
    pub fn clock(mut self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.clock = Some(Clock::new(clock));
        self
    }

    /// Seeds the random choices of the platform: connections, orders, ids. A platform without a seed makes
    /// different choices each time.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Sets the port to listen on; a free port by default.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Serves `https://` and `wss://`, with a self-signed certificate: [`Platform::certificate_pem`].
    #[cfg(feature = "tls")]
    pub fn tls(mut self) -> Self {
        self.tls = true;
        self
    }

    /// Makes the request of [`Platform::request`] without starting a platform. With a
    /// [seed](Self::seed), each call makes the same random choices.
    #[must_use]
    pub fn request(&self, document: impl Into<Document>) -> Request<Bytes> {
        let own = || Clock::new(clock());
        let clock = self.clock.clone().unwrap_or_else(own);
        let random = Random::new(self.seed);
        self.app.request(document.into(), &clock, &random)
    }

    /// Starts the platform on a [port](Self::port) of the loopback address, and checks the webhook if one is
    /// set.
    ///
    /// # Errors
    ///
    /// Returns a [`StartError`] if the port is not available, if the webhook's URL or path is not
    /// valid, or if the webhook does not pass the check.
    ///
    /// # Panics
    ///
    /// Panics outside of a tokio runtime with time and I/O.
    pub async fn start(self) -> Result<Platform, StartError> {
        let mut target = self.webhook.transpose()?;
        if let Some(path) = self.path {
            let at_path = target.and_then(|target| target.at_path(&path));
            target = Some(at_path.ok_or(WebhookError::new(WebhookErrorKind::InvalidPath))?);
        }
        #[cfg(feature = "tls")]
        let (acceptor, certificate) = if self.tls {
            let (acceptor, pem) = crate::connection::tls::self_signed()
                .map_err(|error| StartError::new(StartErrorKind::Certificate, error))?;
            (acceptor, Some(pem))
        } else {
            (Acceptor::Plain, None)
        };
        #[cfg(not(feature = "tls"))]
        let (acceptor, certificate) = (Acceptor::Plain, None::<String>);
        let listening = async {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)).await?;
            let address = listener.local_addr()?;
            Ok::<_, std::io::Error>((listener, address))
        };
        let (listener, address) = listening
            .await
            .map_err(|error| StartError::new(StartErrorKind::Listen, error))?;
        let s = if certificate.is_some() { "s" } else { "" };

        let by_default = match target {
            Some(_) => Mode::Webhook,
            None => Mode::LongConnection,
        };
        let connections = Connections::new(
            format!("ws{s}://{address}"),
            self.fragment_bytes,
            self.fragment_gap.min(MAX_WAIT),
            self.config,
        );
        let shared = Arc::new(Shared {
            app: self.app,
            answer_limit: self.answer_limit.min(MAX_WAIT),
            redeliver_after: self.redeliver_after,
            events_by: self.events_by.unwrap_or(by_default),
            clock: self.clock.unwrap_or_else(|| Clock::new(clock())),
            random: Random::new(self.seed),
            faults: Faults::new(Random::new(self.seed)),
            stats: watch::Sender::new(PlatformStats::default()),
            registration: Registration::new(self.poster, self.url_check_limit),
            connections,
            api: ApiState::new(self.token_lifetime.min(MAX_WAIT)),
            pushes: AtomicU64::new(1),
            sent: watch::Sender::new(0),
            tasks: Tasks::new(),
        });
        let platform = Platform {
            base_url: format!("http{s}://{address}"),
            certificate,
            callbacks_by: self.callbacks_by.unwrap_or(by_default),
            shared: Arc::clone(&shared),
        };
        shared.spawn(serve(Arc::clone(&shared), listener, acceptor));
        if let Some(target) = target {
            platform.check(target).await?;
        }
        Ok(platform)
    }
}

impl fmt::Debug for PlatformBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlatformBuilder")
            .field("app_id", &self.app.id)
            .finish_non_exhaustive()
    }
}

/// The error of [`PlatformBuilder::start`].
#[derive(Debug)]
pub struct StartError {
    kind: StartErrorKind,
    source: BoxError,
}

/// The kinds of [`StartError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StartErrorKind {
    /// The port is not available.
    Listen,
    /// The certificate could not be created.
    Certificate,
    /// The webhook was not set; the source is a [`WebhookError`].
    Webhook,
}

impl StartError {
    fn new(kind: StartErrorKind, source: impl Into<BoxError>) -> Self {
        let source = source.into();
        Self { kind, source }
    }

    /// The kind of the error.
    #[must_use]
    pub fn kind(&self) -> StartErrorKind {
        self.kind
    }
}

impl From<WebhookError> for StartError {
    fn from(error: WebhookError) -> Self {
        Self::new(StartErrorKind::Webhook, error)
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            StartErrorKind::Listen => {
                "the port is not available: use another one, or 0 for a free one"
            }
            StartErrorKind::Certificate => "the certificate could not be created",
            StartErrorKind::Webhook => "the webhook was not set",
        })
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.source)
    }
}
