//! Encrypted connections.

use std::fs;
use std::sync::Arc;

use lark_events_layers::Claim;
use lark_events_redis::RedisStoreErrorKind;
use lark_events_test_servers::Redis;
use rcgen::generate_simple_self_signed;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};

use crate::server::{claim, patient};

/// Trusts one certificate.
fn trusting(root: &CertificateDer<'static>) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(root.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider);
    let config = config.with_safe_default_protocol_versions().unwrap();
    config.with_root_certificates(roots).with_no_client_auth()
}

#[tokio::test]
async fn a_connection_is_encrypted_if_the_server_is_the_right_one() {
    let Some(server) = Redis::start_or_skip("encrypted connections to Redis") else {
        return;
    };
    let names = || vec!["127.0.0.1".to_owned()];
    let own = generate_simple_self_signed(names()).unwrap();
    let other = generate_simple_self_signed(names()).unwrap();
    for (name, text) in [
        ("cert", own.cert.pem()),
        ("key", own.signing_key.serialize_pem()),
    ] {
        fs::write(server.folder().join(name), text).unwrap();
    }
    server.configure(&[
        ("tls-cert-file", "cert"),
        ("tls-key-file", "key"),
        ("tls-auth-clients", "no"),
    ]);
    server.restart();
    let store = patient(server.tls_url()).tls_config(trusting(own.cert.der()));
    let store = store.build().unwrap();
    assert_eq!(claim(&store, "key", 1).await, Claim::Granted);
    server.restart();
    assert_eq!(claim(&store, "key", 1).await, Claim::Granted);
    let valkeys = server.tls_url().replace("rediss", "valkeys");
    let store = patient(valkeys).tls_config(trusting(own.cert.der()));
    store.build().unwrap().check().await.unwrap();

    let not_trusted = patient(server.tls_url()).tls_config(trusting(other.cert.der()));
    // Another name of the same server.
    let by_name = patient(server.tls_url().replace("127.0.0.1", "localhost"));
    let by_name = by_name.tls_config(trusting(own.cert.der()));
    for builder in [not_trusted, by_name] {
        let error = builder.build().unwrap().check().await.unwrap_err();
        assert_eq!(error.kind(), RedisStoreErrorKind::Unavailable);
        let text = error.to_string();
        assert!(
            text.starts_with("the TLS handshake with the server failed: "),
            "{text}"
        );
        assert!(text.contains("invalid peer certificate"), "{text}");
    }
    let plain = patient(server.tls_url().replace("rediss", "redis")).build();
    let error = plain.unwrap().check().await.unwrap_err();
    assert_eq!(error.kind(), RedisStoreErrorKind::Unavailable);
    let text = error.to_string();
    assert!(
        text.starts_with("the connection to the server was lost: "),
        "{text}"
    );
    let error = patient(server.url()).tls_config(trusting(own.cert.der()));
    let error = error.build().unwrap_err();
    assert_eq!(error.kind(), RedisStoreErrorKind::Invalid);
    assert!(
        error
            .to_string()
            .contains("expected a URL with `rediss://`"),
        "{error}"
    );
}
