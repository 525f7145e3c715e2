//! A webhook at `https://`, which the platform has to trust.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::serve::Listener;
use lark_events::{Dispatcher, Event, Webhook};
use lark_events_sim::{Answer, Document, Missing, Platform, PlatformBuilder};
use lark_events_tower::EventService;
use rcgen::CertifiedKey;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::server::TlsStream;
use vc_events::ReserveConfigUpdatedV1;

struct TlsListener {
    sockets: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (socket, address) = self.sockets.accept().await.unwrap();
            // One that does not trust the certificate hangs up.
            if let Ok(stream) = self.acceptor.accept(socket).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.sockets.local_addr()
    }
}

/// Serves an app at `https://localhost`; gives its URL and its certificate.
async fn serve() -> (String, CertificateDer<'static>) {
    let CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivatePkcs8KeyDer::from(signing_key.serialize_der());
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key.into())
        .unwrap();
    let listener = TlsListener {
        sockets: TcpListener::bind("127.0.0.1:0").await.unwrap(),
        acceptor: TlsAcceptor::from(Arc::new(config)),
    };
    let port = listener.local_addr().unwrap().port();
    let webhook = Webhook::builder().verification_token("token").build();
    let handler = |_: Event<ReserveConfigUpdatedV1>| std::future::ready(());
    let dispatcher = Dispatcher::builder().on(handler).build().unwrap();
    let app = EventService::new(webhook.unwrap(), dispatcher);
    let router = Router::new().route_service("/events", app);
    tokio::spawn(async move { axum::serve(listener, router).await });
    (
        format!("https://localhost:{port}/events"),
        cert.der().clone(),
    )
}

fn trusting(certificate: Option<CertificateDer<'static>>) -> PlatformBuilder {
    let mut roots = RootCertStore::empty();
    if let Some(certificate) = certificate {
        roots.add(certificate).unwrap();
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let platform = Platform::builder().verification_token("token");
    platform.webhook_tls_config(config)
}

#[tokio::test]
async fn an_event_is_posted_over_https_to_an_app_that_is_trusted() {
    let (url, certificate) = serve().await;
    let platform = trusting(Some(certificate)).webhook(&url).start().await;
    let report = platform
        .unwrap()
        .push(Document::sample::<ReserveConfigUpdatedV1>())
        .await;
    assert!(report.acknowledged(), "{report:?}");

    let platform = trusting(None).start().await.unwrap();
    let refused = platform.set_webhook(&url).await.unwrap_err();
    let unreachable = Answer::Missing(Missing::Unreachable);
    assert_eq!(refused.answer(), Some(&unreachable));
    let cause = "cannot connect to the webhook: invalid peer certificate: UnknownIssuer";
    assert_eq!(
        refused.to_string(),
        format!("the URL check failed: {cause}")
    );
}
