//! Appending events in groups: those that arrive while the store writes are the next batch.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lark_events::Delivery;
use lark_events_layers::run::DEFAULT_MAX_BYTES_IN_FLIGHT;
use lark_events_layers::{LayerError, LayerErrorKind};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};
use tracing::{Instrument as _, debug};

use crate::builder::InboxBuilder;
use crate::health::Health;
use crate::measured;
use crate::monitor::Monitor;
use crate::store::{Appended, Entry, Refused, StoreError, StoreErrorKind};

/// The maximum number of events in one append.
const MAX_BATCH: usize = 256;
/// The maximum number of events that wait for an append: some seconds' worth for a store that stands
/// still.
const MAX_WAITING: usize = 4_096;

/// The queue of an inbox, to put events into. Clones share one queue.
///
/// A handler of a callback, which must reply within 3 seconds, puts its slow half here. The dispatcher
/// then calls the handler of the pushed event's type:
///
/// ```
/// use std::sync::Arc;
///
/// use lark_events::callback::{CardActionReply, CardActionTrigger, Toast};
/// use lark_events::{BoxError, Delivery, Dispatcher, Event, EventHeader};
/// use lark_events_inbox::{Inbox, Queue, VolatileStore};
///
/// let builder = Inbox::builder(Arc::new(VolatileStore::new()));
/// let queue = builder.clone().queue()?;
/// let dispatcher = Dispatcher::builder()
///     .on_with::<CardActionTrigger>(|queue: Queue, event: Event<CardActionTrigger>| async move {
///         let slow_half = EventHeader::new("my_app.report_v1");
///         queue.push(Delivery::new(slow_half, event.raw().clone())).await?;
///         Ok::<_, BoxError>(CardActionReply::new().toast(Toast::info("The report is on its way")))
///     })
///     .on_raw("my_app.report_v1", |_event| async { println!("a slow report") })
///     .with_state(queue)
///     .build()?;
/// let inbox = builder.build(dispatcher)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Queue(Arc<Shared>);

struct Shared {
    settings: InboxBuilder,
    waiting: Mutex<Waiting>,
    health: Health,
    monitor: Monitor,
}

#[derive(Default)]
struct Waiting {
    entries: VecDeque<(Entry, Answer)>,
    bytes: usize,
    /// Whether a task appends.
    is_appending: bool,
}

type Appending = Result<Appended, Arc<StoreError>>;
type Answer = oneshot::Sender<Appending>;

/// The result of a push that succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pushed {
    /// The event is stored.
    New,
    /// The store knew the event already.
    Duplicate,
}

impl Queue {
    pub(crate) fn new(settings: InboxBuilder) -> Self {
        Self(Arc::new(Shared {
            waiting: Mutex::default(),
            health: Health::new("events are not acknowledged"),
            monitor: Monitor::new(Arc::clone(&settings.store)),
            settings,
        }))
    }

    /// Stores an event, of whatever kind, to be handled later. A reply of its handler is dropped.
    ///
    /// # Errors
    ///
    /// Those of an [`Inbox`](crate::Inbox) as a service.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    pub async fn push(&self, delivery: Delivery) -> Result<Pushed, LayerError> {
        self.begin(delivery).await
    }

    /// The state of the store, for readiness checks.
    #[must_use]
    pub fn monitor(&self) -> &Monitor {
        &self.0.monitor
    }

    /// Puts an event in line for the next append. The order of these calls is that of the appends.
    pub(crate) fn begin(
        &self,
        delivery: Delivery,
    ) -> impl Future<Output = Result<Pushed, LayerError>> + Send + use<> {
        let began = Instant::now();
        let header = &delivery.header;
        let (event_type, event_id) = (header.event_type.clone(), header.event_id.clone());
        let entry = self.0.settings.entry(delivery);
        let waiting = self.0.enqueue(entry);
        let within = self.0.settings.append_timeout;
        async move {
            let appended = match waiting {
                Ok(waiting) => answer(waiting, within).await,
                Err(full) => Err(full),
            };
            measured::appended(&appended, began);
            if matches!(appended, Ok(Pushed::Duplicate)) {
                let event_id = event_id.as_deref();
                debug!(
                    event_type,
                    event_id, "duplicate: acknowledged, not stored again"
                );
            }
            appended
        }
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue")
            .field("waiting", &self.0.lock().entries.len())
            .finish_non_exhaustive()
    }
}

