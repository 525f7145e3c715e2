//! What a server leaves to its listener: a bound on the connections, of all peers and of one, and on the
//! time that a connection may take to get an answer.
//!
//! axum has no setting for the time-out of headers. The connection itself cannot tell headers from
//! bodies, but it sees the answers: one that has none to send for too long is a sender that is slow on
//! purpose, or idle, and is cut off. So whatever the app answers has to begin within that time.
//!
//! When there are as many connections as there may be, the one that has been idle for longest is closed
//! for a new one. One that is busy, with a request that has begun to arrive and has no answer yet, never
//! is. (A request sent before the answer to the last one, as the platform never does, does not count as
//! begun.) So idle connections keep no event out, and slow requests do so for `ANSWER_TIMEOUT` at most, and
//! from one peer not at all.
//!
//! # Behind a reverse proxy
//!
//! All connections come from the proxy's address: set `LISTEN_MAX_PER_PEER` to the bound on all
//! connections, 256, and let the proxy bound those of each of its peers (nginx: `limit_conn`).

mod connections;

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, Sleep, sleep};
use tracing::{debug, warn};

pub(crate) use self::connections::{Bounds, Connections, Place};

/// Longer than the ack deadline, after which an event has its answer at the latest.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// Connections at once, well below the usual limit of 1,024 open files.
pub(crate) const MAX_CONNECTIONS: usize = 256;
/// After a connection that could not be accepted, as when there are no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A listener that accepts no more connections than it may, and cuts off those that take too long.
pub(crate) struct BoundedListener {
    listener: TcpListener,
    connections: Connections,
}

impl BoundedListener {
    pub(crate) fn new(listener: TcpListener, bounds: Bounds) -> Self {
        let connections = Connections::new(bounds);
        Self {
            listener,
            connections,
        }
    }

    /// The next connection that there is a place for.
    pub(crate) async fn accept(&mut self) -> (Connection, SocketAddr) {
        loop {
            match self.listener.accept().await {
                Ok((socket, address)) => match self.connections.place(address.ip()).await {
                    Some(place) => return (Connection::new(socket, place), address),
                    None => debug!(%address, "refused: all connections of its peer are busy"),
                },
                Err(error) => {
                    warn!(%error, "not accepted");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

impl Listener for BoundedListener {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        self.accept().await
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection with a deadline for its next answer.
pub(crate) struct Connection<S = TcpStream> {
    socket: S,
    deadline: Pin<Box<Sleep>>,
    place: Place,
}

impl<S> Connection<S> {
    pub(crate) fn new(socket: S, place: Place) -> Self {
        Self {
            socket,
            deadline: Box::pin(sleep(ANSWER_TIMEOUT)),
            place,
        }
    }
}

impl<S: Unpin> Connection<S> {
    /// The socket, until the deadline or until it has to give way.
    fn in_time(&mut self, context: &mut Context<'_>) -> io::Result<Pin<&mut S>> {
        if self.place.is_closing(context.waker()) {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        match self.deadline.as_mut().poll(context) {
            Poll::Ready(()) => Err(io::ErrorKind::TimedOut.into()),
            Poll::Pending => Ok(Pin::new(&mut self.socket)),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Connection<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = self.in_time(context)?.poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.place.is_busy();
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Connection<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = self.in_time(context)?.poll_write(context, bytes);
        match written {
            Poll::Ready(Ok(_)) => {
                let deadline = Instant::now() + ANSWER_TIMEOUT;
                self.deadline.as_mut().reset(deadline);
                self.place.is_idle();
            }
            Poll::Ready(Err(_)) => {}
            Poll::Pending => self.place.is_busy(),
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.in_time(context)?.poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}
