//! A self-signed certificate for the loopback address.

use std::sync::Arc;

use lark_events::BoxError;
use rcgen::CertifiedKey;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;

use super::Acceptor;

/// A server's side of TLS, and the certificate that clients have to trust, as PEM.
pub(crate) fn self_signed() -> Result<(Acceptor, String), BoxError> {
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let CertifiedKey { cert, signing_key } = rcgen::generate_simple_self_signed(names)?;
    let key = PrivatePkcs8KeyDer::from(signing_key.serialize_der());
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key.into())?;
    let acceptor = Acceptor::Tls(TlsAcceptor::from(Arc::new(config)));
    Ok((acceptor, cert.pem()))
}
