//! A balancer before two receivers, as an app with replicas has one.

use std::net::Ipv4Addr;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Passes each connection to a receiver of its choice, or to another one if nothing listens there. It ends with this
/// value.
pub(crate) struct Balancer {
    pub(crate) port: u16,
    _accepting: JoinSet<()>,
}

impl Balancer {
    pub(crate) async fn start(receivers: Vec<u16>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut accepting = JoinSet::new();
        accepting.spawn(async move {
            let mut passing = JoinSet::new();
            loop {
                let (connection, _) = listener.accept().await.unwrap();
                let mut receivers = receivers.clone();
                fastrand::shuffle(&mut receivers);
                passing.spawn(pass(connection, receivers));
                while passing.try_join_next().is_some() {}
            }
        });
        Self {
            port,
            _accepting: accepting,
        }
    }
}

/// A connection to nobody is closed.
async fn pass(mut connection: TcpStream, receivers: Vec<u16>) {
    for receiver in receivers {
        if let Ok(mut to) = TcpStream::connect((Ipv4Addr::LOCALHOST, receiver)).await {
            // A receiver that is killed ends it.
            let _ = copy_bidirectional(&mut connection, &mut to).await;
            return;
        }
    }
}
