//! The listener of the webhook examples: which connections it takes, and which ones give way.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::bounded_listener::{BoundedListener, Bounds, Connection, Connections};

/// On a paused clock: when nothing else happens any more.
const SETTLED: Duration = Duration::from_millis(1);

fn peer(number: u8) -> IpAddr {
    Ipv4Addr::new(192, 0, 2, number).into()
}

/// The peer's end of a connection.
struct Client(DuplexStream);

/// Connects, to a server that answers each `?` with `!`. `None` if there is no place or not yet.
async fn connect(connections: &Connections, peer: IpAddr) -> Option<Client> {
    let place = timeout(SETTLED, connections.place(peer)).await.ok()??;
    let (client, server) = duplex(64);
    let mut server = Connection::new(server, place);
    tokio::spawn(async move {
        while let Ok(byte) = server.read_u8().await {
            if byte == b'?' && server.write_all(b"!").await.is_err() {
                break;
            }
        }
    });
    Some(Client(client))
}

impl Client {
    async fn is_answered(&mut self) {
        self.0.write_all(b"?").await.unwrap();
        assert_eq!(self.0.read_u8().await.unwrap(), b'!');
    }

    async fn begins_a_request(&mut self) {
        self.0.write_all(b".").await.unwrap();
        assert!(!self.is_closed().await);
    }

    async fn is_closed(&mut self) -> bool {
        timeout(SETTLED, self.0.read_u8()).await.is_ok()
    }
}

#[tokio::test(start_paused = true)]
async fn the_connection_that_is_idle_for_longest_gives_way() {
    let bounds = Bounds {
        total: 3,
        per_peer: 3,
    };
    let connections = Connections::new(bounds);
    let mut open = Vec::new();
    for number in [1, 1, 2] {
        open.push(connect(&connections, peer(number)).await.unwrap());
    }
    open[0].is_answered().await;
    for gone in [1, 2, 0] {
        let mut new = connect(&connections, peer(3)).await.unwrap();
        assert!(open[gone].is_closed().await, "{gone}");
        assert!(!new.is_closed().await);
        new.begins_a_request().await;
        open.push(new);
    }
}

#[tokio::test(start_paused = true)]
async fn a_busy_connection_is_never_closed_for_another() {
    let bounds = Bounds {
        total: 2,
        per_peer: 2,
    };
    let connections = Connections::new(bounds);
    let mut busy = connect(&connections, peer(1)).await.unwrap();
    busy.begins_a_request().await;
    for number in [2, 3, 1] {
        let idle = connect(&connections, peer(number)).await;
        assert!(idle.is_some() && !busy.is_closed().await, "{number}");
    }
    let mut second = connect(&connections, peer(2)).await.unwrap();
    second.begins_a_request().await;
    assert!(connect(&connections, peer(3)).await.is_none());
    assert!(!busy.is_closed().await && !second.is_closed().await);
    // Both ways in which a place becomes free.
    let (third, ()) = tokio::join!(connect(&connections, peer(3)), second.is_answered());
    let mut third = third.unwrap();
    assert!(second.is_closed().await && !busy.is_closed().await);
    third.begins_a_request().await;
    let closed = async { drop(busy) };
    let (fourth, ()) = tokio::join!(connect(&connections, peer(4)), closed);
    assert!(fourth.is_some() && !third.is_closed().await);
}

#[tokio::test(start_paused = true)]
async fn a_peer_has_so_many_connections_and_takes_none_from_others() {
    let bounds = Bounds {
        total: 4,
        per_peer: 2,
    };
    let connections = Connections::new(bounds);
    let mut other = connect(&connections, peer(9)).await.unwrap();
    let mut first = connect(&connections, peer(1)).await.unwrap();
    let mut second = connect(&connections, peer(1)).await.unwrap();
    let mut third = connect(&connections, peer(1)).await.unwrap();
    assert!(first.is_closed().await);
    second.begins_a_request().await;
    third.begins_a_request().await;
    let at_once = connections.place(peer(1)).await;
    assert!(at_once.is_none(), "all of its connections are busy");
    for kept in [&mut other, &mut second, &mut third] {
        assert!(!kept.is_closed().await);
    }
    assert!(connect(&connections, peer(2)).await.is_some());
    second.is_answered().await;
    assert!(connect(&connections, peer(1)).await.is_some());
    assert!(second.is_closed().await && !other.is_closed().await);
}

#[tokio::test(start_paused = true)]
async fn a_peer_is_an_ipv4_address_or_an_ipv6_subnet() {
    let bounds = Bounds {
        total: 8,
        per_peer: 1,
    };
    for (one, other, is_same) in [
        ("192.0.2.1", "192.0.2.2", false),
        ("192.0.2.1", "::ffff:192.0.2.1", true),
        ("2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", true),
        ("2001:db8::1", "2001:db8:0:1::1", false),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", false),
    ] {
        let connections = Connections::new(bounds);
        let mut busy = connect(&connections, one.parse().unwrap()).await.unwrap();
        busy.begins_a_request().await;
        let place = connections.place(other.parse().unwrap()).await;
        assert_eq!(place.is_none(), is_same, "{one} {other}");
    }
}

#[tokio::test]
async fn axum_closes_a_connection_that_has_to_give_way() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let bounds = Bounds {
        total: 2,
        per_peer: 2,
    };
    let listener = BoundedListener::new(listener, bounds);
    let app = Router::new().route("/", get(|| async { "hello" }));
    tokio::spawn(axum::serve(listener, app).into_future());

    let mut kept_open = Vec::new();
    for _ in 0..4 {
        let mut socket = TcpStream::connect(address).await.unwrap();
        let request = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";
        socket.write_all(request).await.unwrap();
        assert_eq!(socket.read_u8().await.unwrap(), b'H');
        kept_open.push(socket);
    }
    for socket in &mut kept_open[..2] {
        let mut rest = Vec::new();
        socket.read_to_end(&mut rest).await.unwrap();
        assert!(rest.ends_with(b"hello"));
    }
}
