//! Which server, which schema, and how.

use std::fmt;
use std::time::Duration;

use lark_events_inbox::StoreErrorKind;
use tokio_postgres::Config;
use tokio_postgres::config::{SslMode, TargetSessionAttrs};

use crate::failure::Failure;

/// A server may be gone without a word: its connections are found dead after half a minute.
const KEEPALIVES_IDLE: Duration = Duration::from_secs(15);
const KEEPALIVES_INTERVAL: Duration = Duration::from_secs(5);
const KEEPALIVES_RETRIES: u32 = 3;
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(15);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// The longest name of PostgreSQL.
const MAX_NAME: usize = 63;

/// Where the tables are. Its secrets never print.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) config: Config,
    pub(crate) schema: String,
    pub(crate) tls: Tls,
}

#[derive(Clone)]
pub(crate) enum Tls {
    None,
    #[cfg(feature = "rustls")]
    Rustls(std::sync::Arc<rustls::ClientConfig>),
}

impl Target {
    pub(crate) fn new(url: &str, schema: &str, tls: Tls) -> Result<Self, Failure> {
        let invalid = |text: &str| Failure::new(StoreErrorKind::Unsupported, text);
        // The error of the parser may quote a part of the password.
        let mut config: Config = url.parse().map_err(|_| {
            invalid(
                "the URL is invalid: expected postgres://USER:PASSWORD@HOST:PORT/DATABASE, with special \
                 characters as %XX",
            )
        })?;
        if !is_name(schema) {
            return Err(invalid(
                "the name of the schema is invalid: expected lowercase letters, digits and `_`",
            ));
        }
        if config.get_ssl_mode() == SslMode::Require && matches!(tls, Tls::None) {
            return Err(invalid(
                "`sslmode=require` needs a TLS configuration: enable the feature `rustls` and set `tls_config`",
            ));
        }
        let defaults = Config::new();
        if config.get_application_name().is_none() {
            config.application_name("lark-events");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(TCP_USER_TIMEOUT);
        }
        if config.get_keepalives_idle() == defaults.get_keepalives_idle() {
            config.keepalives_idle(KEEPALIVES_IDLE);
        }
        if config.get_keepalives_interval().is_none() {
            config.keepalives_interval(KEEPALIVES_INTERVAL);
        }
        if config.get_keepalives_retries().is_none() {
            config.keepalives_retries(KEEPALIVES_RETRIES);
        }
        // Of several servers, the one that takes writes.
        if config.get_target_session_attrs() == TargetSessionAttrs::Any {
            config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        }
        Ok(Self {
            config,
            schema: schema.to_owned(),
            tls,
        })
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target")
            .field("database", &self.config.get_dbname())
            .field("schema", &self.schema)
            .finish_non_exhaustive()
    }
}

/// Whether a name needs no quotes in SQL.
fn is_name(name: &str) -> bool {
    name.len() <= MAX_NAME
        && name.starts_with(|first: char| first.is_ascii_lowercase() || first == '_')
        && !name.starts_with("pg_")
        && name
            .chars()
            .all(|char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invalid_url_is_not_quoted() {
        for url in [
            "postgres://user:pa#ss@host?word",
            "mysql://secret",
            "postgres://u@h:secret/db",
        ] {
            let failure = Target::new(url, "lark_inbox", Tls::None).unwrap_err();
            assert!(!failure.to_string().contains("secret"), "{failure}");
            assert!(
                failure.to_string().starts_with("the URL is invalid"),
                "{failure}"
            );
        }
    }

    #[test]
    fn a_name_of_a_schema_needs_no_quotes() {
        for name in ["lark_inbox", "_a1"] {
            assert!(is_name(name), "{name}");
        }
        for name in [
            "",
            "Lark",
            "1a",
            "a-b",
            "a b",
            "pg_inbox",
            "a\";drop",
            &"a".repeat(64),
        ] {
            assert!(!is_name(name), "{name}");
        }
    }

    #[test]
    fn a_url_that_requires_tls_is_not_used_without() {
        let url = "postgres://u@h/d?sslmode=require";
        let failure = Target::new(url, "lark_inbox", Tls::None).unwrap_err();
        assert!(failure.to_string().contains("rustls"), "{failure}");
    }
}
