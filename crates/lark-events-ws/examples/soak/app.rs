//! The app: handlers that succeed, fail, panic, and take too long as the ledger tells them, and look
//! at what they are given; and the connections that bring it.

use std::panic::panic_any;
use std::sync::Arc;
use std::time::Duration;

use lark_events::{Dispatcher, Event, LateHandler, RawJson, RawReply};
use lark_events_sim::Platform;
use lark_events_ws::{
    Domain, LongConnection, LongConnectionBuildError, LongConnectionBuilder, LongConnections,
    internals,
};
use serde::{Deserialize, Serialize};
use tokio::time::sleep;
use vc_events::ReserveConfigUpdatedV1;

use crate::ledger::{Act, Ledger};
use crate::settings::{ACK_DEADLINE, STABLE_AFTER, STEADY_CONNECTIONS};

pub(crate) const APP_ID: &str = "cli_9f5343c580712544";
pub(crate) const APP_SECRET: &str = "app-secret";

/// A large event.
pub(crate) const LARGE: &str = "kitchen.recipe.written_v1";
/// A callback, which is answered with its own body.
pub(crate) const CALLBACK: &str = "kitchen.order.get";

/// For ever.
const HANG: Duration = Duration::from_secs(24 * 60 * 60);
/// Past the deadline.
const TOO_LONG: Duration = ACK_DEADLINE.saturating_add(Duration::from_millis(400));

/// The body of a large event, which shows whether its fragments were joined as they should be.
#[derive(Serialize, Deserialize)]
pub(crate) struct Large {
    number: usize,
    text: String,
}

impl Large {
    pub(crate) fn new(number: usize, bytes: usize) -> Self {
        // No two fragments of it are alike.
        let letter = |place: usize| char::from(b'a' + ((number + place / 7 + place) % 26) as u8);
        let text = (0..bytes).map(letter).collect();
        Self { number, text }
    }

    fn is_sound(&self) -> bool {
        self.text == Self::new(self.number, self.text.len()).text
    }
}

/// The payload of a planned panic.
pub(crate) struct Planned;

const PLANNED_FAILURE: &str = "a planned failure";

/// The handlers, for connections that treat late ones in this way.
pub(crate) fn dispatcher(ledger: &Arc<Ledger>, late: LateHandler) -> Dispatcher {
    let small = Arc::clone(ledger);
    let large = Arc::clone(ledger);
    Dispatcher::builder()
        .on::<ReserveConfigUpdatedV1>(move |event| {
            let ledger = Arc::clone(&small);
            async move {
                if event.body.scope_id.is_none() {
                    ledger.wrong(format!("{:?} came without its body", event.header.event_id));
                }
                let event_id = event.header.event_id.unwrap_or_default();
                handle(&ledger, &event_id, late).await
            }
        })
        .on_raw(LARGE, move |event: Event<RawJson>| {
            let ledger = Arc::clone(&large);
            async move {
                let body = event.body.decode::<Large>();
                if !body.is_ok_and(|body| body.is_sound()) {
                    ledger.wrong(format!("{:?} came mangled", event.header.event_id));
                }
                let event_id = event.header.event_id.unwrap_or_default();
                handle(&ledger, &event_id, late).await
            }
        })
        .on_raw(CALLBACK, |event| async move { RawReply::from(event.body) })
        .build()
        .expect("no type twice")
}

async fn handle(ledger: &Ledger, event_id: &str, late: LateHandler) -> Result<(), &'static str> {
    match ledger.begin(event_id) {
        Act::Succeed(after) => sleep(after).await,
        Act::Fail => {
            ledger.figures.failures.one();
            return Err(PLANNED_FAILURE);
        }
        Act::Panic => {
            ledger.figures.panics.one();
            panic_any(Planned);
        }
        Act::Hang if late == LateHandler::Cancel => sleep(HANG).await,
        Act::BeLate | Act::Hang => sleep(TOO_LONG).await,
    }
    ledger.succeed(event_id);
    Ok(())
}

/// The connections that stay: what is late is cancelled there.
pub(crate) fn steady(platform: &Platform) -> Result<LongConnections, LongConnectionBuildError> {
    LongConnections::new(STEADY_CONNECTIONS, to(platform).late(LateHandler::Cancel))
}

/// The connection that comes and goes: what is late is finished there.
pub(crate) fn passing(platform: &Platform) -> Result<LongConnection, LongConnectionBuildError> {
    to(platform).late(LateHandler::Finish).build()
}

fn to(platform: &Platform) -> LongConnectionBuilder {
    let builder = LongConnection::builder(APP_ID, APP_SECRET)
        .domain(Domain::custom(platform.base_url()))
        .no_proxy()
        .ack_deadline(ACK_DEADLINE);
    internals::stable_after(builder, STABLE_AFTER)
}
