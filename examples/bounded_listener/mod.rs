//! A listener with bounds that the server does not have: on the connections in all and per peer,
//! and on the time until a connection gets an answer.
//!
//! axum has no timeout for headers. The connection cannot distinguish headers from bodies, but it
//! sees answers: a connection without an answer for too long has a slow or idle sender, and is
//! closed. Every answer of the app must therefore begin within that time.
//!
//! At the limit, the connection that has been idle for longest is closed for a new one. A busy
//! connection, whose request has begun to arrive and has no answer yet, is never closed for it. (A
//! pipelined request does not count as begun; the platform sends none.) Idle connections therefore
//! never keep an event out. Slow requests do so for `ANSWER_TIMEOUT` at most, and those of a single
//! peer never do.
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

/// Longer than the ack deadline, by which every event is answered.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// The most connections, well below the usual limit of 1,024 open files.
pub(crate) const MAX_CONNECTIONS: usize = 256;
/// The pause after a failed accept, such as without free file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A listener that limits connections, and closes those that take too long.
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
                    None => debug!(%address, "rejected: all connections of its peer are busy"),
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
