//! A connection to the server that is opened when it is needed, and again after it was lost.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::AsyncConnectionConfig;
use redis::aio::MultiplexedConnection;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use crate::error::{RedisStoreError, Remedy};
use crate::script::Script;
use crate::target::{Address, Target, Tls};

/// After a failure to connect, or an answer of a replica, calls fail with the same error for this long: such a server
/// is not asked by every call.
const PAUSE: Duration = Duration::from_millis(250);

/// A connection of a store, which its calls share. Clones are the same connection.
#[derive(Clone)]
pub(crate) struct Connection(Arc<Shared>);

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

/// One session of a server.
struct Session {
    calls: MultiplexedConnection,
    driver: JoinHandle<()>,
}

/// What a server does not read would keep the connection open.
impl Drop for Session {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Connection {
    pub(crate) fn new(target: Target) -> Self {
        Self(Arc::new(Shared {
            target,
            current: Mutex::default(),
            opening: tokio::sync::Mutex::default(),
        }))
    }

    pub(crate) fn target(&self) -> &Target {
        &self.0.target
    }

    /// Runs a script. All scripts can be run twice: one whose connection is lost is repeated.
    pub(crate) async fn run(
        &self,
        progress: &mut Progress,
        call: &Call<'_>,
    ) -> Result<String, RedisStoreError> {
        match self.run_once(progress, call).await {
            Err(error) if error.remedy() == &Remedy::Repeat => self.run_once(progress, call).await,
            answered => answered,
        }
    }

    async fn run_once(
        &self,
        progress: &mut Progress,
        call: &Call<'_>,
    ) -> Result<String, RedisStoreError> {
        progress.lacking = "connection to the server";
        let session = self.session().await?;
        progress.session = Some((Arc::clone(&self.0), Arc::clone(&session)));
        progress.lacking = "answer of the server";
        let mut called = session.call("EVALSHA", &call.script.sha1, call).await;
        if let Err(error) = &called
            && error.remedy() == &Remedy::SendScript
        {
            // The server keeps it from then on, until it is restarted or `SCRIPT FLUSH`.
            called = session.call("EVAL", call.script.code, call).await;
        }
        if let Err(error) = &called {
            match error.remedy() {
                Remedy::Repeat => progress.give_up(None),
                Remedy::Reconnect => progress.give_up(Some(error)),
                _ => {}
            }
        }
        called
    }

    async fn session(&self) -> Result<Arc<Session>, RedisStoreError> {
        if let Some(session) = &self.0.current().session {
            return Ok(Arc::clone(session));
        }
        // In a task of its own: a caller that gives up early does not end it, and the next finds the connection.
        let opened = tokio::spawn(Arc::clone(&self.0).open());
        opened
            .await
            .unwrap_or_else(|_| Err(RedisStoreError::cancelled()))
    }
}

/// A script, its key and its arguments.
pub(crate) struct Call<'a> {
    pub(crate) script: &'a Script,
    pub(crate) key: &'a str,
    pub(crate) arguments: &'a [&'a str],
    /// Whether the node of a cluster is asked for a key that is on its way to it.
    pub(crate) is_asking: bool,
}

/// How far a call is.
pub(crate) struct Progress {
    session: Option<(Arc<Shared>, Arc<Session>)>,
    pub(crate) lacking: &'static str,
}

impl Progress {
    pub(crate) fn new() -> Self {
        Self {
            session: None,
            lacking: "end of other calls",
        }
    }

    /// The next call opens another session than that of this call: at once, or some time after a failure that it
    /// may share.
    pub(crate) fn give_up(&mut self, failure: Option<&RedisStoreError>) {
        let Some((shared, session)) = self.session.take() else {
            return;
        };
        let mut current = shared.current();
        let left = current
            .session
            .take_if(|current| Arc::ptr_eq(current, &session));
        if left.is_some() {
            current.failed = failure.map(|error| (Instant::now(), error.clone()));
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
            let current = self.current();
            if let Some(session) = &current.session {
                return Ok(Arc::clone(session));
            }
            if let Some((at, error)) = &current.failed
                && at.elapsed() < PAUSE
            {
                return Err(error.clone());
            }
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
}

impl Session {
    async fn call(
        &self,
        command: &str,
        script: &str,
        call: &Call<'_>,
    ) -> Result<String, RedisStoreError> {
        let mut command = redis::cmd(command);
        command.arg(script).arg(1).arg(call.key).arg(call.arguments);
        let mut calls = self.calls.clone();
        if !call.is_asking {
            let answered = command.query_async(&mut calls).await;
            return answered.map_err(|error| RedisStoreError::of(&error));
        }
        let mut both = redis::pipe();
        both.cmd("ASKING").ignore().add_command(command);
        let answered = both.query_async::<(String,)>(&mut calls).await;
        let answered = answered.map(|(answer,)| answer);
        answered.map_err(|error| RedisStoreError::of(&error))
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
    let (calls, driver) = opened.map_err(|error| RedisStoreError::of(&error))?;
    let driver = tokio::spawn(driver);
    Ok(Session { calls, driver })
}
