//! `--store`: which store, and opening it.

use std::path::{Path, PathBuf};
use std::{env, fs};

use clap::Args;
use lark_events_inbox::{Admin, SqliteFile, SqliteStore, StoreError};

use super::nats::Nats;
use super::postgres::Postgres;
use crate::Error;
use crate::secrets::Secret;

/// The variable for `--store`.
const VARIABLE: &str = "LARK_EVENTS_STORE";

#[derive(Debug, Args)]
pub(super) struct StoreArgs {
    // The URL may contain a password.
    #[arg(
        long,
        value_name = "STORE",
        help = "The store: `sqlite:PATH`, `postgres://USER:PASSWORD@HOST:PORT/DATABASE` or \
            `nats://USER:PASSWORD@HOST:PORT`. Other users can see command lines: put a password into the environment \
            [env: LARK_EVENTS_STORE]"
    )]
    store: Option<Secret>,
    #[arg(
        long,
        value_name = "NAME",
        help = "The schema of the tables in PostgreSQL [default: lark_inbox]"
    )]
    schema: Option<String>,
    #[arg(long, value_name = "NAME", help = "The prefix of the streams on NATS [default: LARK]")]
    prefix: Option<String>,
    #[arg(long, value_name = "FILE", help = "The credentials file to log in to NATS with")]
    credentials: Option<PathBuf>,
}

/// A store of one of the kinds.
pub(super) enum Place {
    /// A file, which exists.
    File(PathBuf),
    Postgres(Postgres),
    Nats(Nats),
}

impl StoreArgs {
    pub(super) fn place(&self) -> Result<Place, Error> {
        let (name, text) = self.text()?;
        let expected = "expected `sqlite:PATH`, `postgres://…` or `nats://…`";
        let kind = text.split_once(':');
        if let Some((scheme, _)) = kind {
            self.check(scheme)?;
        }
        match kind {
            Some(("sqlite", "")) => Err(format!("{name}: expected a path after `sqlite:`").into()),
            Some(("sqlite", path)) => file(path.into()).map(Place::File),
            Some(("postgres" | "postgresql", _)) => {
                Postgres::new(&text, self.schema.as_deref()).map(Place::Postgres)
            }
            Some((scheme, _)) if is_nats(scheme) => {
                let (prefix, credentials) = (self.prefix.as_deref(), self.credentials.as_deref());
                Nats::new(&text, prefix, credentials).map(Place::Nats)
            }
            Some((scheme, _)) if is_scheme(scheme) => {
                Err(format!("{name}: {expected}, got a store at `{scheme}:`").into())
            }
            _ => Err(format!("{name}: {expected}, got a text without a scheme").into()),
        }
    }

    /// Fails if there is an option for another kind of store.
    fn check(&self, scheme: &str) -> Result<(), Error> {
        let is_postgres = matches!(scheme, "postgres" | "postgresql");
        if self.schema.is_some() && (scheme == "sqlite" || is_nats(scheme)) {
            return Err("--schema: only a store on PostgreSQL has a schema".into());
        }
        if scheme != "sqlite" && !is_postgres {
            return Ok(());
        }
        if self.prefix.is_some() {
            return Err("--prefix: only a store on NATS has a prefix".into());
        }
        if self.credentials.is_some() {
            return Err("--credentials: only a store on NATS has a credentials file".into());
        }
        Ok(())
    }

    pub(super) fn is_nats(&self) -> bool {
        let text = self.text();
        matches!(text, Ok((_, text)) if text.split_once(':').is_some_and(|(scheme, _)| is_nats(scheme)))
    }

    /// The argument, or else the variable, with its name. An empty variable counts as none.
    fn text(&self) -> Result<(&'static str, String), Error> {
        if let Some(Secret(text)) = &self.store {
            return Ok(("--store", text.clone()));
        }
        match env::var(VARIABLE) {
            Ok(text) if !text.is_empty() => Ok((VARIABLE, text)),
            Err(env::VarError::NotUnicode(_)) => Err(format!("{VARIABLE} is not UTF-8").into()),
            _ => Err(format!("no store: pass --store <STORE>, or set {VARIABLE}").into()),
        }
    }

    /// Opens the store, whose tables must be of this version: only `migrate` changes them.
    pub(super) async fn open(&self) -> Result<Box<dyn Admin>, Error> {
        let path = match self.place()? {
            Place::File(path) => path,
            Place::Postgres(postgres) => return Ok(Box::new(postgres.open().await?)),
            Place::Nats(nats) => return Ok(Box::new(nats.open().await?)),
        };
        let version = SqliteFile::new(&path).version().await;
        let version = version.map_err(|error| failed(&path, &error))?;
        if version < SqliteFile::VERSION {
            let expected = SqliteFile::VERSION;
            return Err(format!(
                "{}: the tables have version {version}, expected version {expected}: run \
                `lark-events inbox migrate`",
                path.display()
            )
            .into());
        }
        let store = SqliteStore::builder(&path).existing().without_migration();
        let store = store.open().await;
        Ok(Box::new(store.map_err(|error| failed(&path, &error))?))
    }
}

fn is_nats(scheme: &str) -> bool {
    matches!(scheme, "nats" | "tls")
}

fn file(path: PathBuf) -> Result<PathBuf, Error> {
    let found = fs::metadata(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    if found.is_dir() {
        return Err(format!("{}: expected a file, got a folder", path.display()).into());
    }
    Ok(path)
}

/// The error of a store in a file, with its cause.
pub(super) fn failed(path: &Path, error: &StoreError) -> Error {
    let cause = std::error::Error::source(error);
    let cause = cause.map(|cause| format!(": {cause}")).unwrap_or_default();
    format!("{}: {error}{cause}", path.display()).into()
}

/// The cause of an error, or else the error.
pub(super) fn cause(error: &StoreError) -> String {
    let source = std::error::Error::source(error);
    source.map_or_else(|| error.to_string(), ToString::to_string)
}

/// Whether a text is the scheme of a URL (RFC 3986), and so no secret.
fn is_scheme(text: &str) -> bool {
    text.starts_with(|char: char| char.is_ascii_alphabetic())
        && text
            .chars()
            .all(|char| char.is_ascii_alphanumeric() || "+-.".contains(char))
}
