//! The acknowledgement under a steady load, and the memory of the client.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lark_events::{BoxError, Delivery, Outcome};
use lark_events_inbox::{Inbox, Store};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};
use tower::{Service, ServiceExt as _};

use crate::sizes::resident;
use crate::stores::{Engine, event, nothing, quantile};

const RATE: u32 = 1_000;
const EVENTS: usize = 20_000;

/// Appends at a steady rate, whatever the time of an acknowledgement.
pub(crate) async fn run(engine: &impl Engine) -> Result<(), BoxError> {
    let store = Arc::new(engine.open(&engine.place()).await?);
    let receiver = Inbox::builder(store as Arc<dyn Store>).lane_by_tenant();
    let receiver = receiver.receiver(nothing())?;
    let mut ticks = interval(Duration::from_secs(1) / RATE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut sending = JoinSet::new();
    for number in 0..EVENTS {
        ticks.tick().await;
        sending.spawn(acknowledged(receiver.clone(), number));
    }
    let times: Result<Vec<_>, _> = sending.join_all().await.into_iter().collect();
    let mut times = times?;
    let (p50, p99) = (quantile(&mut times, 0.5), quantile(&mut times, 0.99));
    println!("\nacknowledgement at {RATE} events/s: p50 {p50:.1?}, p99 {p99:.1?}");
    Ok(())
}

/// The time until an event is acknowledged.
async fn acknowledged<S>(service: S, number: usize) -> Result<Duration, BoxError>
where
    S: Service<Delivery, Response = Outcome, Error = BoxError>,
{
    let began = Instant::now();
    service.oneshot(event(number)).await?;
    Ok(began.elapsed())
}

async fn all_acknowledged<S>(
    service: S,
    numbers: impl Iterator<Item = usize>,
) -> Result<(), BoxError>
where
    S: Service<Delivery, Response = Outcome, Error = BoxError> + Clone,
{
    for number in numbers {
        acknowledged(service.clone(), number).await?;
    }
    Ok(())
}

/// The memory of this process before and after 100,000 events, of which none waits.
pub(crate) async fn memory(engine: &impl Engine) -> Result<(), BoxError> {
    const SENDERS: usize = 256;
    const BATCH: usize = 100_000;
    let store = Arc::new(engine.open(&engine.place()).await?);
    let before = resident()?;
    let receiver = Inbox::builder(store as Arc<dyn Store>).lane_by_tenant();
    let receiver = receiver.receiver(nothing())?;
    let mut sending = JoinSet::new();
    for sender in 0..SENDERS {
        let numbers = (sender..BATCH).step_by(SENDERS);
        sending.spawn(all_acknowledged(receiver.clone(), numbers));
    }
    let mut largest = before;
    while let Some(sent) = sending.join_next().await {
        sent??;
        largest = largest.max(resident()?);
    }
    println!(
        "\nresident memory of the client: {} MB connected, {} MB after {BATCH} events of {SENDERS} senders",
        before / 1_000_000,
        largest / 1_000_000,
    );
    Ok(())
}
