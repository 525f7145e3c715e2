//! The interface of a store of handled events.

use std::time::Duration;

use async_trait::async_trait;
use lark_events::{BoxError, Outcome};

/// The store in which a [`DedupLayer`](crate::DedupLayer) remembers events:
/// [`MemoryStore`](crate::MemoryStore), or one that several processes share: `RedisStore` of `lark-events-redis`,
/// `PostgresStore` of `lark-events-inbox-postgres`, or your own.
///
/// A key is free, held by an owner for the length of a lease, or done. The layer makes one call at a time for each
/// key, but other processes call concurrently, so each call must be atomic. For example, with Redis:
///
/// | call | step |
/// | --- | --- |
/// | [`claim`](Self::claim) | a script: done → `Done`; held by another → `Held`; else `SET key owner PX lease` → `Granted` |
/// | [`done`](Self::done) | a script: done → extend its time to `kept` if that is longer (`PTTL`); else `SET key done:handled PX kept`, no matter which owner holds it |
/// | [`release`](Self::release) | a script: `DEL key` if it is held by this owner |
///
/// The platform waits during these calls: an implementation must limit their time. Their errors are logged, so they
/// must not contain a secret. A key has the form `app id:event type:id`, and the id may come from a body.
///
/// ```
/// use std::collections::HashMap;
/// use std::sync::Mutex;
/// use std::time::Duration;
///
/// use async_trait::async_trait;
/// use lark_events::{BoxError, Outcome};
/// use lark_events_layers::{Claim, DedupStore};
///
/// /// Never forgets, and never ends the claims of dead processes: for a test.
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
    /// Claims a key for an owner. Returns [`Claim::Granted`] if the key is free, if the lease of its claim has
    /// expired, or if the owner already holds it: the owner's layer calls this only when it is not handling the
    /// event.
    ///
    /// # Errors
    ///
    /// When the store cannot answer. The delivery fails, and the layer calls [`release`](Self::release), because
    /// the claim may have been made.
    async fn claim(&self, key: &str, owner: u64, lease: Duration) -> Result<Claim, BoxError>;

    /// Records that the event was handled, for at least the time `kept`, no matter which owner holds its key. If
    /// the key is done already, the longer of both times applies, because a duplicate that can be replayed is
    /// recorded too. The outcome is [`Outcome::Handled`] or [`Outcome::Unhandled`]; a store may record both as
    /// `Handled`.
    ///
    /// # Errors
    ///
    /// When the store cannot record it. The delivery is acknowledged anyway.
    async fn done(&self, key: &str, outcome: Outcome, kept: Duration) -> Result<(), BoxError>;

    /// Frees a key, but only if this owner holds it: the lease may have expired, and the key may be
    /// held by another owner, or done.
    ///
    /// # Errors
    ///
    /// When the store cannot free it. The claim then ends with its lease, or with the owner's next
    /// claim.
    async fn release(&self, key: &str, owner: u64) -> Result<(), BoxError>;
}

/// The result of claiming a key.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Claim {
    /// The owner holds the key now.
    Granted,
    /// Another owner holds the key.
    Held,
    /// The event was handled, with this outcome.
    Done(Outcome),
}
