//! The TLS of an app.

#[cfg(feature = "tls")]
mod default_config;

use std::error::Error;
use std::fmt;

#[cfg(feature = "tls")]
use {std::sync::Arc, tokio_rustls::TlsConnector, tokio_rustls::rustls::ClientConfig};

/// The TLS configuration of an app: by default, that of the enabled features.
#[derive(Debug, Clone, Default)]
pub struct Tls {
    #[cfg(feature = "tls")]
    config: Option<Arc<ClientConfig>>,
}

#[cfg(feature = "tls")]
impl Tls {
    /// A configuration of the app's own.
    #[must_use]
    pub fn of(config: Arc<ClientConfig>) -> Self {
        Self {
            config: Some(config),
        }
    }

    pub(crate) fn connector(&self) -> Option<TlsConnector> {
        let config = self.config.clone();
        let config = config.or_else(default_config::default_config);
        config.map(TlsConnector::from)
    }
}

/// A URL needs TLS, and there is no configuration.
#[derive(Debug)]
pub struct NoTls;

impl fmt::Display for NoTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "the domain uses https://, but no cryptography provider or no root certificates are enabled: \
             enable the features `ring` and `webpki-roots`, or set `tls_config`",
        )
    }
}

impl Error for NoTls {}
