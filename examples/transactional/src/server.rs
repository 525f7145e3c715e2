//! The database: that of `INBOX`, or a server that ends with this program.

use std::env;

pub(crate) const VARIABLE: &str = "INBOX";

/// A database.
pub(crate) struct Server {
    url: String,
    #[cfg(unix)]
    _started: Option<lark_events_test_servers::Postgres>,
}

impl Server {
    /// It may have a password.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

/// Finds or starts a server; `None` if PostgreSQL is not installed.
pub(crate) fn find() -> Result<Option<Server>, String> {
    match env::var(VARIABLE) {
        Ok(url) if !url.is_empty() => Ok(Some(Server {
            url,
            #[cfg(unix)]
            _started: None,
        })),
        _ => start(),
    }
}

#[cfg(unix)]
fn start() -> Result<Option<Server>, String> {
    let Some(installed) = lark_events_test_servers::Postgres::installed() else {
        return Ok(None);
    };
    let postgres = installed.try_start(&[])?;
    Ok(Some(Server {
        url: postgres.url(),
        _started: Some(postgres),
    }))
}

#[cfg(not(unix))]
fn start() -> Result<Option<Server>, String> {
    Ok(None)
}
