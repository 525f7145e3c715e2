//! The store.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_nats::Client;
use async_nats::jetstream::{AckKind, ContextBuilder};
use async_trait::async_trait;
use futures_util::future::join_all;
use lark_events_inbox::{
    Appended, Capabilities, Claimed, Entry, Fence, Settled, Settlement, Status, Store, StoreError,
    StoreErrorKind, WorkerId, WorkerState,
};
use tokio::task::AbortHandle;

use crate::builder::NatsStoreBuilder;
use crate::held::Event;
use crate::link::{Link, TIMEOUT};
use crate::setup::Setup;

/// Keeps events in a stream of NATS JetStream, for any number of receivers and workers.
///
/// An event is acknowledged once the servers have confirmed that it is in the stream. Its durability depends on the
/// stream: see [`replicas`](NatsStoreBuilder::replicas) and [`sync_always`](NatsStoreBuilder::sync_always).
///
/// Differences from the other stores:
///
/// - Lanes share [partitions](NatsStoreBuilder::partitions). The events of a partition are handled one at a time,
///   in order. An event that fails therefore delays its whole partition, not only its lane.
/// - The server accepts the acknowledgement of a lost claim. A worker whose claim may have ended therefore sends
///   nothing.
/// - The server counts attempts. An attempt that a stopping worker gives back counts, too.
/// - The server recognises a redelivered event for the
///   [duplicate window](NatsStoreBuilder::duplicate_window) of the stream.
/// - A retried dead letter and a replayed event join the end of their lane, with a new number.
/// - A finished event without a lane is listed as leased, and cannot be replayed, until all earlier events without
///   a lane are finished.
/// - An operator can retry only dead letters. Other events keep the times of their retries.
/// - The history has only the last attempt of a dead letter, and no attempts of other events.
#[derive(Clone)]
pub struct NatsStore {
    pub(crate) link: Arc<Link>,
    _tasks: Arc<Tasks>,
}

/// Tasks that end with the store.
struct Tasks([AbortHandle; 3]);

impl Drop for Tasks {
    fn drop(&mut self) {
        self.0.iter().for_each(AbortHandle::abort);
    }
}

impl NatsStore {
    /// The default prefix of the names of streams, consumers and subjects: `LARK`.
    pub const DEFAULT_PREFIX: &'static str = "LARK";
    /// The shortest duplicate window: 8 hours and 11 minutes. The platform redelivers for 7.1 hours, and a webhook
    /// with the default freshness accepts a replay for 8 hours, and 10 minutes of clock difference.
    pub const MIN_WINDOW: Duration = Duration::from_mins(8 * 60 + 11);
    /// The shortest [`ack_wait`](NatsStoreBuilder::ack_wait): 3 seconds.
    pub const MIN_ACK_WAIT: Duration = Duration::from_secs(3);

    /// Connects with the default settings, and creates the streams if they do not exist.
    ///
    /// The URL may list several servers of a cluster, separated by commas: `nats://one:4222,nats://two:4222`. It
    /// may contain a login: `nats://user:password@one` or `nats://token@one`, with special characters as `%XX`.
    ///
    /// # Errors
    ///
    /// Those of [`NatsStoreBuilder::connect`].
    pub async fn connect(url: impl Into<String>) -> Result<Self, StoreError> {
        Self::builder(url).connect().await
    }

    /// Starts configuring a store.
    pub fn builder(url: impl Into<String>) -> NatsStoreBuilder {
        NatsStoreBuilder::new(url.into())
    }

    pub(crate) async fn open(client: Client, setup: Setup) -> Result<Self, StoreError> {
        let context = ContextBuilder::new().timeout(TIMEOUT).build(client.clone());
        let streams = setup.open(&client, &context).await?;
        let link = Arc::new(Link::new(client, context, setup, streams));
        let (answers, wakes) = link.subscribe().await?;
        let reading = tokio::spawn(Arc::clone(&link).read(answers));
        let listening = tokio::spawn(Arc::clone(&link).listen(wakes));
        let keeping = tokio::spawn(Arc::clone(&link).keep());
        let tasks = [reading, listening, keeping].map(|task| task.abort_handle());
        let _tasks = Arc::new(Tasks(tasks));
        Ok(Self { link, _tasks })
    }

