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

/// Keeps the events of an [`Inbox`](crate::Inbox) from their acknowledgement until they are handled.
///
/// # Contract
///
/// - `append` returns once the batch is as durable as the store can make it. The acknowledgement to the
///   platform follows at once.
/// - Only the first event of each lane, its *head*, can be claimed. When the head is finished, dead or set aside,
///   the next event of the lane becomes visible, after the events that are visible already.
/// - A claimed event is invisible until its lease ends or it is settled. Each claim counts one attempt.
/// - The oldest visible events are claimed first, and events with a lane and without share each claim.
/// - Several workers, of several processes, call concurrently, in any order. Each call is atomic for each of its
///   events.
/// - Calls may be dropped before they finish. `append` must then either have happened or not, for each
///   entry.
///
/// The feature `testing` checks this contract for a store of your own.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// The properties of this store.
    fn capabilities(&self) -> Capabilities;

    /// Appends a batch. The results are in the order of the entries.
    ///
    /// # Errors
    ///
    /// When the store fails. The outcome may be unknown: no event of the batch is acknowledged.
    async fn append(&self, batch: Vec<Entry>) -> Result<Vec<Appended>, StoreError>;

    /// Claims up to `max` events, each until `lease` from now.
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
    /// When the store fails. The outcome may be unknown: the worker repeats the call, and a settlement that already
    /// had its effect may then be reported as lost.
    async fn settle(&self, settlements: Vec<Settlement>) -> Result<Vec<bool>, StoreError>;

    /// Waits until there may be an event to claim. It may return early. Workers also poll every second, so a missed
    /// wake-up delays an event by about a second.
    async fn woken(&self);

    /// Returns the numbers of events in the store, and the state of its workers.
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

    /// Called when a worker is dropped before it has stopped, to forget its last [heartbeat](Self::heartbeat). The
    /// call is not async, so a store on the network does nothing: the heartbeat expires.
    fn dropped(&self, _worker: WorkerId) {}
}

/// The interval of a worker's heartbeats: 20 seconds.
pub const HEARTBEAT: Duration = Duration::from_secs(20);

/// The properties of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// Whether the events outlive the process. If they do, a worker that shuts down only finishes its running
    /// handlers. If not, it first empties the store.
    pub durable: bool,
    /// Whether the store rejects a [settlement](Store::settle) with a lost claim. If not, a worker sends no
    /// settlement once the lease has ended.
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
    /// The store has an event with the same key: acknowledge this one.
    Duplicate,
    /// The event is not stored: do not acknowledge it.
    Refused(Refused),
}

/// The reason why a store did not take an event.
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
    /// Extensions for the event of the handler, besides the [`Attempt`](crate::Attempt): for example, to settle the
    /// event in the handler's own transaction.
    pub extensions: Extensions,
}

impl Claimed {
    /// Creates a claim without extensions.
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
    /// The next state of the event.
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
    /// Creates a settlement without an error, with a duration of zero.
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

/// The state of an event after its claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Settled {
    /// It is finished. Its key is remembered.
    Done,
    /// It can be claimed again after this time. Its lane waits.
    RetryIn(Duration),
    /// It becomes a dead letter. Its lane continues.
    Dead,
    /// It can be claimed again after this time. Its lane waits, and the attempt does not count: the worker stops,
    /// or a limit kept the handler from starting.
    Release(Duration),
    /// It leaves its lane, and can be claimed again after this time. The attempt does not count: this version of
    /// the app has no handler for the event.
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
    /// The event has no handler, and the app ignores such events.
    Unhandled,
    /// The handler, or a layer, failed.
    Failed,
    /// The handler panicked.
    Panicked,
    /// The body does not fit the handler's type.
    Undecodable,
    /// A limit inside the inbox kept the handler from starting.
    NotStarted,
    /// This version of the app has no handler for the event.
    NoHandler,
    /// The handler was cancelled at the end of a shutdown.
    Cancelled,
    /// Workers died during each of the allowed attempts.
    Lost,
}

impl AttemptOutcome {
    /// All outcomes.
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

    /// The outcome with this name. An unknown name, from a later version, is [`Failed`](Self::Failed).
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

/// Identifies a worker of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct WorkerId(u64);

impl WorkerId {
    /// Draws a random id.
    #[must_use]
    pub fn draw() -> Self {
        Self(fastrand::u64(..))
    }

    /// The id as a number.
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
