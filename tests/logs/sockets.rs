//! Both transports over sockets, where other crates are in between: axum and hyper, and TLS.

use std::sync::Arc;
use std::time::Duration;

use lark_events_sim::Platform;
use lark_events_tower::EventService;
use lark_events_ws::rustls::crypto::ring;
use lark_events_ws::rustls::pki_types::CertificateDer;
use lark_events_ws::rustls::pki_types::pem::PemObject as _;
use lark_events_ws::rustls::{ClientConfig, RootCertStore};
use lark_events_ws::{Domain, LongConnection, State};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

use crate::app::{dispatcher, documents};
use crate::long_connection::{self, APP_ID, APP_SECRET, Client};
use crate::platform::{self, PATH, webhook};

/// Time is not paused here.
const SOON: Duration = Duration::from_millis(50);

pub(crate) async fn both_transports() {
    over_http().await;
    over_tls().await;
}

async fn over_http() {
    let service = EventService::builder(webhook(), dispatcher());
    let service = service.ack_deadline(SOON).build().unwrap();
    let app = axum::Router::new().route_service(PATH, service);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}{PATH}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, app).await });
    let platform = platform::platform().webhook(&url).start().await.unwrap();
    for document in documents() {
        let _ = platform.push(document).await;
    }
    server.abort();
}

async fn over_tls() {
    let platform = long_connection::platform().tls().start().await.unwrap();
    let other = Platform::builder().tls().start().await.unwrap();
    let to = |base_url: &str, trusted: &Platform| {
        LongConnection::builder(APP_ID, APP_SECRET)
            .domain(Domain::custom(base_url))
            .no_proxy()
            .ack_deadline(SOON)
            .drain_timeout(SOON)
            .tls_config(trusting(trusted))
    };
    let client = Client::start(to(platform.base_url(), &platform), dispatcher());
    client.is_connected().await;
    for document in documents() {
        let _ = platform.push(document).await;
    }
    client.end().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = format!(
        "http://marked-user:marked-password@{}",
        listener.local_addr().unwrap()
    );
    let refusing = tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let _ = client
                .write_all(b"HTTP/1.1 407 marked-reason\r\n\r\n")
                .await;
        }
    });
    // Whom it does not trust, who is not there, and a proxy that does not want it.
    for builder in [
        to(platform.base_url(), &other),
        to("https://127.0.0.1:1", &platform),
        to(platform.base_url(), &platform).proxy(proxy),
    ] {
        let client = Client::start(builder, dispatcher());
        let failed = |state: &State| matches!(state, State::Reconnecting { .. });
        client.monitor.until(failed).await;
        client.end().await;
    }
    refusing.abort();
}

/// Trusts a platform's own certificate, and nothing else.
fn trusting(platform: &Platform) -> ClientConfig {
    let pem = platform.certificate_pem().unwrap();
    let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth()
}
