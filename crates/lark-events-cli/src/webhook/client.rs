//! The webhook under test: connections to it, and requests on them.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use lark_events_sim::{PostError, Poster, WebhookConnection, WebhookUrl};
use tokio::time::{Instant, timeout};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::answer::{Answer, Missing, Posted};
use crate::Error;

/// Posts to one webhook.
#[derive(Clone)]
pub(crate) struct Client {
    url: WebhookUrl,
    poster: Poster,
}

impl Client {
    pub(crate) fn new(url: WebhookUrl) -> Result<Self, Error> {
        let mut poster = Poster::new();
        if url.is_https() {
            poster = poster.tls_config(tls_config()?);
        }
        Ok(Self { url, poster })
    }

    pub(crate) async fn connect(&self) -> Result<WebhookConnection, PostError> {
        self.poster.connect(&self.url).await
    }

    /// Sends a request of the simulator to the webhook's path, on a new connection.
    pub(crate) async fn send(&self, request: Request<Bytes>, limit: Duration) -> Posted {
        let connection = self.connect().await?;
        let started = Instant::now();
        let answered = timeout(limit, connection.send(request.map(Full::new))).await;
        let response = answered.map_err(|_| Missing::TimedOut)??;
        let took = started.elapsed();
        Ok(Answer::new(response, took))
    }
}

/// Trusts this machine's roots and Mozilla's roots.
pub(crate) fn tls_config() -> Result<Arc<ClientConfig>, Error> {
    let mut roots = RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}
