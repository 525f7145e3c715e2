//! A database for examples: one that exists already, or that of a server of their own.

use std::{env, fmt};

/// A database whose URL is in an environment variable, or that of a server which ends with this value.
pub struct Database {
    url: String,
    #[cfg(unix)]
    _started: Option<crate::Postgres>,
}

impl Database {
    /// Takes the URL in the variable. If it is not set, starts a server; `None` if PostgreSQL is not installed.
    ///
    /// # Errors
    ///
    /// A text that says why the server did not start, with the end of its log.
    pub fn given_or_started(variable: &str) -> Result<Option<Self>, String> {
        match env::var(variable) {
            Ok(url) if !url.is_empty() => Ok(Some(Self {
                url,
                #[cfg(unix)]
                _started: None,
            })),
            _ => Self::started(),
        }
    }

    #[cfg(unix)]
    fn started() -> Result<Option<Self>, String> {
        let Some(installation) = crate::Postgres::installed() else {
            return Ok(None);
        };
        let postgres = installation.try_start(&[])?;
        Ok(Some(Self {
            url: postgres.url(),
            _started: Some(postgres),
        }))
    }

    #[cfg(not(unix))]
    fn started() -> Result<Option<Self>, String> {
        Ok(None)
    }

    /// Its URL, which may have a password.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

/// Without the URL.
impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").finish_non_exhaustive()
    }
}
