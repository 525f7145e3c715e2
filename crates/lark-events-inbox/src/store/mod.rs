//! The interface of a store, and the values that pass through it.

mod entry;
mod error;
mod fence;

use std::time::Duration;

use async_trait::async_trait;
use http::Extensions;

pub use self::entry::Entry;
pub use self::error::{StoreError, StoreErrorKind};
pub use self::fence::Fence;

/// The store of an [`Inbox`](crate::Inbox): events that are acknowledged, and not handled yet.
///
/// # Contract
///
/// - `append` returns once the batch is as durable as the store can make it. The acknowledgement to the
///   platform follows at once.
/// - Of the events of one lane, only the one that was appended first can be claimed: its *head*. When
///   the head is settled, the next one becomes the head, behind the heads that wait already.
/// - A claimed event is invisible until its lease ends or it is settled. Each claim counts one attempt.
/// - The oldest visible events are claimed first, and events with a lane and without share each claim.
/// - The calls of one event are not ordered: several workers, also of other processes, call
///   concurrently. Each call is atomic for each of its events.
/// - Calls may be dropped before they finish. `append` must then either have happened or not, for each
///   entry.
///
/// The feature `testing` has the checks of this contract, for a store of your own.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// What this store can do.
    fn capabilities(&self) -> Capabilities;

    /// Appends a batch. The results are in the order of the entries.
    ///
    /// # Errors
    ///
    /// When the store fails. The outcome may be unknown: no event of the batch is acknowledged.
    async fn append(&self, batch: Vec<Entry>) -> Result<Vec<Appended>, StoreError>;

    /// Claims up to `max` events for the time of `lease`.
    ///
    /// # Errors
    ///
    /// When the store cannot answer. Events that it may have claimed become visible when the lease ends.
    async fn claim(&self, max: usize, lease: Duration) -> Result<Vec<Claimed>, StoreError>;

    /// Extends the leases of claimed events to end after `lease` from now. The results are in the order
    /// of the fences: `false` for a claim that has been lost.
    ///
    /// # Errors
    ///
    /// When the store cannot answer.
    async fn extend(&self, fences: &[Fence], lease: Duration) -> Result<Vec<bool>, StoreError>;

    /// Ends claims. The results are in the order of the settlements: `false` for a claim that had been
    /// lost, whose settlement had no effect.
    ///
    /// # Errors
    ///
    /// When the store fails. The outcome may be unknown: the worker tries again, and a settlement that had an
    /// effect already may then be reported as lost.
    async fn settle(&self, settlements: Vec<Settlement>) -> Result<Vec<bool>, StoreError>;

    /// Waits until there may be something to claim. It may return early, and an inbox polls besides, so
    /// a missed wake-up costs a second.
    async fn woken(&self);

    /// The events in the store now.
    ///
    /// # Errors
    ///
    /// When the store cannot answer.
    async fn status(&self) -> Result<Status, StoreError>;

    /// Records the state of a worker. A worker repeats it every [`HEARTBEAT`].
    ///
    /// # Errors
    ///
    /// When the store cannot record it.
    async fn heartbeat(&self, worker: WorkerId, state: WorkerState) -> Result<(), StoreError>;

    /// Removes some of the finished events that are older than the store's retention. A worker calls it after
    /// each of its heartbeats. Returns how many were removed.
    ///
    /// # Errors
    ///
    /// When the store fails. The outcome may be unknown.
    async fn prune_some(&self) -> Result<u64, StoreError> {
        Ok(0)
    }

    /// Called when a worker was dropped before it stopped, so that its last
    /// [heartbeat](Self::heartbeat) no longer counts. Nothing waits for it, so a store on the network
    /// does nothing here: the heartbeat gets old by itself.
    fn dropped(&self, _worker: WorkerId) {}
}

/// How often a worker records that it is there.
pub const HEARTBEAT: Duration = Duration::from_secs(20);

/// What a store can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// Whether the events outlive the process. If they do not, a worker empties the store before it
    /// stops; otherwise it finishes only what it runs.
    pub durable: bool,
    /// Whether the store rejects a [settlement](Store::settle) with a lost claim. If it does not, a
    /// worker whose lease has ended sends none.
    pub fences: bool,
}

impl Capabilities {
    /// A store whose events outlive the process and which rejects lost claims.
    pub const DURABLE: Self = Self {
        durable: true,
        fences: true,
    };
    /// A store in the memory of the process.
    pub const VOLATILE: Self = Self {
        durable: false,
        fences: true,
    };
}

/// The result of appending one entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Appended {
    /// The event is stored.
    New,
    /// The store knew the event's key already, and is sure of it: acknowledge it.
    Duplicate,
    /// The event is not stored: do not acknowledge it.
    Refused(Refused),
}

/// Why a store did not take an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refused {
    /// Too many events, or too many bytes, are stored.
    Full,
    /// The event is larger than the store accepts.
    TooLarge,
    /// No worker runs that could handle the event before the process ends.
    NoWorker,
    /// All workers are shutting down.
    ShuttingDown,
}

