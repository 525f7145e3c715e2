//! The app of `cargo xtask bench-ws`: our long connection with a typed handler that only counts, on
//! threads of tokio's choice or on one. As `bare` it is no client at all: it answers each event as
//! soon as it is there, which is the most that the load can be.
//!
//! ```sh
//! APP_ID=… APP_SECRET=… BASE_URL=… ws_client threads|thread|bare
//! ```

use std::env;
use std::future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _};
use lark_events::{BoxError, Dispatcher};
use lark_events_ws::frame::Frame;
use lark_events_ws::{Domain, LongConnection};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio_tungstenite::tungstenite::Message;
use vc_events::ReserveConfigUpdatedV1;

fn main() -> Result<(), BoxError> {
    let url = env::var("BASE_URL")?;
    let kind = env::args().nth(1);
    let mut runtime = match kind.as_deref() {
        Some("threads") => Builder::new_multi_thread(),
        Some("thread" | "bare") => Builder::new_current_thread(),
        _ => return Err("usage: ws_client threads|thread|bare".into()),
    };
    let runtime = runtime.enable_all().build()?;
    if kind.as_deref() == Some("bare") {
        return runtime.block_on(bare(&url));
    }
    runtime.block_on(ours(&url))
}

async fn ours(url: &str) -> Result<(), BoxError> {
    let handled = Arc::new(AtomicU64::new(0));
    let dispatcher = Dispatcher::builder().on::<ReserveConfigUpdatedV1>(move |_| {
        handled.fetch_add(1, Ordering::Relaxed);
        future::ready(())
    });
    LongConnection::builder(env::var("APP_ID")?, env::var("APP_SECRET")?)
        .domain(Domain::custom(url))
        .build()?
        .run(dispatcher.build()?)
        .await?;
    Ok(())
}

async fn bare(url: &str) -> Result<(), BoxError> {
    let host = url.strip_prefix("http://").ok_or("not an http:// URL")?;
    let socket = TcpStream::connect(host).await?;
    socket.set_nodelay(true)?;
    let (mut socket, _) = tokio_tungstenite::client_async(format!("ws://{host}/"), socket).await?;
    while let Some(message) = socket.next().await {
        let mut message = Some(message);
        while let Some(event) = message {
            let answer = Frame::decode(event?.into_data())?.with_payload(r#"{"code":200}"#);
            socket.feed(Message::Binary(answer.encode())).await?;
            message = socket.next().now_or_never().flatten();
        }
        socket.flush().await?;
    }
    Ok(())
}
