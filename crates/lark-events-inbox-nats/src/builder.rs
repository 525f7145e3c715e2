//! The settings of a store.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_nats::{Client, ConnectOptions, ServerAddr};
use lark_events_inbox::{StoreError, StoreErrorKind};
use rustls::ClientConfig;

use crate::facts::NatsFacts;
use crate::failure::failed;
use crate::message::decode;
use crate::reports::Reports;
use crate::setup::Setup;
use crate::store::NatsStore;
use crate::subject::Names;

/// Builds a [`NatsStore`].
#[derive(Clone)]
#[must_use = "a builder does nothing until it connects"]
pub struct NatsStoreBuilder {
    url: String,
    login: Login,
    tls: Tls,
    setup: Setup,
}

/// A configuration, or else files, if any.
#[derive(Clone, Default)]
struct Tls {
    config: Option<Arc<ClientConfig>>,
    roots: Option<PathBuf>,
    client: Option<(PathBuf, PathBuf)>,
}

/// Its secrets never print.
#[derive(Clone)]
enum Login {
    None,
    Token(String),
    User(String, String),
    Credentials(PathBuf),
}

impl NatsStoreBuilder {
    pub(crate) fn new(url: String) -> Self {
        Self {
            url,
            login: Login::None,
            tls: Tls::default(),
            setup: Setup::default(),
        }
    }

    /// Logs in with a token.
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.login = Login::Token(token.into());
        self
    }

    /// Logs in with a user and a password.
    pub fn user(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        self.login = Login::User(user.into(), password.into());
        self
    }

    /// Logs in with a credentials file (`.creds`).
    pub fn credentials_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.login = Login::Credentials(path.into());
        self
    }

    /// Sets the TLS configuration, which is used if the URL is `tls://…` or a server requires TLS. Without it, the
    /// store trusts the certificate authorities of the system, and uses the default cryptography provider of
    /// `rustls`: an encrypted connection panics if several providers are enabled and none is installed as the
    /// default.
    pub fn tls_config(mut self, config: impl Into<Arc<ClientConfig>>) -> Self {
        self.tls.config = Some(config.into());
        self
    }

    /// Trusts the certificate authorities of a PEM file instead of those of the system, and requires TLS.
    pub fn root_certificates(mut self, path: impl Into<PathBuf>) -> Self {
        self.tls.roots = Some(path.into());
        self
    }

    /// Presents the certificate of a PEM file with its key, and requires TLS.
    pub fn client_certificate(
        mut self,
        certificate: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
    ) -> Self {
        self.tls.client = Some((certificate.into(), key.into()));
        self
    }

    /// Sets the prefix of the names of streams, consumers and subjects:
    /// [`DEFAULT_PREFIX`](NatsStore::DEFAULT_PREFIX) by default, for the streams `LARK_INBOX`, `LARK_DEAD` and
    /// `LARK_WORKERS`. A prefix consists of letters, digits, `-` and `_`. Subjects use it in lower case.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.setup.names = Names::new(prefix);
        self
    }

    /// Sets the number of servers that keep each event, if the stream is created: 1 by default.
    pub fn replicas(mut self, replicas: usize) -> Self {
        self.setup.replicas = replicas;
        self
    }

    /// Sets the maximum age of an event, finished or not, if the stream is created: 7 days by default.
    pub fn max_age(mut self, age: Duration) -> Self {
        self.setup.max_age = age;
        self
    }

    /// Sets the maximum size of the stream, if it is created: unlimited by default. A full stream takes no events.
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.setup.max_bytes = Some(bytes);
        self
    }

    /// Sets the largest event that the server must accept:
    /// [`MAX_EVENT_BYTES`](lark_events::limits::MAX_EVENT_BYTES) by default, the limit of the transports. A NATS
    /// server accepts messages of up to 1 MiB unless its `max_payload` is set.
    pub fn max_event_bytes(mut self, bytes: usize) -> Self {
        self.setup.max_event_bytes = bytes;
        self
    }

    /// Declares, if the stream is created, that the servers are configured with `sync_interval: always`: they flush
    /// each event to disk before they acknowledge it. A NATS server flushes every two minutes by default, so that
    /// an acknowledged event survives a crash only in the memory of the other replicas. With this setting and NATS
    /// 2.12 or newer, events are published in atomic batches, each flushed once.
    pub fn sync_always(mut self) -> Self {
        self.setup.sync_always = true;
        self
    }

    /// Sets for how long the server recognises a redelivered event, if the stream is created: 24 hours by default,
    /// and at least [`MIN_WINDOW`](NatsStore::MIN_WINDOW).
    pub fn duplicate_window(mut self, window: Duration) -> Self {
        self.setup.duplicate_window = window.max(NatsStore::MIN_WINDOW);
        self
    }

    /// Sets the number of partitions, if the stream is created: 64 by default. Lanes share partitions, and the
    /// events of one partition are handled one at a time.
    pub fn partitions(mut self, partitions: u16) -> Self {
        self.setup.partitions = partitions.max(1);
        self
    }

    /// Sets the time after which another worker handles the events of a dead worker, if the consumers are created:
    /// 60 seconds by default, and at least [`MIN_ACK_WAIT`](NatsStore::MIN_ACK_WAIT).
    pub fn ack_wait(mut self, wait: Duration) -> Self {
        self.setup.ack_wait = wait.max(NatsStore::MIN_ACK_WAIT);
        self
    }

    /// Makes [`connect`](Self::connect) fail if the streams do not exist, instead of creating them.
    pub fn existing(mut self) -> Self {
        self.setup.existing = true;
        self
    }

    /// Reads the state of the servers and the streams, without changing them.
    ///
    /// # Errors
    ///
    /// Those of [`connect`](Self::connect), except that missing and differently configured streams are reported as
    /// facts.
    pub async fn facts(&self) -> Result<NatsFacts, StoreError> {
        let reports = Reports::default();
        let client = self.client(&reports).await?;
        let facts = NatsFacts::read(&client, &self.setup).await;
        facts.map_err(|error| reports.explain(error))
    }

    /// Connects, and creates the streams and their consumers if they do not exist.
    ///
    /// # Errors
    ///
    /// [`Version`](StoreErrorKind::Version) when a stream of this name has a different configuration: the error
    /// says what to change; [`Unsupported`](StoreErrorKind::Unsupported) when the server has no JetStream, or takes
    /// no events as large as the platform's; [`Unavailable`](StoreErrorKind::Unavailable) when it cannot be
    /// reached, or rejects the login.
    pub async fn connect(self) -> Result<NatsStore, StoreError> {
        let reports = Reports::default();
        let client = self.client(&reports).await?;
        let store = NatsStore::open(client, self.setup).await;
        store.map_err(|error| reports.explain(error))
    }

    async fn client(&self, reports: &Reports) -> Result<Client, StoreError> {
        if !self.setup.names.are_valid() {
            let text = "expected a prefix of letters, digits, `-` and `_`";
            return Err(StoreError::with_source(StoreErrorKind::Unsupported, text));
        }
        let (addresses, login) = addresses(&self.url)?;
        let login = match &self.login {
            Login::None => &login,
            own => own,
        };
        let mut options = ConnectOptions::new()
            .name("lark-events")
            // A process need not hear its own wake-ups.
            .no_echo()
            .connection_timeout(CONNECT_TIMEOUT)
            .ping_interval(PING_INTERVAL)
            .event_callback(reports.callback());
        options = match login {
            Login::None => options,
            Login::Token(token) => options.token(token.clone()),
            Login::User(user, password) => {
                options.user_and_password(user.clone(), password.clone())
            }
            Login::Credentials(path) => {
                // The error has the path alone.
                options.credentials_file(path).await.map_err(|error| {
                    let (path, text) = (path.display().to_string(), error.to_string());
                    // Some errors have the path, and some have not.
                    let prefix = format!("loading creds file '{path}': ");
                    let text = text.strip_prefix(&prefix).unwrap_or(&text);
                    let text = format!("{path}: {text}");
                    StoreError::with_source(StoreErrorKind::Unavailable, text)
                })?
            }
        };
        if let Some(config) = &self.tls.config {
            options = options.tls_client_config(ClientConfig::clone(config));
        }
        if let Some(roots) = &self.tls.roots {
            options = options
                .add_root_certificates(roots.clone())
                .require_tls(true);
        }
        if let Some((certificate, key)) = &self.tls.client {
            options = options
                .add_client_certificate(certificate.clone(), key.clone())
                .require_tls(true);
        }
        let client = options.connect(addresses).await;
        client.map_err(|error| failed(&error))
    }
}

