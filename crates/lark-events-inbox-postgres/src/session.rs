//! A connection to the server that is opened when it is needed, and again after it was lost.

use std::fmt;
use std::future::poll_fn;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lark_events_inbox::StoreErrorKind;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;
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
/// After a failure to connect, calls fail with the same error for this long: a server that is out of
/// connections is not asked by every call.
const PAUSE: Duration = Duration::from_millis(250);
/// How often a transaction that the server rolled back is repeated.
const REPEATS: usize = 5;

/// The values of a statement with their types. Statements have no names, so that they work behind a pooler
/// that gives each transaction another connection.
pub(crate) type Values<'a> = &'a [(&'a (dyn ToSql + Sync), Type)];

/// A connection of a store, which calls share.
pub(crate) struct Connection {
    target: Arc<Target>,
    /// Notified by the server of what other processes have appended. `None`: it does not listen.
    woken: Option<Arc<Notify>>,
    current: tokio::sync::Mutex<Current>,
}

#[derive(Default)]
struct Current {
    session: Option<Arc<Session>>,
    failed: Option<(Instant, Failure)>,
}

/// One session of a server.
struct Session {
    client: Client,
    warnings: Arc<Warnings>,
}

/// The warnings of a session, which come from commits alone.
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
        Self {
            target,
            woken,
            current: tokio::sync::Mutex::default(),
        }
    }

    /// Connects, if it is not connected.
    pub(crate) async fn connect(&self) -> Result<(), Failure> {
        self.session().await.map(drop)
    }

    /// Runs a statement, which is a transaction of its own. A transaction that the server rolled back because
    /// of another one is repeated.
    pub(crate) async fn query(&self, sql: &str, values: Values<'_>) -> Result<Vec<Row>, Failure> {
        let mut repeats = 0;
        loop {
            let session = self.session().await?;
            match session.query(sql, values).await {
                Err(failure) if failure.is_transient() && repeats < REPEATS => {
                    repeats = repeats.saturating_add(1);
                }
                Err(failure) => {
                    if failure.is_of_another_server() {
                        self.forget(&session).await;
                    }
                    return Err(failure);
                }
                answered => return answered,
            }
        }
    }

    /// Runs a statement that returns one row.
    pub(crate) async fn query_one(&self, sql: &str, values: Values<'_>) -> Result<Row, Failure> {
        let row = self.query(sql, values).await?.pop();
        row.ok_or_else(|| Failure::new(StoreErrorKind::Corrupt, "the statement returned no row"))
    }

    async fn session(&self) -> Result<Arc<Session>, Failure> {
        let mut current = self.current.lock().await;
        if let Some(session) = current
            .session
            .take_if(|session| session.client.is_closed())
        {
            drop(session);
        }
        if let Some(session) = &current.session {
            return Ok(Arc::clone(session));
        }
        if let Some((at, failure)) = &current.failed
            && at.elapsed() < PAUSE
        {
            return Err(failure.clone());
        }
        match self.open().await {
            Ok(session) => {
                let session = Arc::new(session);
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

    async fn open(&self) -> Result<Session, Failure> {
        let open = async {
            let session = connect(&self.target, self.woken.clone()).await?;
            schema::expect_usable(&session.client, &self.target.schema).await?;
            if self.woken.is_some() {
                let listen = format!("LISTEN {}", self.target.schema);
                session.client.batch_execute(&listen).await?;
            }
            Ok(session)
        };
        in_time(open).await
    }

    async fn forget(&self, session: &Arc<Session>) {
        let mut current = self.current.lock().await;
        current
            .session
            .take_if(|current| Arc::ptr_eq(current, session));
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

impl Session {
    async fn query(&self, sql: &str, values: Values<'_>) -> Result<Vec<Row>, Failure> {
        let warned = self.warnings.count();
        let values: Vec<_> = values
            .iter()
            .map(|(value, of)| (*value, of.clone()))
            .collect();
        let rows = self.client.query_typed(sql, &values).await?;
        // With the standby gone and the wait for it cancelled, a commit succeeds with a warning: the event may
        // be on this server alone.
        if self.warnings.count() != warned {
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
            let tls = tokio_postgres_rustls::MakeRustlsConnect::new((**config).clone());
            let (client, connection) = target.config.connect(tls).await?;
            serve(connection, Arc::clone(&warnings), woken);
            client
        }
    };
    Ok(Session { client, warnings })
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