/// Waits for the append of an event.
async fn answer(
    waiting: oneshot::Receiver<Appending>,
    within: Duration,
) -> Result<Pushed, LayerError> {
    let failed = |error| LayerError::with_source(LayerErrorKind::Store, error);
    match timeout(within, waiting).await {
        Ok(Ok(Ok(Appended::New))) => Ok(Pushed::New),
        Ok(Ok(Ok(Appended::Duplicate))) => Ok(Pushed::Duplicate),
        Ok(Ok(Ok(Appended::Refused(refused)))) => Err(LayerError::new(match refused {
            Refused::Full => LayerErrorKind::Overloaded,
            Refused::NoWorker => LayerErrorKind::NoWorker,
            Refused::ShuttingDown => LayerErrorKind::Draining,
        })),
        Ok(Ok(Err(error))) => Err(failed(error)),
        Ok(Err(_)) => {
            let panicked =
                StoreError::with_source(StoreErrorKind::Unavailable, "the store panicked");
            Err(failed(Arc::new(panicked)))
        }
        Err(_) => Err(failed(Arc::new(StoreError::new(StoreErrorKind::TimedOut)))),
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enqueue(self: &Arc<Self>, entry: Entry) -> Result<oneshot::Receiver<Appending>, LayerError> {
        let (answer, answered) = oneshot::channel();
        let mut waiting = self.lock();
        let bytes = waiting.bytes.saturating_add(entry.bytes());
        if waiting.entries.len() >= MAX_WAITING || bytes > DEFAULT_MAX_BYTES_IN_FLIGHT {
            return Err(LayerError::new(LayerErrorKind::Overloaded));
        }
        waiting.bytes = bytes;
        waiting.entries.push_back((entry, answer));
        if !std::mem::replace(&mut waiting.is_appending, true) {
            // A task of its own, so that a caller that gives up does not cancel the append of others.
            let span = tracing::Span::none();
            tokio::spawn(Arc::clone(self).append_all().instrument(span));
        }
        Ok(answered)
    }

    /// Appends batch by batch until nothing waits.
    async fn append_all(self: Arc<Self>) {
        let ending = Ending(&self);
        while let Some((batch, answers)) = self.next_batch() {
            if batch.is_empty() {
                continue;
            }
            measured::batch(batch.len());
            let appended = self.settings.store.append(batch).await;
            self.health.report(&appended);
            match appended {
                Ok(appended) => {
                    for (answer, appended) in answers.into_iter().zip(appended) {
                        // A caller that has given up learns of it from the redelivery.
                        let _ = answer.send(Ok(appended));
                    }
                }
                Err(error) => {
                    let error = Arc::new(error);
                    for answer in answers {
                        let _ = answer.send(Err(Arc::clone(&error)));
                    }
                }
            }
            self.monitor.check_now_and_then().await;
        }
        std::mem::forget(ending);
    }

    /// The next batch without the events whose callers have given up; `None` if nothing waits.
    fn next_batch(&self) -> Option<(Vec<Entry>, Vec<Answer>)> {
        let mut waiting = self.lock();
        let count = waiting.entries.len().min(MAX_BATCH);
        if count == 0 {
            waiting.is_appending = false;
            return None;
        }
        let next: Vec<_> = waiting.entries.drain(..count).collect();
        let bytes = next.iter().map(|(entry, _)| entry.bytes());
        waiting.bytes = bytes.fold(waiting.bytes, usize::saturating_sub);
        let next = next.into_iter();
        Some(next.filter(|(_, answer)| !answer.is_closed()).unzip())
    }
}

/// Lets the next event start a new task if the store panics.
struct Ending<'a>(&'a Shared);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        let mut waiting = self.0.lock();
        *waiting = Waiting::default();
    }
}
