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

/// Remembers events in the memory of this process, by tokio's clock. A restart forgets all events, and
/// a full store forgets the oldest: an app with more than 3.4 events per second needs more than
/// [`DEFAULT_CAPACITY`](Self::DEFAULT_CAPACITY). Each event takes about 200 bytes, allocated as events
/// arrive.
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
    /// The default capacity: 100,000 events, which is 8 hours and 11 minutes' worth at 3.4 events per second.
    pub const DEFAULT_CAPACITY: NonZeroUsize = NonZeroUsize::new(100_000).unwrap();

    /// Creates a store with room for `capacity` events.
    #[must_use]
    pub fn new(capacity: NonZeroUsize) -> Self {
        // Allocating the full capacity here would take all of its memory at once.
        let mut entries = LruCache::unbounded();
        entries.resize(capacity);
        Self(Mutex::new(entries))
    }

    /// The number of events in the store, some of which may have expired.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether the store is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn lock(&self) -> MutexGuard<'_, LruCache<Box<str>, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Creates a store with [`DEFAULT_CAPACITY`](Self::DEFAULT_CAPACITY).
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
