//! The long connection over sockets: `ws://`, and `wss://` with the platform's own certificate.

use futures_util::{SinkExt as _, StreamExt as _};
use lark_events_sim::{Document, Platform, PlatformBuilder, StartErrorKind};
use lark_events_ws::frame::{Frame, header};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use vc_events::ReserveConfigUpdatedV1;

use crate::client::{Event, ID, SECRET, call_endpoint};

trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Stream for S {}

fn builder() -> PlatformBuilder {
    Platform::builder().app(ID, SECRET).fragment_above(200)
}

async fn connect(platform: &Platform) -> TcpStream {
    let (_, address) = platform.base_url().split_once("://").unwrap();
    TcpStream::connect(address).await.unwrap()
}

/// Asks one stream for an address, upgrades the other there, and takes an event.
async fn takes_an_event(
    platform: &Platform,
    scheme: &str,
    first: impl Stream,
    second: impl Stream,
) {
    let credentials = serde_json::json!({"AppID": ID, "AppSecret": SECRET}).to_string();
    let (_, reply) = call_endpoint(first, &credentials).await;
    let url = reply["data"]["URL"].as_str().unwrap();
    assert!(url.starts_with(scheme), "{url}");
    let (mut socket, _) = tokio_tungstenite::client_async(url, second).await.unwrap();
    let push = platform.push(Document::sample::<ReserveConfigUpdatedV1>());
    let mut frames = Vec::new();
    while let Some(message) = socket.next().await {
        let frame = Frame::decode(message.unwrap().into_data()).unwrap();
        let sum: usize = frame.header(header::SUM).unwrap().parse().unwrap();
        frames.push(frame);
        if frames.len() == sum {
            break;
        }
    }
    assert!(frames.len() > 1);
    let event = Event { frames };
    assert_eq!(event.json()["header"]["event_id"], push.event_id());
    let ack = event.ack(r#"{"code":200}"#).encode();
    socket.send(Message::Binary(ack)).await.unwrap();
    assert!(push.await.acknowledged());
    assert_eq!(platform.violations(), []);
}

#[tokio::test]
async fn an_event_is_taken_over_ws() {
    let platform = builder().start().await.unwrap();
    assert_eq!(platform.certificate_pem(), None);
    let streams = (connect(&platform).await, connect(&platform).await);
    takes_an_event(&platform, "ws://127.0.0.1:", streams.0, streams.1).await;
}

#[tokio::test]
async fn it_listens_on_the_port_that_it_is_given() {
    let free = builder().start().await.unwrap();
    let (_, port) = free.base_url().rsplit_once(':').unwrap();
    let port = port.parse().unwrap();
    let taken = builder().port(port).start().await.unwrap_err();
    assert_eq!(taken.kind(), StartErrorKind::Listen);
    free.shutdown().await;
    let platform = builder().port(port).start().await.unwrap();
    assert_eq!(platform.base_url(), format!("http://127.0.0.1:{port}"));
}

#[cfg(feature = "tls")]
#[tokio::test]
async fn an_event_is_taken_over_wss_by_who_trusts_the_certificate() {
    use std::sync::Arc;

    use tokio_rustls::TlsConnector;
    use tokio_rustls::rustls::crypto::ring;
    use tokio_rustls::rustls::pki_types::pem::PemObject as _;
    use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
    use tokio_rustls::rustls::{ClientConfig, RootCertStore};

    let platform = builder().tls().start().await.unwrap();
    let connector = |roots: RootCertStore| {
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        TlsConnector::from(Arc::new(config))
    };
    let mut roots = RootCertStore::empty();
    let pem = platform.certificate_pem().unwrap();
    roots
        .add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap())
        .unwrap();
    let trusting = connector(roots);
    for name in ["127.0.0.1", "localhost"] {
        let name = ServerName::try_from(name).unwrap();
        let first = trusting
            .connect(name.clone(), connect(&platform).await)
            .await
            .unwrap();
        let second = trusting
            .connect(name, connect(&platform).await)
            .await
            .unwrap();
        takes_an_event(&platform, "wss://127.0.0.1:", first, second).await;
    }
    let name = ServerName::try_from("localhost").unwrap();
    let doubting = connector(RootCertStore::empty());
    assert!(
        doubting
            .connect(name, connect(&platform).await)
            .await
            .is_err()
    );
}
