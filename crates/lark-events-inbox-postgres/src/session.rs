//! A connection to the server that is opened when it is needed, and again after it was lost.

use std::fmt;
use std::future::poll_fn;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lark_events_inbox::StoreErrorKind;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Notify, Semaphore};
use tokio::time::{Instant, timeout};
use tokio_postgres::error::Severity;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{AsyncMessage, Client, NoTls, Row};
use tracing::debug;

use crate::failure::Failure;
use crate::schema;
use crate::target::{Target, Tls};

/// How long a connection may take to be opened: to resolve a name, to log in, and to look at the version.
const OPEN_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a call may take. Behind a pooler the connection lives on when the server does not.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);
/// After a failure to connect, calls fail with the same error for this long: a server that is out of
/// connections is not asked by every call.
const PAUSE: Duration = Duration::from_millis(250);
/// How often a transaction that the server rolled back is repeated.
const REPEATS: usize = 5;

/// The values of a statement with their types. Statements have no names, so that they work behind a pooler
/// that gives each transaction another connection.
pub(crate) type Values<'a> = &'a [(&'a (dyn ToSql + Sync), Type)];

/// A connection of a store, which calls share. Clones are the same connection.
#[derive(Clone)]
pub(crate) struct Connection(Arc<Shared>);

struct Shared {
    target: Arc<Target>,
    /// Notified by the server of what other processes have appended. `None`: it does not listen.
    woken: Option<Arc<Notify>>,
    time_limit: Duration,
    current: tokio::sync::Mutex<Current>,
    /// For calls that are repeated before they are answered.
    looks: Arc<Semaphore>,
}

#[derive(Default)]
struct Current {
    session: Option<Arc<Session>>,
    failed: Option<(Instant, Failure)>,
}

impl Current {
    fn alive(&self) -> Option<Arc<Session>> {
        let session = self.session.as_ref()?;
        (!session.client.is_closed()).then(|| Arc::clone(session))
    }
}

/// Whether a statement is an acknowledgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Commit {
    /// With the standby gone and the wait for it cancelled, a commit succeeds with a warning: the event may be on
    /// one server alone. The server has other warnings too, which look the same.
    WithoutWarning,
    Any,
}

/// One session of a server.
struct Session {
    client: Client,
    warnings: Arc<Warnings>,
}

/// The warnings of a session.
#[derive(Debug, Default)]
struct Warnings {
    count: AtomicU64,
    last: Mutex<String>,
}

impl Warnings {
    fn add(&self, text: &str) {
        text.clone_into(&mut self.last.lock().unwrap_or_else(PoisonError::into_inner));
        self.count.fetch_add(1, Ordering::Release);
    }

    fn count(&self) -> u64 {
        self.count.load(Ordering::Acquire)
    }

    fn last(&self) -> String {
        let last = self.last.lock();
        last.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Connection {
    pub(crate) fn new(target: Arc<Target>, woken: Option<Arc<Notify>>) -> Self {
        Self::with_time_limit(target, woken, CALL_TIMEOUT)
    }

    /// The same, with another limit for the time of a call.
    pub(crate) fn with_time_limit(
        target: Arc<Target>,
        woken: Option<Arc<Notify>>,
        time_limit: Duration,
    ) -> Self {
        Self(Arc::new(Shared {
            target,
            woken,
            time_limit,
            current: tokio::sync::Mutex::default(),
            looks: Arc::new(Semaphore::new(1)),
        }))
    }

    /// Connects, if it is not connected.
    pub(crate) async fn connect(&self) -> Result<(), Failure> {
        self.session().await.map(drop)
    }

    /// Runs a statement, which is a transaction of its own. A transaction that the server rolled back because
    /// of another one is repeated.
    pub(crate) async fn query(&self, sql: &str, values: Values<'_>) -> Result<Vec<Row>, Failure> {
        self.run(sql, values, Commit::Any).await
    }

    /// Runs a statement that returns one row.
    pub(crate) async fn query_one(&self, sql: &str, values: Values<'_>) -> Result<Row, Failure> {
        one(self.query(sql, values).await?)
    }

    /// The same, for an acknowledgement: the commit is as durable as it is configured to be.
    pub(crate) async fn acknowledge(&self, sql: &str, values: Values<'_>) -> Result<Row, Failure> {
        one(self.run(sql, values, Commit::WithoutWarning).await?)
    }

    /// The same, for calls that are repeated while the server does not answer: one runs at a time, even if its
    /// caller gives up.
    pub(crate) async fn look(
        &self,
        sql: String,
        values: Vec<(Box<dyn ToSql + Sync + Send>, Type)>,
    ) -> Result<Row, Failure> {
        let turn = Arc::clone(&self.0.looks).acquire_owned().await;
        let this = self.clone();
        let looked = tokio::spawn(async move {
            let _turn = turn;
            let values = values.iter();
            let values: Vec<_> = values
                .map(|(value, of)| (&**value as &(dyn ToSql + Sync), of.clone()))
                .collect();
            this.query_one(&sql, &values).await
        });
        looked.await.unwrap_or_else(|_| Err(cancelled()))
    }

    async fn run(
        &self,
        sql: &str,
        values: Values<'_>,
        commit: Commit,
    ) -> Result<Vec<Row>, Failure> {
        let mut repeats = 0..REPEATS;
        loop {
            let session = self.session().await?;
            let limit = self.0.time_limit;
            let answered = timeout(limit, session.query(sql, values, commit)).await;
            let Ok(answered) = answered else {
                self.0.give_up(&session).await;
                let text = format!("no answer within {} s", limit.as_secs());
                return Err(Failure::new(StoreErrorKind::TimedOut, text));
            };
            match answered {
                Err(failure) if failure.is_transient() && repeats.next().is_some() => {}
                Err(failure) => {
                    if failure.is_of_another_server() {
                        self.0.forget(&session).await;
                    }
                    return Err(failure);
                }
                answered => return answered,
            }
        }
    }

    async fn session(&self) -> Result<Arc<Session>, Failure> {
        if let Ok(current) = self.0.current.try_lock()
            && let Some(session) = current.alive()
        {
            return Ok(session);
        }
        // In a task of its own: a caller that gives up early does not end it, and the next finds the connection.
        let opened = tokio::spawn(Arc::clone(&self.0).open());
        opened.await.unwrap_or_else(|_| Err(cancelled()))
    }
}

impl Shared {
    /// Opens a session, unless another call has just done so, or has just failed.
    async fn open(self: Arc<Self>) -> Result<Arc<Session>, Failure> {
        let mut current = self.current.lock().await;
        if let Some(session) = current.alive() {
            return Ok(session);
        }
        if let Some((at, failure)) = &current.failed
            && at.elapsed() < PAUSE
        {
            return Err(failure.clone());
        }
        current.session = None;
        let opened = in_time(async {
            let session = connect(&self.target, self.woken.clone()).await?;
            schema::expect_usable(&session.client, &self.target.schema).await?;
            if self.woken.is_some() {
                let listen = format!("LISTEN {}", self.target.schema);
                session.client.batch_execute(&listen).await?;
            }
            Ok(Arc::new(session))
        });
        match opened.await {
            Ok(session) => {
                current.session = Some(Arc::clone(&session));
                current.failed = None;
                Ok(session)
            }
            Err(failure) => {
                current.failed = Some((Instant::now(), failure.clone()));
                Err(failure)
            }
        }
    }

    async fn forget(&self, session: &Arc<Session>) {
        let mut current = self.current.lock().await;
        current
            .session
            .take_if(|current| Arc::ptr_eq(current, session));
    }

    /// Leaves a session that does not answer. A server that works ends the statement, with its locks.
    async fn give_up(&self, session: &Arc<Session>) {
        self.forget(session).await;
        let (token, tls) = (session.client.cancel_token(), self.target.tls.clone());
        tokio::spawn(timeout(OPEN_TIMEOUT, async move {
            let cancelled = match tls {
                Tls::None => token.cancel_query(NoTls).await,
                #[cfg(feature = "rustls")]
                Tls::Rustls(config) => token.cancel_query(connector(&config)).await,
            };
            if let Err(error) = cancelled {
                let failure = Failure::from(error);
                debug!(%failure, "a statement without an answer was not cancelled");
            }
        }));
    }
}

fn one(mut rows: Vec<Row>) -> Result<Row, Failure> {
    let row = rows.pop();
    row.ok_or_else(|| Failure::new(StoreErrorKind::Corrupt, "the statement returned no row"))
}

/// The runtime ends.
fn cancelled() -> Failure {
    Failure::new(StoreErrorKind::Unavailable, "the call was cancelled")
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

impl Session {
    async fn query(
        &self,
        sql: &str,
        values: Values<'_>,
        commit: Commit,
    ) -> Result<Vec<Row>, Failure> {
        let warned = self.warnings.count();
        let values: Vec<_> = values
            .iter()
            .map(|(value, of)| (*value, of.clone()))
            .collect();
        let rows = self.client.query_typed(sql, &values).await?;
        if commit == Commit::WithoutWarning && self.warnings.count() != warned {
            let text = format!("the server warned: {}", self.warnings.last());
            return Err(Failure::new(StoreErrorKind::Unavailable, text));
        }
        Ok(rows)
    }
}

async fn in_time<T>(open: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let opened = timeout(OPEN_TIMEOUT, open).await;
    opened.unwrap_or_else(|_| {
        let text = format!("no connection within {} s", OPEN_TIMEOUT.as_secs());
        Err(Failure::new(StoreErrorKind::Unavailable, text))
    })
}

/// Opens a connection for calls that change its state, such as transactions.
pub(crate) async fn open(target: &Target) -> Result<Client, Failure> {
    let session = in_time(connect(target, None)).await?;
    Ok(session.client)
}

async fn connect(target: &Target, woken: Option<Arc<Notify>>) -> Result<Session, Failure> {
    let warnings = Arc::new(Warnings::default());
    let client = match &target.tls {
        Tls::None => {
            let (client, connection) = target.config.connect(NoTls).await?;
            serve(connection, Arc::clone(&warnings), woken);
            client
        }
        #[cfg(feature = "rustls")]
        Tls::Rustls(config) => {
            let (client, connection) = target.config.connect(connector(config)).await?;
            serve(connection, Arc::clone(&warnings), woken);
            client
        }
    };
    Ok(Session { client, warnings })
}

#[cfg(feature = "rustls")]
fn connector(config: &rustls::ClientConfig) -> tokio_postgres_rustls::MakeRustlsConnect {
    tokio_postgres_rustls::MakeRustlsConnect::new(config.clone())
}

/// Drives a connection until it ends.
fn serve<S, T>(
    mut connection: tokio_postgres::Connection<S, T>,
    warnings: Arc<Warnings>,
    woken: Option<Arc<Notify>>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    tokio::spawn(async move {
        loop {
            match poll_fn(|context| connection.poll_message(context)).await {
                Some(Ok(AsyncMessage::Notice(notice))) => {
                    if notice.parsed_severity() == Some(Severity::Warning) {
                        warnings.add(notice.message());
                    }
                }
                Some(Ok(AsyncMessage::Notification(_))) => {
                    if let Some(woken) = &woken {
                        wake(woken);
                    }
                }
                Some(Ok(_)) => {}
                // The calls that wait have failed; the next one opens a connection.
                Some(Err(error)) => {
                    let failure = Failure::from(error);
                    debug!(%failure, "a connection was lost");
                    return;
                }
                None => return,
            }
        }
    });
}

/// Wakes all that wait now, or else the next that waits.
pub(crate) fn wake(waiting: &Notify) {
    waiting.notify_waiters();
    waiting.notify_one();
}
