//! Configuring an [`Api`].

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, Uri};
use lark_events_dial::{BaseUrl, Connector, Dialer, Domain, Proxy, Tls, connector, is_secure};
use tokio::io::{AsyncRead, AsyncWrite};
use zeroize::Zeroizing;

use crate::api::Api;
use crate::credentials::App;
use crate::error::{ApiBuildError as BuildError, ApiBuildErrorKind as Kind};
use crate::exchange::Wire;
use crate::token::{self, MemoryTickets, TicketStore, Tokens};
use crate::transport::{HttpClient, Transport};

/// The default deadline of a call, with all waits and retries: 30 seconds.
pub const DEFAULT_DEADLINE: Duration = Duration::from_secs(30);

/// Builds an [`Api`].
#[derive(Clone)]
#[must_use = "a builder does nothing until it is built"]
pub struct ApiBuilder {
    app_id: String,
    app_secret: Zeroizing<String>,
    domain: Domain,
    deadline: Duration,
    user_agent: Option<String>,
    tickets: Option<Arc<dyn TicketStore>>,
    proxy: Proxy,
    connector: Option<Connector>,
    transport: Option<Arc<dyn Transport>>,
    tls: Tls,
}

impl ApiBuilder {
    pub(crate) fn new(app_id: String, app_secret: String) -> Self {
        Self {
            app_id,
            app_secret: Zeroizing::new(app_secret),
            domain: Domain::default(),
            deadline: DEFAULT_DEADLINE,
            user_agent: None,
            tickets: None,
            proxy: Proxy::FromEnv,
            connector: None,
            transport: None,
            tls: Tls::default(),
        }
    }

    /// Sets the platform: [`Domain::Feishu`] unless set. A domain of your own must be `https://`, because
    /// calls contain the app's secret; `http://` is accepted for this machine (`localhost`, `127.0.0.1`,
    /// `[::1]`).
    pub fn domain(mut self, domain: Domain) -> Self {
        self.domain = domain;
        self
    }

    /// Sets how long a call may take, including waits for rate limits and retries: [`DEFAULT_DEADLINE`] by default.
    /// Without an inbox, handlers have less than three seconds: use
    /// [`Api::with_deadline`](crate::Api::with_deadline) for their calls.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Sets the value of the header `User-Agent`.
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = Some(user_agent.into());
        self
    }

    /// Declares that the app is a store app, and keeps its tickets in memory. Its calls need a tenant: see
    /// [`Api::for_tenant`](crate::Api::for_tenant). Register [`Api::ticket_handler`](crate::Api::ticket_handler)
    /// for the event `app_ticket`.
    pub fn store_app(self) -> Self {
        self.store_app_with(MemoryTickets::new())
    }

    /// Declares that the app is a store app, and keeps its tickets in a store that several processes may share.
    pub fn store_app_with(mut self, tickets: impl TicketStore) -> Self {
        self.tickets = Some(Arc::new(tickets));
        self
    }

    /// Calls the platform through an HTTP proxy with CONNECT: `http://[user:password@]host:port`. By default the
    /// environment decides: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`. If these name a proxy of
    /// another kind, such as SOCKS, calls fail. They are ignored for an `http://` domain, which is on this machine.
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
        config: impl Into<Arc<lark_events_dial::rustls::ClientConfig>>,
    ) -> Self {
        self.tls = Tls::of(config.into());
        self
    }

    /// Opens connections with `connect`: for other kinds of proxies, or for tests with streams in memory. `connect`
    /// receives the scheme, host and port, and must do TLS itself. The builder's proxy and TLS settings have no
    /// effect, and any domain is accepted.
    pub fn connect_with<F, Fut, S>(mut self, connect: F) -> Self
    where
        F: Fn(Uri) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = io::Result<S>> + Send + 'static,
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        self.connector = Some(connector(connect));
        self
    }

    /// Sends requests with an HTTP client of your own, or with a mock in a test. The builder's proxy and TLS
    /// settings have no effect, and any domain is accepted.
    pub fn transport(mut self, transport: impl Transport) -> Self {
        self.transport = Some(Arc::new(transport));
        self
    }

    /// Builds the API. It does not connect before the first call.
    ///
    /// # Errors
    ///
    /// [`ApiBuildError`](crate::ApiBuildError) when a setting cannot be used.
    pub fn build(self) -> Result<Api, BuildError> {
        if self.app_id.is_empty() || self.app_secret.is_empty() {
            let what =
                "the app id or the app secret is empty: copy both from the developer console";
            return Err(BuildError::new(Kind::NoCredentials, what));
        }
        if self.deadline.is_zero() {
            let what =
                "`deadline` must be greater than 0, got 0: set a larger value or leave it unset";
            return Err(BuildError::new(Kind::Zero, what));
        }
        let agent = self.user_agent.as_deref();
        let agent = agent.unwrap_or(concat!("lark-events-api/", env!("CARGO_PKG_VERSION")));
        let user_agent = HeaderValue::from_str(agent).map_err(|error| {
            let what = "the user agent has characters that HTTP does not allow";
            BuildError::new(Kind::InvalidHeader, what).caused(Some(error))
        })?;
        let base = BaseUrl::of(&self.domain).map_err(|error| {
            BuildError::new(Kind::InvalidDomain, error.to_string()).caused(error.into_cause())
        })?;
        let transport = match &self.transport {
            Some(transport) => Arc::clone(transport),
            None => Arc::new(HttpClient::new(self.dialer(&base)?)),
        };
        let wire = Arc::new(Wire {
            transport,
            base,
            user_agent,
            app: App {
                id: self.app_id.into(),
                secret: self.app_secret,
            },
        });
        let kind = match self.tickets {
            Some(tickets) => token::Kind::Store(tickets),
            None => token::Kind::SelfBuilt,
        };
        let tokens = Tokens::new(Arc::clone(&wire), kind);
        Ok(Api::new(wire, tokens, self.deadline))
    }

    fn dialer(&self, base: &BaseUrl) -> Result<Dialer, BuildError> {
        if let Some(connector) = &self.connector {
            return Ok(Dialer::custom(Arc::clone(connector)));
        }
        let root = base.join("/").expect("a checked URL with a path");
        if !is_secure(&root) && !is_this_machine(&root) {
            let what = "the domain's base URL uses http://, which would send the app's secret unencrypted: \
                        expected https://, or http:// on this machine";
            return Err(BuildError::new(Kind::InvalidDomain, what));
        }
        // A proxy would receive the secret unencrypted, and could not reach this machine.
        let proxy = match &self.proxy {
            Proxy::FromEnv if !is_secure(&root) => &Proxy::None,
            proxy => proxy,
        };
        let proxies = proxy.read().map_err(|error| {
            BuildError::new(Kind::InvalidProxy, error.to_string()).caused(error.into_cause())
        })?;
        let dialer = Dialer::sockets(&root, proxies, &self.tls);
        dialer.map_err(|error| BuildError::new(Kind::NoTls, error.to_string()))
    }
}

