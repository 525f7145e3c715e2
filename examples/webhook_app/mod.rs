//! Shared by the webhook examples: the webhook's secrets, the address, the bounds on connections, and the
//! drain.

use std::net::SocketAddr;

use lark_events::{BoxError, Webhook};
use lark_events_tower::EventService;
use tokio::net::TcpListener;
use tracing::{info, warn};

use crate::bounded_listener::{BoundedListener, Bounds, MAX_CONNECTIONS};
use crate::event_app::{GRACE, setting};

pub(crate) const PATH: &str = "/webhook/event";
/// The most connections from one address, or from one IPv6 /64 subnet: more than the platform is seen to
/// open, and a quarter of all.
const MAX_PER_PEER: usize = 64;

/// Builds the webhook with `LARK_ENCRYPT_KEY` and `LARK_VERIFICATION_TOKEN`.
pub(crate) fn webhook() -> Result<Webhook, BoxError> {
    let mut webhook = Webhook::builder();
    if let Some(key) = setting("LARK_ENCRYPT_KEY") {
        webhook = webhook.encrypt_key(key);
    }
    if let Some(token) = setting("LARK_VERIFICATION_TOKEN") {
        webhook = webhook.verification_token(token);
    }
    Ok(webhook.build()?)
}

/// Listens at `LISTEN_ADDR`, with at most `LISTEN_MAX_PER_PEER` connections from one address.
pub(crate) async fn listen() -> Result<BoundedListener, BoxError> {
    let per_peer = match setting("LISTEN_MAX_PER_PEER") {
        Some(number) => number
            .parse::<std::num::NonZeroUsize>()
            .map_err(|error| format!("LISTEN_MAX_PER_PEER: {error}"))?
            .get(),
        None => MAX_PER_PEER,
    };
    let bounds = Bounds {
        total: MAX_CONNECTIONS,
        per_peer,
    };
    let address = setting("LISTEN_ADDR").unwrap_or_else(|| "127.0.0.1:7777".to_owned());
    let listener = TcpListener::bind(&address).await?;
    let address: SocketAddr = listener.local_addr()?;
    info!("listening on http://{address}{PATH}");
    Ok(BoundedListener::new(listener, bounds))
}

/// Waits for running handlers to finish.
pub(crate) async fn drain<S>(events: &EventService<S>) {
    match events.drain(GRACE).await {
        Ok(()) => info!("drained"),
        Err(error) => warn!(%error, "not drained"),
    }
}
