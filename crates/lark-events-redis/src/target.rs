//! Which server, and how.

use std::time::Duration;

use redis::{ConnectionAddr, ConnectionInfo, RedisConnectionInfo};

use crate::error::RedisStoreError;

/// Where the keys are. Its secrets never print.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) address: Address,
    pub(crate) login: RedisConnectionInfo,
    pub(crate) tls: Tls,
    pub(crate) time_limit: Duration,
}

#[derive(Clone)]
pub(crate) enum Address {
    Tcp(String, u16),
    #[cfg(unix)]
    Unix(std::path::PathBuf),
}

#[derive(Clone)]
pub(crate) enum Tls {
    None,
    #[cfg(feature = "rustls")]
    Rustls(std::sync::Arc<rustls::ClientConfig>),
}

impl Target {
    pub(crate) fn new(url: &str, tls: Tls, time_limit: Duration) -> Result<Self, RedisStoreError> {
        // The error of the parser may quote a part of the password. A `#` is one that is not escaped.
        let invalid = || {
            RedisStoreError::invalid(
                "the URL is invalid: expected redis://USER:PASSWORD@HOST:PORT/DATABASE, rediss:// for TLS, or \
                 redis+unix://PATH, with special characters as %XX",
            )
        };
        if url.contains('#') {
            return Err(invalid());
        }
        let (scheme, rest) = url.split_once("://").ok_or_else(invalid)?;
        let is_encrypted = ["rediss", "valkeys"].contains(&scheme);
        match tls {
            Tls::None if is_encrypted => {
                return Err(RedisStoreError::invalid(format!(
                    "`{scheme}://` needs a TLS configuration: enable the feature `rustls` and set `tls_config`"
                )));
            }
            #[cfg(feature = "rustls")]
            Tls::Rustls(_) if !is_encrypted => {
                return Err(RedisStoreError::invalid(
                    "the connection would not be encrypted: expected a URL with `rediss://`, because `tls_config` is set",
                ));
            }
            _ => {}
        }
        // The connection is opened here, whatever the features of `redis` are.
        let scheme = if is_encrypted { "redis" } else { scheme };
        let info: ConnectionInfo = format!("{scheme}://{rest}")
            .parse()
            .map_err(|_| invalid())?;
        let address = match info.addr() {
            ConnectionAddr::Tcp(host, port) => Address::Tcp(host.clone(), *port),
            #[cfg(unix)]
            ConnectionAddr::Unix(path) => Address::Unix(path.clone()),
            _ => return Err(invalid()),
        };
        let login = info.redis_settings().clone();
        Ok(Self {
            address,
            login: login.set_lib_name(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION")),
            tls,
            time_limit,
        })
    }
}

impl Target {
    /// The same for another node of a cluster.
    pub(crate) fn at(&self, (host, port): &(String, u16)) -> Self {
        Self {
            address: Address::Tcp(host.clone(), *port),
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: &str) -> Result<Target, RedisStoreError> {
        Target::new(url, Tls::None, Duration::from_secs(1))
    }

    #[test]
    fn an_invalid_url_is_not_quoted() {
        for url in [
            "redis://user:pa#secret@host",
            "redis://secret#word@host",
            "mysql://secret",
            "secret",
            "redis://u@h:secret/0",
            "redis://h/secret",
            "redis://u:secret/1@h",
            "redis://",
        ] {
            let error = target(url).err().expect(url).to_string();
            assert!(!error.contains("secret"), "{error}");
            assert!(error.starts_with("the URL is invalid"), "{error}");
        }
    }

    #[test]
    fn a_url_names_a_server_a_login_and_a_database() {
        for scheme in ["redis", "valkey"] {
            let url = format!("{scheme}://u:p%23@[::1]:7000/3");
            let target = target(&url).unwrap_or_else(|error| panic!("{error}"));
            assert!(matches!(target.address, Address::Tcp(host, 7_000) if host == "::1"));
            assert_eq!(target.login.username(), Some("u"));
            assert_eq!(target.login.password(), Some("p#"));
            assert_eq!(target.login.db(), 3);
            assert_eq!(target.login.lib_name(), Some("lark-events-redis"));
        }
    }

    #[test]
    fn a_url_for_tls_is_not_used_without() {
        for url in ["rediss://secret@h", "valkeys://secret@h"] {
            let error = target(url).err().expect(url).to_string();
            assert!(error.contains("the feature `rustls`"), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
