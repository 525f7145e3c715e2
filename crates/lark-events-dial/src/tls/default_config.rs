//! The default TLS configuration: root certificates and a provider, each from a feature.

use std::sync::Arc;

use tokio_rustls::rustls::crypto::CryptoProvider;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// The configuration of the enabled features; `None` if no feature provides a TLS provider or root
/// certificates.
pub(super) fn default_config() -> Option<Arc<ClientConfig>> {
    let roots = roots();
    if roots.is_empty() {
        return None;
    }
    // Passed explicitly, because the process may have no default provider, or another one.
    let config = ClientConfig::builder_with_provider(provider()?)
        .with_safe_default_protocol_versions()
        .ok()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Some(Arc::new(config))
}

fn provider() -> Option<Arc<CryptoProvider>> {
    #[cfg(feature = "ring")]
    let provider = tokio_rustls::rustls::crypto::ring::default_provider();
    #[cfg(all(feature = "aws-lc", not(feature = "ring")))]
    let provider = tokio_rustls::rustls::crypto::aws_lc_rs::default_provider();
    #[cfg(any(feature = "ring", feature = "aws-lc"))]
    return Some(Arc::new(provider));
    #[cfg(not(any(feature = "ring", feature = "aws-lc")))]
    None
}

fn roots() -> RootCertStore {
    #[cfg_attr(
        not(any(feature = "webpki-roots", feature = "native-roots")),
        expect(unused_mut, reason = "features add roots")
    )]
    let mut roots = RootCertStore::empty();
    #[cfg(feature = "webpki-roots")]
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    #[cfg(feature = "native-roots")]
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}
