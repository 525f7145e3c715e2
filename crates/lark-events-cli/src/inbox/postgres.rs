//! A store on PostgreSQL: its settings, and what its errors say.

use lark_events_inbox::StoreError;
use lark_events_inbox_postgres::{PostgresStore, PostgresStoreBuilder};

use crate::Error;
use crate::webhook::client::tls_config;

/// The tables in a schema of a database.
pub(super) struct Postgres {
    pub(super) builder: PostgresStoreBuilder,
}

impl Postgres {
    /// The URL appears in no error: it may contain a password.
    pub(super) fn new(url: &str, schema: Option<&str>) -> Result<Self, Error> {
        let schema = schema.unwrap_or(PostgresStore::DEFAULT_SCHEMA);
        let builder = PostgresStore::builder(url).schema(schema);
        let builder = builder.tls_config(tls_config()?);
        Ok(Self { builder })
    }

    /// Opens the store, whose tables must exist.
    pub(super) async fn open(&self) -> Result<PostgresStore, Error> {
        let opened = self.builder.clone().without_migration().connect().await;
        opened.map_err(failed)
    }
}

/// The cause of an error of the store.
pub(super) fn failed(error: StoreError) -> Error {
    format!("PostgreSQL: {}", cause(&error)).into()
}

/// The cause of an error with what to do about it, if that is not obvious.
pub(super) fn cause(error: &StoreError) -> String {
    let text = super::store::cause(error);
    let advice = if text.contains("peer certificate") {
        "set SSL_CERT_FILE to the root certificate of the server, or add `?sslmode=disable` to the URL if the \
        network is trusted"
    } else if text.contains("password missing") {
        "add the password to the URL"
    } else if text.starts_with("permission denied") {
        "let the owner of the tables run `lark-events inbox migrate --grant-to ROLE`"
    } else {
        return text;
    };
    format!("{text}: {advice}")
}
