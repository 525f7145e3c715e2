//! What can go wrong, on demand.

use std::mem::discriminant;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Something that goes wrong once, at the next thing that it can happen to:
/// [`Platform::inject`](crate::Platform::inject). Faults of different kinds can happen to one
/// attempt, those of one kind happen one after another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The next attempt is lost on its way to the app: the platform waits in vain for an answer.
    LoseEvent,
    /// The answer to the next attempt is lost on its way to the platform, which then delivers again
    /// what was handled.
    LoseAnswer,
    /// The next attempt is held for this long before it is sent.
    Delay(Duration),
    /// The next attempt is sent once more this much later, whatever the answer.
    Duplicate(Duration),
    /// The next attempt is held until another one has been sent, or for a second.
    Reorder,
    /// The next webhook request is signed by a clock that is this many seconds ahead, or behind
    /// where they are negative.
    ClockSkew(i64),

    /// Before the next event on a long connection comes a message that is none: no frame at all, a
    /// text, a frame without what the protocol requires, or of a kind that nobody knows.
    GarbageFrame,
    /// The fragments of the next fragmented event come in a random order.
    ShuffleFragments,
    /// One fragment of the next fragmented event never comes.
    LoseFragment,
    /// One frame of the next event on a long connection comes twice.
    RepeatFragment,
    /// The long connection that gets the next event is cut right after it, without a Close.
    Disconnect,
    /// The long connection that would get the next event goes half-open: from then on nothing comes
    /// from it, not that event either, and nothing that it is sent counts.
    HalfOpen,
    /// The next long connection is accepted and half-open from its start.
    AcceptHalfOpen,
    /// The next call for an endpoint is answered with this code, and no address: 1 is busy,
    /// 1000040343 an internal error, both worth another try; others are the app's fault.
    Endpoint(i64),
    /// The next call for an endpoint is answered with this HTTP status and no JSON.
    EndpointStatus(u16),
    /// The next upgrade is refused with this `Handshake-Status`, and a `Handshake-Autherrcode`
    /// unless that is 0: 403 is fatal, and 514 with 1000040350, too many connections.
    RefuseUpgrade(u16, i64),
}

/// The faults that have not happened yet.
#[derive(Default)]
pub(crate) struct Faults(Mutex<Vec<Fault>>);

impl Faults {
    pub(crate) fn inject(&self, fault: Fault) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(fault);
    }

    pub(crate) fn clear(&self) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    /// Takes the first that `strikes`.
    pub(crate) fn take(&self, strikes: impl Fn(Fault) -> bool) -> Option<Fault> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = waiting.iter().position(|fault| strikes(*fault))?;
        Some(waiting.remove(place))
    }

    /// Takes the first of each kind that `strikes`.
    pub(crate) fn take_each(&self, strikes: impl Fn(Fault) -> bool) -> Vec<Fault> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut taken: Vec<Fault> = Vec::new();
        waiting.retain(|fault| {
            let again = taken
                .iter()
                .any(|one| discriminant(one) == discriminant(fault));
            if again || !strikes(*fault) {
                return true;
            }
            taken.push(*fault);
            false
        });
        taken
    }
}
