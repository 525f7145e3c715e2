//! The settings of a store.

use std::fmt;
use std::time::Duration;

use lark_events_inbox::StoreError;

use crate::facts::PostgresFacts;
use crate::failure::Failure;
use crate::grants;
use crate::schema;
use crate::session;
use crate::store::PostgresStore;
use crate::target::{Target, Tls};

/// Builds a [`PostgresStore`].
#[derive(Clone)]
#[must_use = "a builder does nothing until it connects"]
pub struct PostgresStoreBuilder {
    url: String,
    schema: String,
    retention: Duration,
    migrate: bool,
    notifies: bool,
    tls: Tls,
}

impl PostgresStoreBuilder {
    pub(crate) fn new(url: String) -> Self {
        Self {
            url,
            schema: PostgresStore::DEFAULT_SCHEMA.to_owned(),
            retention: PostgresStore::DEFAULT_RETENTION,
            migrate: true,
            notifies: true,
            tls: Tls::None,
        }
    }

    /// Sets the schema of the tables: [`DEFAULT_SCHEMA`](PostgresStore::DEFAULT_SCHEMA) by default. A name consists
    /// of lowercase letters, digits and `_`.
    pub fn schema(mut self, schema: impl Into<String>) -> Self {
        self.schema = schema.into();
        self
    }

    /// Sets how long finished events and their keys are kept:
    /// [`DEFAULT_RETENTION`](PostgresStore::DEFAULT_RETENTION) by default. A shorter time counts as
    /// [`MIN_RETENTION`](PostgresStore::MIN_RETENTION). An event whose request could be replayed for longer is kept
    /// for that time.
    pub fn retention(mut self, retention: Duration) -> Self {
        self.retention = retention.max(PostgresStore::MIN_RETENTION);
        self
    }

    /// Makes [`connect`](Self::connect) fail if the tables are missing or have an older version, instead of
    /// migrating them. Use it with a role that may not create tables, and run `lark-events inbox migrate` as their
    /// owner.
    pub fn without_migration(mut self) -> Self {
        self.migrate = false;
        self
    }

    /// Does not listen for notifications of other processes. A worker then notices their events after up to a
    /// second. Use it behind a pooler in transaction mode, such as PgBouncer, where a `LISTEN` would stay on a
    /// connection that other clients use next.
    pub fn without_notifications(mut self) -> Self {
        self.notifies = false;
        self
    }

    /// Sets the TLS configuration, with its cryptography provider and the root certificates that you trust.
    /// Connections are encrypted if the server supports TLS. With `sslmode=require` in the URL, unencrypted
    /// connections fail.
    #[cfg(feature = "rustls")]
    #[cfg_attr(docsrs, doc(cfg(feature = "rustls")))]
    pub fn tls_config(mut self, config: impl Into<std::sync::Arc<rustls::ClientConfig>>) -> Self {
        self.tls = Tls::Rustls(config.into());
        self
    }

    /// Connects, and creates the tables or migrates them to the version of this crate.
    ///
    /// # Errors
    ///
    /// [`Version`](lark_events_inbox::StoreErrorKind::Version) when the tables have a newer version that this crate
    /// cannot use, or must be migrated [but may not](Self::without_migration);
    /// [`Unsupported`](lark_events_inbox::StoreErrorKind::Unsupported) when a setting is invalid, or the encoding
    /// of the database is not UTF-8; [`Unavailable`](lark_events_inbox::StoreErrorKind::Unavailable) when the
    /// server cannot be reached, or rejects the login.
    pub async fn connect(self) -> Result<PostgresStore, StoreError> {
        let target = self.target()?;
        if self.migrate {
            let client = session::open(&target).await?;
            schema::migrate(&client, &target.schema).await?;
        }
        PostgresStore::open(target, self.retention, self.notifies).await
    }

    /// Grants a role the rights to receive, handle and operate on events. The role cannot alter or migrate the
    /// tables. Call this as their owner, once they exist.
    ///
    /// # Errors
    ///
    /// When a setting or the name is invalid, the server cannot be reached, the role does not exist, or the
    /// connected role may not grant rights.
    pub async fn grant(&self, role: &str) -> Result<(), StoreError> {
        let sql = self.grants(role)?;
        let client = session::open(&self.target()?).await?;
        let granted = client.batch_execute(&sql).await.map_err(Failure::from);
        Ok(granted?)
    }

    /// The SQL of [`grant`](Self::grant), to run yourself. It also grants the rights on what later versions add, if
    /// the same owner migrates the tables.
    ///
    /// # Errors
    ///
    /// When a setting or the name is invalid.
    pub fn grants(&self, role: &str) -> Result<String, StoreError> {
        Ok(grants::script(&self.target()?.schema, role)?)
    }

    /// The version of the tables; 0 if there are none.
    ///
    /// # Errors
    ///
    /// When a setting is invalid, or the server cannot be reached.
    pub async fn version(&self) -> Result<u32, StoreError> {
        let target = self.target()?;
        let client = session::open(&target).await?;
        let version = schema::version(&client, &target.schema).await?;
        Ok(version.map_or(0, |version| version.number))
    }

    /// Reads the state of the server and the tables, without changing them: for tools, and for checks before a
    /// start.
    ///
    /// # Errors
    ///
    /// When a setting is invalid, or the server cannot be reached.
    pub async fn facts(&self) -> Result<PostgresFacts, StoreError> {
        let target = self.target()?;
        let client = session::open(&target).await?;
        Ok(PostgresFacts::read(&client, &target.schema).await?)
    }

    /// The SQL that migrates tables from this version to [`VERSION`](PostgresStore::VERSION), a step each, for
    /// programs that may not create tables themselves. Version 0 means no tables. [`connect`](Self::connect) runs
    /// the same SQL.
    ///
    /// # Errors
    ///
    /// When a setting is invalid.
    pub fn migration(&self, from: u32) -> Result<Vec<String>, StoreError> {
        Ok(schema::script(from, &self.target()?.schema))
    }

    fn target(&self) -> Result<Target, StoreError> {
        Ok(Target::new(&self.url, &self.schema, self.tls.clone())?)
    }
}

/// Without the URL, which may have a password.
impl fmt::Debug for PostgresStoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStoreBuilder")
            .field("schema", &self.schema)
            .field("retention", &self.retention)
            .field("migrate", &self.migrate)
            .field("notifies", &self.notifies)
            .finish_non_exhaustive()
    }
}
