//! Apps on loopback, and a proxy that strips a prefix.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use lark_events_inbox::Admin;
use lark_events_inbox::console::Console;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use crate::stored::open_to_all;

/// The address of an app, which runs until the end of the test.
pub(crate) async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

/// The URL of a page that is all of an app.
pub(crate) async fn alone(console: Console) -> String {
    let address = serve(Router::new().fallback_service(console)).await;
    format!("http://{address}/")
}

/// The URL of a page without access control.
pub(crate) async fn open_page(store: Arc<dyn Admin>) -> String {
    alone(open_to_all(store)).await
}

/// The address of a proxy, which forwards requests below a prefix to an app, without the prefix.
pub(crate) async fn strip(prefix: &'static str, app: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (client, _) = listener.accept().await.unwrap();
            // The browser may close a connection at any time.
            tokio::spawn(async move { drop(forward(client, prefix, app).await) });
        }
    });
    address
}

/// One request of a connection.
async fn forward(mut client: TcpStream, prefix: &str, app: SocketAddr) -> io::Result<()> {
    let mut request = Vec::new();
    while !request.windows(4).any(|it| it == b"\r\n\r\n") {
        if client.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    }
    // A form is ASCII.
    let request = String::from_utf8(request).unwrap();
    let (method, rest) = request.split_once(' ').unwrap();
    let Some(rest) = rest.strip_prefix(prefix) else {
        let answer = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        return client.write_all(answer.as_bytes()).await;
    };
    let slash = if rest.starts_with('/') { "" } else { "/" };
    let rest = rest.replace("Connection: keep-alive", "Connection: close");
    let mut app = TcpStream::connect(app).await?;
    let request = format!("{method} {slash}{rest}");
    app.write_all(request.as_bytes()).await?;
    copy_bidirectional(&mut client, &mut app).await?;
    Ok(())
}
