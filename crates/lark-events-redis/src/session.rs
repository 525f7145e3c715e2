//! A connection to the server that is opened when it is needed, and again after it was lost.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::AsyncConnectionConfig;
use redis::aio::MultiplexedConnection;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use crate::error::{RedisStoreError, Remedy};
use crate::script::Script;
use crate::target::{Address, Target, Tls};

/// How many calls are sent before they are answered; the others wait within their time limit. A call has up to a
/// kilobyte.
const MAX_IN_FLIGHT: usize = 1_024;
/// After a failure to connect, calls fail with the same error for this long: a server that starts again is not
/// asked by every call.
const PAUSE: Duration = Duration::from_millis(250);

/// The connection of a store, which its calls share.
pub(crate) struct Connection {
    shared: Arc<Shared>,
    in_flight: Semaphore,
}

struct Shared {
    target: Target,
    current: Mutex<Current>,
    /// Held while a session is opened.
    opening: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Current {
    session: Option<Arc<Session>>,
    failed: Option<(Instant, RedisStoreError)>,
}

impl Current {
    fn alive(&self) -> Option<Arc<Session>> {
        let session = self.session.as_ref()?;
        (!session.driver.is_finished()).then(|| Arc::clone(session))
    }
}

/// One session of a server.
struct Session {
    calls: MultiplexedConnection,
    driver: JoinHandle<()>,
}

/// A server may never answer what is still in flight.
impl Drop for Session {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Connection {
    pub(crate) fn new(target: Target) -> Self {
        Self {
            shared: Arc::new(Shared {
                target,
                current: Mutex::default(),
                opening: tokio::sync::Mutex::default(),
            }),
            in_flight: Semaphore::new(MAX_IN_FLIGHT),
        }
    }

    /// Runs a script within the time limit. All scripts can be run twice: one whose connection is lost is repeated.
    pub(crate) async fn run(
        &self,
        script: &Script,
        key: &str,
        arguments: &[&str],
    ) -> Result<String, RedisStoreError> {
        let limit = self.shared.target.time_limit;
        let mut call = Call::default();
        let answered = timeout(limit, async {
            // The semaphore is never closed.
            let _permit = self.in_flight.acquire().await;
            let answered = self.run_once(&mut call, script, key, arguments).await;
            match answered {
                Err(error) if error.remedy() == Remedy::Repeat => {
                    self.run_once(&mut call, script, key, arguments).await
                }
                answered => answered,
            }
        });
        answered.await.unwrap_or_else(|_| {
            // The server, or the way to it, may be gone without a word.
            self.shared.forget(call.session.as_ref());
            Err(RedisStoreError::timed_out(call.lacking, limit))
        })
    }

    async fn run_once(
        &self,
        state: &mut Call,
        script: &Script,
        key: &str,
        arguments: &[&str],
    ) -> Result<String, RedisStoreError> {
        state.lacking = "connection to the server";
        let session = state.session.insert(self.session().await?);
        state.lacking = "answer of the server";
        let mut called = session.call("EVALSHA", &script.sha1, key, arguments).await;
        if let Err(error) = &called
            && error.remedy() == Remedy::SendScript
        {
            // The server keeps it from then on, until it is restarted or `SCRIPT FLUSH`.
            called = session.call("EVAL", script.code, key, arguments).await;
        }
        if let Err(error) = &called
            && error.remedy() != Remedy::None
        {
            self.shared.forget(state.session.take().as_ref());
        }
        called
    }

    async fn session(&self) -> Result<Arc<Session>, RedisStoreError> {
        if let Some(session) = self.shared.current().alive() {
            return Ok(session);
        }
        // In a task of its own: a caller that gives up early does not end it, and the next finds the connection.
        let opened = tokio::spawn(Arc::clone(&self.shared).open());
        opened
            .await
            .unwrap_or_else(|_| Err(RedisStoreError::cancelled()))
    }
}

/// How far a call is.
struct Call {
    session: Option<Arc<Session>>,
    lacking: &'static str,
}

impl Default for Call {
    fn default() -> Self {
        Self {
            session: None,
            lacking: "end of other calls",
        }
    }
}

impl Shared {
    fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a session, unless another call has just done so, or has just failed.
    async fn open(self: Arc<Self>) -> Result<Arc<Session>, RedisStoreError> {
        let _opening = self.opening.lock().await;
        {
            let mut current = self.current();
            if let Some(session) = current.alive() {
                return Ok(session);
            }
            if let Some((at, error)) = &current.failed
                && at.elapsed() < PAUSE
            {
                return Err(error.clone());
            }
            current.session = None;
        }
        let limit = self.target.time_limit;
        let opened = timeout(limit, connect(&self.target)).await;
        let lacking = "connection to the server";
        let opened = opened.unwrap_or_else(|_| Err(RedisStoreError::timed_out(lacking, limit)));
        let opened = opened.map(Arc::new);
        let mut current = self.current();
        match &opened {
            Ok(session) => current.session = Some(Arc::clone(session)),
            Err(error) => current.failed = Some((Instant::now(), error.clone())),
        }
        opened
    }

    /// The next call opens another session than this.
    fn forget(&self, session: Option<&Arc<Session>>) {
        if let Some(session) = session {
            let mut current = self.current();
            current
                .session
                .take_if(|current| Arc::ptr_eq(current, session));
        }
    }
}

impl Session {
    async fn call(
        &self,
        command: &str,
        script: &str,
        key: &str,
        arguments: &[&str],
    ) -> Result<String, RedisStoreError> {
        let mut command = redis::cmd(command);
        command.arg(script).arg(1).arg(key).arg(arguments);
        Ok(command.query_async(&mut self.calls.clone()).await?)
    }
}

async fn connect(target: &Target) -> Result<Session, RedisStoreError> {
    let unreachable = |error| RedisStoreError::unreachable(&error);
    match (&target.address, &target.tls) {
        (Address::Tcp(host, port), tls) => {
            let stream = TcpStream::connect((&**host, *port)).await;
            let stream = stream.map_err(unreachable)?;
            stream.set_nodelay(true).map_err(unreachable)?;
            match tls {
                Tls::None => log_in(target, stream).await,
                #[cfg(feature = "rustls")]
                Tls::Rustls(config) => {
                    let name = rustls::pki_types::ServerName::try_from(host.clone());
                    let name = name.map_err(|_| {
                        RedisStoreError::invalid("the host of the URL is no name of a certificate")
                    })?;
                    let connector = tokio_rustls::TlsConnector::from(Arc::clone(config));
                    let stream = connector.connect(name, stream).await;
                    let stream = stream.map_err(|error| RedisStoreError::handshake(&error))?;
                    log_in(target, stream).await
                }
            }
        }
        #[cfg(unix)]
        (Address::Unix(path), _) => {
            let stream = tokio::net::UnixStream::connect(path).await;
            log_in(target, stream.map_err(unreachable)?).await
        }
    }
}

async fn log_in(
    target: &Target,
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
) -> Result<Session, RedisStoreError> {
    // This module limits the times and the calls.
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(None)
        .set_response_timeout(None);
    let opened = MultiplexedConnection::new_with_config(&target.login, stream, config).await;
    let (calls, driver) = opened?;
    let driver = tokio::spawn(driver);
    Ok(Session { calls, driver })
}
