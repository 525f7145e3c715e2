//! Appending events in groups: those that arrive while the store writes are the next batch.

use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use lark_events::Delivery;
use lark_events_layers::run::{DEFAULT_MAX_BYTES_IN_FLIGHT, after};
use lark_events_layers::{LayerError, LayerErrorKind};
use tokio::sync::oneshot;
use tokio::sync::oneshot::error::RecvError;
use tokio::time::{Instant, sleep_until};
use tracing::{Instrument as _, debug};

use crate::builder::InboxBuilder;
use crate::health::Health;
use crate::measured;
use crate::monitor::Monitor;
use crate::store::{Appended, Entry, Refused, StoreError, StoreErrorKind};

/// The maximum number of events in one append.
const MAX_BATCH: usize = 256;
/// The maximum number of appends at once: while the store writes one batch, this process prepares the next.
const MAX_APPENDS: usize = 2;
/// A further append begins when as many events wait: a batch of few costs a store as much as one of many.
const MIN_FURTHER: usize = 16;
/// The maximum number of events that wait for an append: some seconds' worth for a store that stands
/// still.
const MAX_WAITING: usize = 4_096;

/// The queue of an inbox, to append events to. Clones share one queue.
///
/// A callback must be replied to within 3 seconds. Its handler pushes the slow half of its work as an event of a
/// type of its own, for which the dispatcher has another handler:
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
    entries: VecDeque<(Entry, Caller)>,
    bytes: usize,
    /// The tasks that append.
    appends: usize,
    /// The lanes of the batches that are being appended. Their next events wait, so that the order of the lane is
    /// kept.
    lanes: HashSet<String>,
}

impl Waiting {
    /// Whether one more task has something to append.
    fn wants_a_task(&self) -> bool {
        match self.appends {
            0 => !self.entries.is_empty(),
            appends => appends < MAX_APPENDS && self.entries.len() >= MIN_FURTHER,
        }
    }

    /// Takes the next events, without those whose lane is being appended.
    fn take(&mut self) -> Vec<(Entry, Caller)> {
        let (mut taken, mut left) = (Vec::new(), VecDeque::new());
        for one in self.entries.drain(..) {
            let is_next = taken.len() < MAX_BATCH
                && one
                    .0
                    .lane
                    .as_ref()
                    .is_none_or(|lane| !self.lanes.contains(lane));
            if is_next {
                taken.push(one);
            } else {
                left.push_back(one);
            }
        }
        self.entries = left;
        taken
    }
}

type Appending = Result<Appended, Arc<StoreError>>;

/// The caller of an event that waits for its append.
struct Caller {
    /// `None` once it was answered.
    answer: Option<oneshot::Sender<Appending>>,
    began: Instant,
}

impl Caller {
    fn waits(&self) -> bool {
        let answer = self.answer.as_ref();
        answer.is_some_and(|answer| !answer.is_closed())
    }

    fn answer(&mut self, appended: Appending) {
        if let Some(answer) = self.answer.take() {
            // A caller that is gone learns of the append from the redelivery.
            let _ = answer.send(appended);
        }
    }

    /// Answers that the append took too long, if it did.
    fn give_up(&mut self, now: Instant, within: Duration) {
        if after(self.began, within) <= now {
            self.answer(Err(Arc::new(timed_out())));
        }
    }
}

fn timed_out() -> StoreError {
    StoreError::new(StoreErrorKind::TimedOut)
}

/// The result of a successful push.
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

    /// Appends an event, to be handled by a worker. Unlike an [`Inbox`](crate::Inbox) as a service, it stores
    /// callbacks too; the reply of their handler is dropped.
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

    /// Puts an event in line for the next append. In a lane, the order of these calls is that of the appends.
    pub(crate) fn begin(&self, delivery: Delivery) -> Pushing {
        let began = Instant::now();
        let entry = self.0.settings.entry(delivery);
        let waiting = self.0.enqueue(entry, began);
        Pushing { waiting, began }
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue")
            .field("waiting", &self.0.lock().entries.len())
            .finish_non_exhaustive()
    }
}