/// The servers of a URL, and the login of the first that has one: a user and a password, or a token. An error has no
/// part of the URL, which may contain a password.
fn addresses(url: &str) -> Result<(Vec<ServerAddr>, Login), StoreError> {
    let (mut addresses, mut login) = (Vec::new(), Login::None);
    for url in url.split(',') {
        let address: ServerAddr = url.trim().parse().map_err(|_| invalid())?;
        if matches!(login, Login::None) {
            login = match (address.username(), address.password()) {
                (None, _) => Login::None,
                (Some(token), None) => Login::Token(decode(token)),
                (Some(user), Some(password)) => Login::User(decode(user), decode(password)),
            };
        }
        // The client reads no login from a URL.
        let mut url = address.into_inner();
        let removed = url.set_username("").and_then(|()| url.set_password(None));
        removed.map_err(|()| invalid())?;
        addresses.push(ServerAddr::from_url(url).map_err(|_| invalid())?);
    }
    Ok((addresses, login))
}

fn invalid() -> StoreError {
    let text = "expected URLs such as `nats://host:4222`, separated by commas";
    StoreError::with_source(StoreErrorKind::Unsupported, text)
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// After three pings without an answer, the client connects to another server.
const PING_INTERVAL: Duration = Duration::from_secs(5);

/// Without URL and login, which have secrets.
impl fmt::Debug for NatsStoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsStoreBuilder")
            .field("setup", &self.setup)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_taken_out_of_the_url() {
        let url = "nats://one:4222, nats://a%40b:p%25w%3A@two,tls://c:d@three";
        let (addresses, login) = addresses(url).unwrap();
        let addresses: Vec<_> = addresses.iter().map(ServerAddr::as_url_str).collect();
        assert_eq!(addresses, ["nats://one:4222", "nats://two", "tls://three"]);
        assert!(
            matches!(login, Login::User(user, password) if user == "a@b" && password == "p%w:")
        );
        let (_, login) = super::addresses("nats://s3cret@one").unwrap();
        assert!(matches!(login, Login::Token(token) if token == "s3cret"));
        let (_, login) = super::addresses("nats://one").unwrap();
        assert!(matches!(login, Login::None));
    }

    #[test]
    fn an_invalid_url_is_not_quoted() {
        for url in [
            "nats://u:marked@h:marked/",
            "http://u:marked@h",
            "",
            "nats://a:marked@h,",
        ] {
            let Err(error) = addresses(url) else {
                panic!("{url} is not valid")
            };
            assert!(!format!("{error:?}").contains("marked"));
        }
        let builder = NatsStore::builder("nats://u:marked@h").token("marked");
        assert!(!format!("{builder:?}").contains("marked"));
    }
}
