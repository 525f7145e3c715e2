//! Encrypted connections, with certificates on both sides.

use std::fs;
use std::sync::Arc;

use lark_events_inbox::{Entry, Store as _, StoreErrorKind, WorkerId, WorkerState};
use lark_events_inbox_nats::NatsStoreBuilder;
use lark_events_test_servers::NatsSettings;
use rcgen::generate_simple_self_signed;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use crate::app::{SECOND, event};
use crate::server::{MAX_PAYLOAD, builder, cause, claim, refused, start};

/// Trusts one certificate, and presents another one.
fn config(
    root: &CertificateDer<'static>,
    own: &CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(root.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider);
    let config = config.with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(roots);
    config
        .with_client_auth_cert(vec![own.clone()], key)
        .unwrap()
}

async fn works(builder: NatsStoreBuilder) {
    let store = builder.partitions(2).connect().await.unwrap();
    let worker = WorkerId::draw();
    store.heartbeat(worker, WorkerState::Running).await.unwrap();
    store
        .append(vec![Entry::new(event(None, 1))])
        .await
        .unwrap();
    claim(&store, 1, 30 * SECOND).await;
}

async fn fails(builder: NatsStoreBuilder, expected: &str) {
    let error = refused(builder).await;
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    let text = cause(&error);
    assert!(text.contains(expected), "{text}");
}

#[tokio::test]
async fn a_connection_is_encrypted_and_both_sides_have_the_right_certificate() {
    let settings = NatsSettings::new();
    let Some(server) = start("encrypted connections to NATS", &settings) else {
        return;
    };
    // For builds in which several providers are enabled.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let names = || vec!["127.0.0.1".to_owned()];
    let path = |name: &str| server.folder().join(name);
    let [own, client, _] = ["server", "client", "other"].map(|name| {
        let made = generate_simple_self_signed(names()).unwrap();
        fs::write(path(&format!("{name}.crt")), made.cert.pem()).unwrap();
        let key = made.signing_key.serialize_pem();
        fs::write(path(&format!("{name}.key")), key).unwrap();
        made
    });
    let trusting = |root: &str| builder(server.url()).root_certificates(path(root));
    let presenting = |builder: NatsStoreBuilder, name: &str| {
        let [certificate, key] = ["crt", "key"].map(|end| path(&format!("{name}.{end}")));
        builder.client_certificate(certificate, key)
    };
    // Never without encryption.
    let trusts_the_system = presenting(builder(server.url()), "client");
    for builder in [trusting("server.crt"), trusts_the_system.clone()] {
        fails(builder, "the server does not use TLS").await;
    }

    let tls =
        "tls { cert_file: server.crt, key_file: server.key, ca_file: client.crt, verify: true }";
    server.configure(&settings.line(MAX_PAYLOAD).line(tls));
    server.restart();
    works(presenting(trusting("server.crt"), "client")).await;
    let key = client.signing_key.serialize_der().try_into().unwrap();
    let config = config(own.cert.der(), client.cert.der(), key);
    works(builder(server.url()).tls_config(config)).await;

    let not_trusted = presenting(trusting("other.crt"), "client");
    for builder in [not_trusted, trusts_the_system] {
        fails(builder, "invalid peer certificate").await;
    }
    fails(trusting("server.crt"), "alert: CertificateRequired").await;
    let not_known = presenting(trusting("server.crt"), "other");
    fails(not_known, "received fatal alert: ").await;
}