fn is_this_machine(uri: &Uri) -> bool {
    matches!(uri.host(), Some("127.0.0.1" | "[::1]" | "localhost"))
}

impl fmt::Debug for ApiBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiBuilder")
            .field("app_id", &self.app_id)
            .field("domain", &self.domain)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_goes_encrypted_or_not_beyond_this_machine() {
        let build = |url: &str| {
            Api::builder("cli_a", "s")
                .domain(Domain::custom(url))
                .build()
        };
        for safe in [
            "https://open.feishu.cn",
            "https://[::1]:8443",
            "http://127.0.0.1:7780",
            "http://[::1]:7780/",
            "http://localhost",
        ] {
            assert!(build(safe).is_ok(), "{safe}");
        }
        for unsafe_url in [
            "",
            "open.feishu.cn",
            "https://",
            "ftp://open.feishu.cn",
            "http://open.feishu.cn",
            "http://127.0.0.1.example.com",
            "http://localhost@example.com",
        ] {
            let error = build(unsafe_url).unwrap_err();
            assert_eq!(error.kind(), Kind::InvalidDomain, "{unsafe_url}");
        }
    }

    #[test]
    fn what_cannot_be_used_is_not_built() {
        let kind = |builder: ApiBuilder| builder.build().unwrap_err().kind();
        let builder = || Api::builder("cli_a", "marked-secret");
        assert_eq!(kind(Api::builder("", "s")), Kind::NoCredentials);
        assert_eq!(kind(Api::builder("cli_a", "")), Kind::NoCredentials);
        assert_eq!(kind(builder().deadline(Duration::ZERO)), Kind::Zero);
        assert_eq!(kind(builder().user_agent("a\nb")), Kind::InvalidHeader);
        assert_eq!(kind(builder().proxy("socks5://host")), Kind::InvalidProxy);
        let shown = format!("{:?} {:?}", builder(), builder().build().unwrap());
        assert!(
            shown.contains("cli_a") && !shown.contains("marked"),
            "{shown}"
        );
    }
}