/// An event that waits for its append.
#[derive(Debug)]
pub(crate) struct Pushing {
    waiting: Result<oneshot::Receiver<Appending>, LayerErrorKind>,
    began: Instant,
}

impl Future for Pushing {
    type Output = Result<Pushed, LayerError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let pushed = match &mut self.waiting {
            Ok(waiting) => pushed(ready!(Pin::new(waiting).poll(context))),
            Err(kind) => Err(LayerError::new(*kind)),
        };
        measured::appended(&pushed, self.began);
        Poll::Ready(pushed)
    }
}

fn pushed(answer: Result<Appending, RecvError>) -> Result<Pushed, LayerError> {
    let failed = |error| LayerError::with_source(LayerErrorKind::Store, error);
    match answer {
        Ok(Ok(Appended::New)) => Ok(Pushed::New),
        Ok(Ok(Appended::Duplicate)) => Ok(Pushed::Duplicate),
        Ok(Ok(Appended::Refused(refused))) => Err(match refused {
            Refused::Full => LayerError::new(LayerErrorKind::Overloaded),
            Refused::TooLarge => {
                let text = "the event is larger than the store accepts";
                let error = StoreError::with_source(StoreErrorKind::Unsupported, text);
                failed(Arc::new(error))
            }
            Refused::NoWorker => LayerError::new(LayerErrorKind::NoWorker),
            Refused::ShuttingDown => LayerError::new(LayerErrorKind::Draining),
        }),
        Ok(Err(error)) => Err(failed(error)),
        Err(_) => {
            let panicked =
                StoreError::with_source(StoreErrorKind::Unavailable, "the store panicked");
            Err(failed(Arc::new(panicked)))
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enqueue(
        self: &Arc<Self>,
        entry: Entry,
        began: Instant,
    ) -> Result<oneshot::Receiver<Appending>, LayerErrorKind> {
        let (answer, answered) = oneshot::channel();
        let mut waiting = self.lock();
        let bytes = waiting.bytes.saturating_add(entry.bytes());
        if waiting.entries.len() >= MAX_WAITING || bytes > DEFAULT_MAX_BYTES_IN_FLIGHT {
            return Err(LayerErrorKind::Overloaded);
        }
        waiting.bytes = bytes;
        let caller = Caller {
            answer: Some(answer),
            began,
        };
        waiting.entries.push_back((entry, caller));
        if waiting.wants_a_task() {
            waiting.appends = waiting.appends.saturating_add(1);
            // A task of its own, so that a caller that gives up does not cancel the append of others.
            let span = tracing::Span::none();
            tokio::spawn(Arc::clone(self).append_all().instrument(span));
        }
        Ok(answered)
    }

    /// Appends batch by batch until nothing waits.
    async fn append_all(self: Arc<Self>) {
        let mut task = AppendTask {
            shared: &self,
            lanes: Vec::new(),
        };
        while let Some((batch, callers)) = task.next_batch() {
            if batch.is_empty() {
                continue;
            }
            measured::batch(batch.len());
            let named = named(&batch);
            let (appended, callers) = self.append(batch, callers).await;
            self.health.report(&appended);
            match appended {
                Ok(appended) => {
                    log_duplicates(&named, &appended);
                    for (mut caller, appended) in callers.into_iter().zip(appended) {
                        caller.answer(Ok(appended));
                    }
                }
                Err(error) => {
                    let error = Arc::new(error);
                    for mut caller in callers {
                        caller.answer(Err(Arc::clone(&error)));
                    }
                }
            }
            self.monitor.check_now_and_then();
            // Callers that were answered may have their next events ready: a larger batch costs a store no
            // more.
            let_others_run().await;
        }
        std::mem::forget(task);
    }

    /// Appends a batch. Callers that have waited for too long are answered meanwhile; the append goes
    /// on.
    async fn append(
        &self,
        batch: Vec<Entry>,
        mut callers: Vec<Caller>,
    ) -> (Result<Vec<Appended>, StoreError>, Vec<Caller>) {
        let within = self.settings.append_timeout;
        let mut append = self.settings.store.append(batch);
        // Most stores need less time than a timer.
        let first = poll_fn(|context| Poll::Ready(append.as_mut().poll(context)));
        if let Poll::Ready(appended) = first.await {
            return (appended, callers);
        }
        loop {
            // A caller that comes after this has a later deadline.
            let next = {
                let waiting = self.lock();
                let behind = waiting.entries.iter().map(|(_, caller)| caller);
                let mut waiting = callers.iter().chain(behind).filter(|caller| caller.waits());
                waiting
                    .next()
                    .map_or_else(Instant::now, |caller| caller.began)
            };
            tokio::select! {
                appended = &mut append => return (appended, callers),
                () = sleep_until(after(next, within)) => {}
            }
            // The append may still succeed, but until then nothing is acknowledged.
            self.health.report::<()>(&Err(timed_out()));
            let now = Instant::now();
            callers
                .iter_mut()
                .for_each(|caller| caller.give_up(now, within));
            let mut waiting = self.lock();
            let expired = waiting.entries.iter_mut();
            expired.for_each(|(_, caller)| caller.give_up(now, within));
        }
    }
}

/// Goes to the end of the runtime's queue. `tokio::task::yield_now` would instead wait for this thread,
/// which a handler may block.
async fn let_others_run() {
    let mut has_run = false;
    poll_fn(|context| {
        if std::mem::replace(&mut has_run, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// The types and ids of a batch, if the log wants them.
fn named(batch: &[Entry]) -> Vec<(String, Option<String>)> {
    if !tracing::enabled!(tracing::Level::DEBUG) {
        return Vec::new();
    }
    let headers = batch.iter().map(|entry| &entry.delivery.header);
    let named = headers.map(|header| (header.event_type.clone(), header.event_id.clone()));
    named.collect()
}

fn log_duplicates(named: &[(String, Option<String>)], appended: &[Appended]) {
    let duplicates = named.iter().zip(appended);
    for ((event_type, event_id), _) in duplicates.filter(|(_, it)| **it == Appended::Duplicate) {
        let event_id = event_id.as_deref();
        debug!(
            event_type,
            event_id, "duplicate: acknowledged, not stored again"
        );
    }
}

/// A task that appends. If the store panics, the events that wait fail, and the next one starts a new task.
struct AppendTask<'a> {
    shared: &'a Shared,
    /// The lanes of its batch.
    lanes: Vec<String>,
}

impl AppendTask<'_> {
    /// The next batch without the events whose callers have given up; `None` if there is nothing for this task.
    fn next_batch(&mut self) -> Option<(Vec<Entry>, Vec<Caller>)> {
        let (shared, ended) = (self.shared, std::mem::take(&mut self.lanes));
        let mut waiting = shared.lock();
        for lane in &ended {
            waiting.lanes.remove(lane);
        }
        let others = waiting.appends.saturating_sub(1);
        if others > 0 && waiting.entries.len() < MIN_FURTHER {
            waiting.appends = others;
            return None;
        }
        let next = waiting.take();
        if next.is_empty() {
            // The events that are left wait for the task that appends their lane.
            waiting.appends = others;
            return None;
        }
        let bytes = next.iter().map(|(entry, _)| entry.bytes());
        waiting.bytes = bytes.fold(waiting.bytes, usize::saturating_sub);
        let next = next.into_iter().filter(|(_, caller)| caller.waits());
        let (batch, callers): (Vec<Entry>, _) = next.unzip();
        let lanes: HashSet<_> = batch
            .iter()
            .filter_map(|entry| entry.lane.clone())
            .collect();
        self.lanes = lanes.iter().cloned().collect();
        waiting.lanes.extend(lanes);
        Some((batch, callers))
    }
}

impl Drop for AppendTask<'_> {
    fn drop(&mut self) {
        let mut waiting = self.shared.lock();
        for lane in &self.lanes {
            waiting.lanes.remove(lane);
        }
        waiting.appends = waiting.appends.saturating_sub(1);
        waiting.entries.clear();
        waiting.bytes = 0;
    }
}
