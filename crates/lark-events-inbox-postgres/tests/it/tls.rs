//! Encrypted connections.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use lark_events_inbox::{Entry, Store as _, StoreErrorKind};
use lark_events_inbox_postgres::PostgresStore;
use lark_events_test_servers::Postgres;
use rcgen::generate_simple_self_signed;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};

use crate::app::event;
use crate::server::cause;

/// Trusts one certificate.
fn trusting(root: &CertificateDer<'static>) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(root.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider);
    let config = config.with_safe_default_protocol_versions().unwrap();
    config.with_root_certificates(roots).with_no_client_auth()
}

/// Has the server write a file of its own.
fn write(server: &Postgres, name: &str, text: &str) {
    let path = server.folder().join("data").join(name);
    let copy = format!(
        "COPY (SELECT unnest(string_to_array('{}', E'\\n'))) TO '{}'",
        text.trim_end(),
        path.display()
    );
    server.psql(&copy);
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
}

#[tokio::test]
async fn a_connection_is_encrypted_if_the_server_is_the_right_one() {
    let Some(server) = Postgres::start_or_skip("encrypted connections to PostgreSQL") else {
        return;
    };
    let names = || vec!["127.0.0.1".to_owned()];
    let own = generate_simple_self_signed(names()).unwrap();
    let other = generate_simple_self_signed(names()).unwrap();
    let required = format!("{}?sslmode=require", server.url());
    let connect = async |root| {
        let builder = PostgresStore::builder(required.as_str()).tls_config(trusting(root));
        builder.connect().await
    };

    let error = connect(own.cert.der()).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    let text = cause(&error);
    assert!(text.contains("server does not support TLS"), "{text}");

    write(&server, "server.crt", &own.cert.pem());
    write(&server, "server.key", &own.signing_key.serialize_pem());
    server.psql("ALTER SYSTEM SET ssl = on");
    server.restart();
    let store = connect(own.cert.der()).await.unwrap();
    store
        .append(vec![Entry::new(event(None, 1))])
        .await
        .unwrap();
    store.status().await.unwrap();
    let encrypted = "SELECT DISTINCT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
        WHERE application_name = 'lark-events'";
    assert_eq!(server.psql(encrypted), "t");

    let error = connect(other.cert.der()).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    let text = cause(&error);
    assert!(text.contains("TLS handshake"), "{text}");
    assert!(text.contains("invalid peer certificate"), "{text}");
    // Another name of the same server.
    let by_name = required.replace("127.0.0.1", "localhost");
    let builder = PostgresStore::builder(by_name).tls_config(trusting(own.cert.der()));
    let text = cause(&builder.connect().await.unwrap_err());
    assert!(text.contains("invalid peer certificate"), "{text}");

    let error = PostgresStore::connect(required.as_str()).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unsupported);
    let expected = "`sslmode=require` needs a TLS configuration: enable the feature `rustls` and set `tls_config`";
    assert_eq!(cause(&error), expected);
}
