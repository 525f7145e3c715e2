//! Serves HTTP and its upgrades, over sockets and streams in memory.

use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::sleep;
use tracing::{debug, warn};

use super::endpoint;
use crate::shared::Shared;

/// The layer below HTTP.
#[derive(Clone)]
pub(crate) enum Acceptor {
    Plain,
    #[cfg(feature = "tls")]
    Tls(tokio_rustls::TlsAcceptor),
}

/// The most concurrent sockets, well below the usual limit of 1,024 open files.
const MAX_SOCKETS: usize = 512;

/// Accepts sockets until the platform ends.
pub(crate) async fn serve(shared: Arc<Shared>, listener: TcpListener, acceptor: Acceptor) {
    let slots = Arc::new(Semaphore::new(MAX_SOCKETS));
    loop {
        let slot = Arc::clone(&slots).acquire_owned().await;
        match listener.accept().await {
            Ok((socket, _)) => {
                let serving = serve_socket(Arc::clone(&shared), socket, acceptor.clone());
                shared.spawn(async move {
                    serving.await;
                    drop(slot);
                });
            }
            Err(error) => {
                // Out of file descriptors, or a socket closed before it was accepted.
                warn!(%error, "connection not accepted");
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn serve_socket(shared: Arc<Shared>, socket: TcpStream, acceptor: Acceptor) {
    // Small frames must not wait for each other.
    if let Err(error) = socket.set_nodelay(true) {
        debug!(%error, "cannot set TCP_NODELAY");
    }
    match acceptor {
        Acceptor::Plain => serve_stream(shared, socket).await,
        #[cfg(feature = "tls")]
        Acceptor::Tls(acceptor) => match acceptor.accept(socket).await {
            Ok(stream) => serve_stream(shared, stream).await,
            Err(error) => debug!(%error, "TLS handshake failed"),
        },
    }
}

/// Serves one stream.
pub(crate) async fn serve_stream<S>(shared: Arc<Shared>, stream: S)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(|request| endpoint::answer(Arc::clone(&shared), request));
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    if let Err(error) = connection.with_upgrades().await {
        debug!(%error, "connection closed");
    }
}
