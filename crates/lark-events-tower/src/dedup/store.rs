//! What de-duplication needs of the place where handled events are remembered.

use std::time::Duration;

use async_trait::async_trait;
use lark_events::{BoxError, Outcome};

/// Where a [`DedupLayer`](crate::DedupLayer) remembers events: [`MemoryStore`](crate::MemoryStore), or
/// one of your own that several processes share.
///
/// A key is free, held by an owner for the length of a lease, or done. The layer asks for one key one
/// call at a time; other processes ask at the same time, so each call is one atomic step. With
/// Redis, for instance:
///
/// | call | step |
/// | --- | --- |
/// | [`claim`](Self::claim) | a script: done → `Done`; held by another → `Held`; else `SET key owner PX lease` → `Granted` |
/// | [`done`](Self::done) | a script: done → `PEXPIRE key kept GT`; else `SET key done:handled PX kept`, no matter which owner holds it |
/// | [`release`](Self::release) | a script: `DEL key` if it is held by this owner |
///
/// Calls are made while the platform waits: bound their time in here. What they fail with is logged, so
/// it must say no secret. A key is `app id:event type:id`, of which the id may come from a body.
///
/// ```
/// use std::collections::HashMap;
/// use std::sync::Mutex;
/// use std::time::Duration;
///
/// use async_trait::async_trait;
/// use lark_events::{BoxError, Outcome};
/// use lark_events_tower::{Claim, DedupStore};
///
/// /// Never forgets, and leaves dead processes their claims: for a test.
/// #[derive(Default)]
/// struct Eternal(Mutex<HashMap<String, Result<Outcome, u64>>>);
///
/// #[async_trait]
/// impl DedupStore for Eternal {
///     async fn claim(&self, key: &str, owner: u64, _: Duration) -> Result<Claim, BoxError> {
///         let mut keys = self.0.lock().map_err(|_| "poisoned")?;
///         Ok(match keys.entry(key.to_owned()).or_insert(Err(owner)) {
///             Ok(outcome) => Claim::Done(outcome.clone()),
///             Err(holder) if *holder == owner => Claim::Granted,
///             Err(_) => Claim::Held,
///         })
///     }
///
///     async fn done(&self, key: &str, outcome: Outcome, _: Duration) -> Result<(), BoxError> {
///         let mut keys = self.0.lock().map_err(|_| "poisoned")?;
///         keys.insert(key.to_owned(), Ok(outcome));
///         Ok(())
///     }
///
///     async fn release(&self, key: &str, owner: u64) -> Result<(), BoxError> {
///         let mut keys = self.0.lock().map_err(|_| "poisoned")?;
///         keys.retain(|held, state| held != key || *state != Err(owner));
///         Ok(())
///     }
/// }
/// ```
#[async_trait]
pub trait DedupStore: Send + Sync + 'static {
    /// Claims a key for an owner: [`Claim::Granted`] when it is free, when a claim's lease has run out,
    /// and when it is the owner's already, whose layer knows that nobody of its own is at it.
    ///
    /// # Errors
    ///
    /// When it cannot tell. The delivery fails and the claim, which may have been made, is released.
    async fn claim(&self, key: &str, owner: u64, lease: Duration) -> Result<Claim, BoxError>;

    /// Remembers that the event was handled for at least the time `kept`, no matter which owner holds its key. A key
    /// that is done already stays so for the longer of both times: a duplicate whose request may be
    /// replayed is reported too. The outcome is [`Outcome::Handled`] or [`Outcome::Unhandled`]; a store may
    /// remember all as `Handled`.
    ///
    /// # Errors
    ///
    /// When it cannot. The delivery is acknowledged all the same.
    async fn done(&self, key: &str, outcome: Outcome, kept: Duration) -> Result<(), BoxError>;

    /// Frees a key if this owner holds it, and only then: the lease may have run out and the key be
    /// another's by now, or done.
    ///
    /// # Errors
    ///
    /// When it cannot. The claim then ends with its lease, or with the owner's next.
    async fn release(&self, key: &str, owner: u64) -> Result<(), BoxError>;
}

/// What came of claiming a key.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Claim {
    /// It is the owner's now.
    Granted,
    /// It is another's.
    Held,
    /// The event was handled, with this outcome.
    Done(Outcome),
}