    async fn settle_one(&self, settlement: &Settlement) -> Result<bool, StoreError> {
        let (link, fence) = (&self.link, settlement.fence);
        if link.holdings().recall(fence) {
            return Ok(true);
        }
        let Some(event) = link.holdings().own(fence) else {
            return Ok(false);
        };
        let copied = match settlement.settled {
            Settled::Done => Ok(()),
            Settled::RetryIn(delay) => return self.retry_in(&event, delay).await,
            // The server would count an attempt, so the event stays with this process.
            Settled::Release(delay) => {
                link.holdings().release(fence.seq(), delay);
                link.keep_on();
                return Ok(true);
            }
            Settled::SetAside(delay) => link.append_aside(&event, delay).await,
            // An end that a later version of the inbox adds is left to an operator.
            _ => link.append_dead(&event, settlement).await,
        };
        match copied {
            Ok(()) => {}
            // The call is repeated.
            Err(error) if error.kind() == StoreErrorKind::TimedOut => return Err(error),
            Err(error) => {
                let (seq, error) = (event.seq, &error as &(dyn Error + Send + Sync + 'static));
                tracing::error!(
                    seq,
                    error = error as &(dyn Error + 'static),
                    "an event cannot be copied: it stays in the queue, and is retried later"
                );
                return self.retry_in(&event, COPY_PAUSE).await;
            }
        }
        // The copy took time.
        if link.holdings().own(fence).is_none() {
            return Ok(false);
        }
        link.say(&event, AckKind::Ack).await?;
        link.holdings().finish(fence);
        if event.is_followed {
            link.suppose([event.consumer]);
        }
        link.keep_on();
        Ok(true)
    }

    /// Leaves an event to the server for a time. If the server does not hear of it, it gives the event again as that of
    /// a dead worker: a repeated message could take the event from another worker.
    async fn retry_in(&self, event: &Event, delay: Duration) -> Result<bool, StoreError> {
        let link = &self.link;
        link.connected()?;
        link.holdings().retry(event.seq, event.consumer, delay);
        link.keep_on();
        // The server gives an event without a delay again at once.
        let nak = AckKind::Nak((!delay.is_zero()).then_some(delay));
        if let Err(error) = link.say(event, nak).await {
            tracing::debug!(
                seq = event.seq,
                error = &error as &(dyn Error + 'static),
                "the server may not know the delay of a retry: it redelivers the event after the `ack_wait`"
            );
        }
        Ok(true)
    }
}

/// How long an event waits that could not be copied.
const COPY_PAUSE: Duration = Duration::from_mins(1);

impl fmt::Debug for NatsStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsStore")
            .field("setup", &self.link.setup)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for NatsStore {
    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::DURABLE;
        capabilities.fences = false;
        capabilities
    }

    async fn append(&self, batch: Vec<Entry>) -> Result<Vec<Appended>, StoreError> {
        self.link.append(&batch).await
    }

    async fn claim(&self, max: usize, lease: Duration) -> Result<Vec<Claimed>, StoreError> {
        self.link.fill(max).await?;
        let claimed = self.link.holdings().claim(max, lease);
        self.link.keep_on();
        let claimed = claimed.into_iter().map(|(fence, event)| {
            let entry = Entry::clone(&event.entry);
            Claimed::new(fence, event.attempt, entry)
        });
        Ok(claimed.collect())
    }

    async fn extend(&self, fences: &[Fence], lease: Duration) -> Result<Vec<bool>, StoreError> {
        let extended = {
            let mut holdings = self.link.holdings();
            let extended = fences.iter().map(|fence| holdings.extend(*fence, lease));
            extended.collect()
        };
        self.link.keep_on();
        Ok(extended)
    }

    async fn settle(&self, settlements: Vec<Settlement>) -> Result<Vec<bool>, StoreError> {
        let settled = settlements.iter().map(|one| self.settle_one(one));
        let settled = join_all(settled).await;
        if settled.iter().any(Result::is_err) {
            // The call is repeated, and must not find that these were lost.
            let settled = settlements.iter().zip(&settled);
            let held = settled.filter(|(_, settled)| matches!(settled, Ok(true)));
            for (settlement, _) in held {
                self.link.holdings().remember(settlement.fence);
            }
        }
        settled.into_iter().collect()
    }

    async fn woken(&self) {
        self.link.woken().await;
    }

    async fn status(&self) -> Result<Status, StoreError> {
        self.link.status().await
    }

    async fn heartbeat(&self, worker: WorkerId, state: WorkerState) -> Result<(), StoreError> {
        if state == WorkerState::Stopped {
            // Other processes get the events that this one was given, or is about to be.
            self.link.quiet().await;
            let ready = self.link.holdings().take_ready();
            let given_back = ready
                .iter()
                .map(|event| self.link.say(event, AckKind::Nak(None)));
            join_all(given_back).await;
            let consumers = ready.iter().map(|event| event.consumer).collect();
            self.link.wake_all(consumers).await;
        }
        self.link.heartbeat(worker, state).await
    }
}
