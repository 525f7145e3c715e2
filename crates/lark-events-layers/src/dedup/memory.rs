//! Remembering handled events in the memory of one process.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use lark_events::{BoxError, Outcome};
use lru::LruCache;
use tokio::time::Instant;

use super::store::{Claim, DedupStore};
use crate::run::after;

/// Remembers events in the memory of this process, by tokio's clock. With its process it forgets all,
/// and when it is full the oldest: an app with more than 3.4 events in a second needs more room than
/// [`DEFAULT_CAPACITY`](Self::DEFAULT_CAPACITY). An event takes about 200 bytes, and none before it comes.
pub struct MemoryStore(Mutex<LruCache<Box<str>, Entry>>);

struct Entry {
    state: State,
    until: Instant,
}

impl Entry {
    fn is_done(&self) -> bool {
        matches!(self.state, State::Done(_))
    }
}

enum State {
    Held(u64),
    Done(Outcome),
}

impl MemoryStore {
    /// Events remembered: over 8 hours and 11 minutes, 3.4 in a second.
    pub const DEFAULT_CAPACITY: NonZeroUsize = NonZeroUsize::new(100_000).unwrap();

    /// A store with room for so many events.
    #[must_use]
    pub fn new(capacity: NonZeroUsize) -> Self {
        // With its capacity from the start it would take all its room at once.
        let mut entries = LruCache::unbounded();
        entries.resize(capacity);
        Self(Mutex::new(entries))
    }

    /// How many events it holds, of which some may be past their time.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn lock(&self) -> MutexGuard<'_, LruCache<Box<str>, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// With [`DEFAULT_CAPACITY`](Self::DEFAULT_CAPACITY).
impl Default for MemoryStore {
    fn default() -> Self {
        Self::new(Self::DEFAULT_CAPACITY)
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = self.lock();
        f.debug_struct("MemoryStore")
            .field("len", &entries.len())
            .field("capacity", &entries.cap())
            .finish()
    }
}

#[async_trait]
impl DedupStore for MemoryStore {
    async fn claim(&self, key: &str, owner: u64, lease: Duration) -> Result<Claim, BoxError> {
        let now = Instant::now();
        let mut entries = self.lock();
        while let Some((_, oldest)) = entries.peek_lru()
            && oldest.until <= now
        {
            entries.pop_lru();
        }
        let known = entries.peek(key).filter(|entry| entry.until > now);
        match known.map(|entry| &entry.state) {
            Some(State::Done(outcome)) => return Ok(Claim::Done(outcome.clone())),
            Some(State::Held(other)) if *other != owner => return Ok(Claim::Held),
            _ => {}
        }
        let (state, until) = (State::Held(owner), after(now, lease));
        entries.put(key.into(), Entry { state, until });
        Ok(Claim::Granted)
    }

    async fn done(&self, key: &str, outcome: Outcome, kept: Duration) -> Result<(), BoxError> {
        let mut entries = self.lock();
        let done = entries.peek(key).filter(|entry| entry.is_done());
        let until = after(Instant::now(), kept);
        let until = done.map_or(until, |done| until.max(done.until));
        let state = State::Done(outcome);
        entries.put(key.into(), Entry { state, until });
        Ok(())
    }

    async fn release(&self, key: &str, owner: u64) -> Result<(), BoxError> {
        let mut entries = self.lock();
        let held = entries.peek(key).map(|entry| &entry.state);
        if matches!(held, Some(State::Held(holder)) if *holder == owner) {
            entries.pop(key);
        }
        Ok(())
    }
}
