//! Asks for leave with a form on a card, records the decision, and updates the card.
//!
//! ```sh
//! LARK_APP_ID=… LARK_APP_SECRET=… cargo run -p approval_card
//! ```
//!
//! Send `/leave two days in May` to the bot. It replies with a card: a choice, a comment and two buttons. A
//! click is answered at once with a toast; recording the decision takes longer than the three seconds that
//! the platform waits, so the card is updated afterwards.
//!
//! The app needs the bot's ability, the event `im.message.receive_v1` and the callback `card.action.trigger`
//! over a long connection, the permission `im:message.p2p_msg:readonly` or `im:message.group_at_msg:readonly`, and
//! `im:message:send_as_bot`. `LARK_BASE_URL` is Feishu's by
//! default; set `https://open.larksuite.com` for Lark, or the URL of `lark-events serve`.

mod approval;

use std::env;
use std::time::Duration;

use lark_events::BoxError;
use lark_events_api::{Api, Domain};
use lark_events_ws::LongConnection;

/// How long decisions may take to be recorded at a shutdown.
const GRACE: Duration = Duration::from_secs(30);

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
    let dispatcher = approval::dispatcher(&api)?;
    let shutdown = async { tokio::signal::ctrl_c().await.unwrap_or_default() };
    LongConnection::builder(id, secret)
        .domain(domain)
        .build()?
        .run(dispatcher)
        .with_graceful_shutdown(shutdown)
        .await?;
    if !api.drain(GRACE).await {
        eprintln!("decisions were still being recorded");
    }
    Ok(())
}

fn setting(name: &str) -> Result<String, BoxError> {
    env::var(name).map_err(|_| format!("{name} is not set").into())
}