/// A claimed event.
#[derive(Debug)]
#[non_exhaustive]
pub struct Claimed {
    /// The claim.
    pub fence: Fence,
    /// The number of this attempt: 1 for the first.
    pub attempt: u32,
    /// The event.
    pub entry: Entry,
    /// What the store gives to the handler besides the [`Attempt`](crate::Attempt), for example to
    /// settle the event in the handler's own transaction.
    pub extensions: Extensions,
}

impl Claimed {
    /// A claim without extensions.
    #[must_use]
    pub fn new(fence: Fence, attempt: u32, entry: Entry) -> Self {
        Self {
            fence,
            attempt,
            entry,
            extensions: Extensions::new(),
        }
    }
}

/// The end of a claim.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Settlement {
    /// The claim.
    pub fence: Fence,
    /// What becomes of the event.
    pub settled: Settled,
    /// How the attempt ended, for its history.
    pub outcome: AttemptOutcome,
    /// The error of the attempt with its causes, at most [`MAX_ERROR_BYTES`] long.
    pub error: Option<String>,
    /// How long the attempt took.
    pub took: Duration,
}

/// The maximum length of an attempt's error text, in bytes.
pub const MAX_ERROR_BYTES: usize = 4 * 1024;

impl Settlement {
    /// A settlement of an attempt without an error.
    #[must_use]
    pub fn new(fence: Fence, settled: Settled, outcome: AttemptOutcome) -> Self {
        Self {
            fence,
            settled,
            outcome,
            error: None,
            took: Duration::ZERO,
        }
    }
}

/// What becomes of a claimed event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Settled {
    /// It is finished. Its key is remembered.
    Done,
    /// It becomes visible again after this time, and its lane waits for it.
    RetryIn(Duration),
    /// It becomes a dead letter, and its lane goes on.
    Dead,
    /// It becomes visible again after this time, its lane waits for it, and the attempt does not count:
    /// the worker stops, or a limit did not let the handler start.
    Release(Duration),
    /// It becomes visible again after this time, leaves its lane, and the attempt does not count: this
    /// version of the app has no handler for it.
    SetAside(Duration),
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AttemptOutcome {
    /// The handler succeeded.
    Handled,
    /// The handler [rejected](lark_events::Reject) the event.
    Rejected,
    /// The app ignores events without a handler.
    Unhandled,
    /// The handler, or a layer, failed.
    Failed,
    /// The handler panicked.
    Panicked,
    /// The body does not fit the handler's type.
    Undecodable,
    /// A limit inside the inbox did not let the handler start.
    NotStarted,
    /// This version of the app has no handler for the event.
    NoHandler,
    /// The handler was cancelled at the end of a shutdown.
    Cancelled,
    /// Workers died during each of the allowed attempts.
    Lost,
}

impl AttemptOutcome {
    /// All outcomes, for stores that keep their names.
    pub const ALL: [Self; 10] = [
        Self::Handled,
        Self::Rejected,
        Self::Unhandled,
        Self::Failed,
        Self::Panicked,
        Self::Undecodable,
        Self::NotStarted,
        Self::NoHandler,
        Self::Cancelled,
        Self::Lost,
    ];

    /// The outcome of this name. An unknown name, of a later version, is [`Failed`](Self::Failed).
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        let mut known = Self::ALL.into_iter();
        known
            .find(|known| known.as_str() == name)
            .unwrap_or(Self::Failed)
    }

    /// The name used in metrics and in the history.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Handled => "handled",
            Self::Rejected => "rejected",
            Self::Unhandled => "unhandled",
            Self::Failed => "failed",
            Self::Panicked => "panicked",
            Self::Undecodable => "undecodable",
            Self::NotStarted => "not_started",
            Self::NoHandler => "no_handler",
            Self::Cancelled => "cancelled",
            Self::Lost => "lost",
        }
    }
}

/// The events of a store at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Status {
    /// Events that could be claimed now.
    pub ready: u64,
    /// Events that wait: for their lane, or for the time of a retry.
    pub waiting: u64,
    /// Claimed events.
    pub leased: u64,
    /// Dead letters.
    pub dead: u64,
    /// Lanes whose head waits for a retry.
    pub blocked_lanes: u64,
    /// The time since the oldest event that is not finished arrived. Dead letters do not count.
    pub oldest: Option<Duration>,
    /// How long the event that is claimed next has been ready; `None` if none is ready.
    pub lag: Option<Duration>,
    /// The workers that run and are not shutting down. A worker without a heartbeat for a minute does
    /// not count.
    pub workers: u64,
    /// The time since the last heartbeat of a worker; `None` if there has been none.
    pub worker_seen: Option<Duration>,
}

/// Names a worker among those of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct WorkerId(u64);

impl WorkerId {
    /// Draws a new name.
    #[must_use]
    pub fn draw() -> Self {
        Self(fastrand::u64(..))
    }

    /// The number behind the name.
    #[must_use]
    pub fn get(self) -> u64 {
        self.0
    }
}

/// The state of a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WorkerState {
    /// It claims events.
    Running,
    /// It is shutting down.
    Stopping,
    /// It has stopped.
    Stopped,
}
