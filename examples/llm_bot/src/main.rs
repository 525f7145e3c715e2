//! Answers questions with a card that grows while a language model writes. A stub stands for the model: it
//! takes half a minute.
//!
//! ```sh
//! LARK_APP_ID=… LARK_APP_SECRET=… cargo run -p llm_bot
//! ```
//!
//! An inbox acknowledges a question before the model begins, because the platform waits only three seconds.
//! The questions of a chat are answered one after another. In groups, the bot answers only if it is mentioned.
//! A question that has waited for more than 50 minutes is left out: the platform would no longer recognise a
//! second answer to it.
//!
//! The app needs the bot's ability, the event `im.message.receive_v1` over a long connection, the permission
//! `im:message.p2p_msg:readonly` or `im:message.group_at_msg:readonly`, and `im:message:send_as_bot`. `LARK_BASE_URL` is Feishu's by default; set
//! `https://open.larksuite.com` for Lark, or the URL of `lark-events serve`.

mod bot;
mod model;

use std::env;
use std::time::Duration;

use lark_events::BoxError;
use lark_events_api::{Api, Domain};
use lark_events_ws::LongConnection;
use tokio::sync::oneshot;

/// How long the last updates of cards may take at a shutdown.
const GRACE: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .init();
    let (id, secret) = (setting("LARK_APP_ID")?, setting("LARK_APP_SECRET")?);
    let domain = env::var("LARK_BASE_URL").map_or(Domain::Feishu, Domain::custom);
    let api = Api::builder(&*id, &*secret)
        .domain(domain.clone())
        .build()?;
    let me = api.bot_info().await?.open_id.unwrap_or_default();
    let inbox = bot::inbox(&api, me)?;
    let connection = LongConnection::builder(id, secret).domain(domain).build()?;

    let (stop, stopped) = oneshot::channel::<()>();
    let receiver = inbox.clone();
    let receive = async move {
        let shutdown = async { tokio::signal::ctrl_c().await.unwrap_or_default() };
        let received = connection
            .run(receiver)
            .with_graceful_shutdown(shutdown)
            .await;
        drop(stop); // the worker stops after the connection
        received
    };
    let work = inbox.run(async { stopped.await.unwrap_or_default() });
    let (received, worked) = tokio::join!(receive, work);
    if !api.drain(GRACE).await {
        eprintln!("answers were cut off");
    }
    received?;
    worked?;
    Ok(())
}

fn setting(name: &str) -> Result<String, BoxError> {
    env::var(name).map_err(|_| format!("{name} is not set").into())
}
