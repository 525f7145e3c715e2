//! `--store`: which store, and opening it.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::{fmt, fs};

use clap::Args;
use lark_events_inbox::{Admin, SqliteFile, SqliteStore, StoreError};

use crate::Error;

#[derive(Debug, Args)]
pub(super) struct StoreArgs {
    /// The store, at `sqlite:PATH`.
    #[arg(long, value_name = "STORE")]
    store: Place,
}

/// Where a store is. It may contain a password, so it never prints, and is not parsed by `clap`, which quotes
/// invalid values.
#[derive(Clone)]
struct Place(String);

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Place(..)")
    }
}

impl FromStr for Place {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl StoreArgs {
    /// The path of a store in a file, which exists.
    pub(super) fn file(&self) -> Result<PathBuf, Error> {
        let Place(place) = &self.store;
        let path = match place.split_once(':') {
            Some(("sqlite", "")) => return Err("--store: expected a path after `sqlite:`".into()),
            Some(("sqlite", path)) => PathBuf::from(path),
            Some((scheme, _)) if is_scheme(scheme) => {
                return Err(
                    format!("--store: expected `sqlite:PATH`, got a store at `{scheme}:`").into(),
                );
            }
            _ => return Err("--store: expected `sqlite:PATH`, got a text without a scheme".into()),
        };
        let found = fs::metadata(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        if found.is_dir() {
            return Err(format!("{}: expected a file, got a folder", path.display()).into());
        }
        Ok(path)
    }

    /// Opens the store, whose tables must be of this version: only `migrate` changes them.
    pub(super) async fn open(&self) -> Result<Box<dyn Admin>, Error> {
        let path = self.file()?;
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

/// The error of a store in a file, with its cause.
pub(super) fn failed(path: &Path, error: &StoreError) -> Error {
    let cause = std::error::Error::source(error);
    let cause = cause.map(|cause| format!(": {cause}")).unwrap_or_default();
    format!("{}: {error}{cause}", path.display()).into()
}

/// Whether a text is the scheme of a URL (RFC 3986), and so no secret.
fn is_scheme(text: &str) -> bool {
    text.starts_with(|char: char| char.is_ascii_alphabetic())
        && text
            .chars()
            .all(|char| char.is_ascii_alphanumeric() || "+-.".contains(char))
}
