//! A port of a test, on which nothing listens until the test does. The tests in a browser have this file too.

use std::net::SocketAddr;

use tokio::net::TcpSocket;

/// A port that no other bind to port 0 gets, while this exists. It refuses connections until something listens on
/// it, and again after that.
pub(crate) struct Port {
    pub(crate) address: SocketAddr,
    _socket: Option<TcpSocket>,
}

impl Port {
    pub(crate) fn reserve() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        // On Linux, listeners with this option, such as those of std and tokio, can bind to the address too. On
        // other systems the port is only a free one.
        socket.set_reuseaddr(true).unwrap();
        socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
        Self {
            address: socket.local_addr().unwrap(),
            _socket: cfg!(target_os = "linux").then_some(socket),
        }
    }
}
