//! What `axum::serve` leaves to its listener: a bound on the connections, and on the time that one may
//! take to get an answer.
//!
//! axum has no setting for the time-out of headers. The connection itself cannot tell headers from
//! bodies, but it sees the answers: one that has none to send for too long is a sender that is slow on
//! purpose, or idle, and is cut off. So whatever the app answers has to begin within that time.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep};

/// Longer than the ack deadline, after which an event has its answer at the latest.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// Connections at once, well below the usual limit of 1,024 open files.
const MAX_CONNECTIONS: usize = 256;

/// A listener that accepts no more connections than it may, and cuts off those that take too long.
pub(crate) struct BoundedListener {
    listener: TcpListener,
    slots: Arc<Semaphore>,
}

impl BoundedListener {
    pub(crate) fn new(listener: TcpListener) -> Self {
        let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        Self { listener, slots }
    }
}

impl Listener for BoundedListener {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        let slot = Arc::clone(&self.slots).acquire_owned().await;
        let slot = slot.expect("nobody closes the semaphore");
        let (socket, address) = Listener::accept(&mut self.listener).await;
        let connection = Connection {
            socket,
            deadline: Box::pin(sleep(ANSWER_TIMEOUT)),
            _slot: slot,
        };
        (connection, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection with a deadline for its next answer.
pub(crate) struct Connection {
    socket: TcpStream,
    deadline: Pin<Box<Sleep>>,
    _slot: OwnedSemaphorePermit,
}

impl Connection {
    /// The socket, until the deadline.
    fn in_time(&mut self, context: &mut Context<'_>) -> io::Result<Pin<&mut TcpStream>> {
        match self.deadline.as_mut().poll(context) {
            Poll::Ready(()) => Err(io::ErrorKind::TimedOut.into()),
            Poll::Pending => Ok(Pin::new(&mut self.socket)),
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.in_time(context)?.poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(self.in_time(context)?.poll_write(context, bytes))?;
        self.deadline
            .as_mut()
            .reset(Instant::now() + ANSWER_TIMEOUT);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.in_time(context)?.poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}
