//! The load balancer before the receivers: each connection goes to the next one that listens.

use std::net::SocketAddr;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Runs until it is cancelled.
pub(crate) async fn run(listener: TcpListener, mut receivers: Vec<SocketAddr>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((client, _)) = listener.accept().await else {
            return;
        };
        connections.spawn(forward(client, receivers.clone()));
        receivers.rotate_left(1);
        while connections.try_join_next().is_some() {}
    }
}

async fn forward(mut client: TcpStream, receivers: Vec<SocketAddr>) {
    for address in receivers {
        if let Ok(mut receiver) = TcpStream::connect(address).await {
            // A connection to a receiver that is killed breaks, as the platform sees.
            let _ = copy_bidirectional(&mut client, &mut receiver).await;
            return;
        }
    }
}
