//! What can go wrong, on demand.

use std::mem::discriminant;
use std::sync::Mutex;
use std::time::Duration;

use crate::shared::locked;

/// Something that goes wrong once, at the next thing that it can happen to:
/// [`Platform::inject`](crate::Platform::inject). Faults of one kind happen one after another.
/// Those of different kinds can happen to one attempt, unless one would hide the other, as a lost
/// event hides a garbage frame: then the later one waits for the next attempt. None happens to an
/// attempt that has nowhere to go.
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
    /// The next attempt is sent once more this much after it was sent, whatever the answer.
    Duplicate(Duration),
    /// The next attempt is held until one of another event has been sent, on a webhook answered, or
    /// for a second.
    Reorder,
    /// The next webhook request is signed by a clock that is this many seconds ahead, or behind
    /// where they are negative.
    ClockSkew(i64),

    /// Before the next event on a long connection comes a message that is none: no frame at all, a
    /// text, a frame without what the protocol requires, of a kind that nobody knows or of the old
    /// card scheme, a fragment of no possible place, or a pong whose settings are no JSON.
    GarbageFrame,
    /// The fragments of the next fragmented event come in a random order.
    ShuffleFragments,
    /// The fragments of the next fragmented event come one by one, with this time between them:
    /// other frames come in between.
    SpreadFragments(Duration),
    /// One fragment of the next fragmented event never comes.
    LoseFragment,
    /// One frame of the next event on a long connection comes twice.
    RepeatFragment,
    /// The long connection that gets the next event is cut right after it, without a Close.
    Disconnect,
    /// The long connection that gets the next event is closed right after it, in due form.
    Close,
    /// The long connection that would get the next event goes half-open: from then on nothing comes
    /// from it, not that event either, and nothing that it is sent counts.
    HalfOpen,
    /// The next long connection is accepted and half-open from its start.
    AcceptHalfOpen,
    /// The next call for an endpoint is answered with this code, and no address: 1 is busy,
    /// 1000040343 an internal error, both worth another try; others are the app's fault, but for 0,
    /// which is nonsense.
    Endpoint(i64),
    /// The next call for an endpoint is answered with this HTTP status, of 200 to 599, and no JSON.
    EndpointStatus(u16),
    /// The next call for an endpoint is never answered.
    EndpointSilent,
    /// The next upgrade is refused with this `Handshake-Status`, and a `Handshake-Autherrcode`
    /// unless that is 0: 403 is fatal, and 514 with 1000040350, too many connections.
    RefuseUpgrade(u16, i64),
    /// The next upgrade is answered with this HTTP status, of 200 to 599, and without the
    /// platform's headers, as something on the way might.
    UpgradeStatus(u16),
    /// The next upgrade is never answered.
    UpgradeSilent,
}

impl Fault {
    /// Whether it cannot be seen where `other` happens, or the other way round.
    fn excludes(self, other: Self) -> bool {
        let hides = |one: Self, other: Self| match one {
            // Nothing is sent.
            Self::LoseEvent | Self::HalfOpen => {
                !matches!(other, Self::Delay(_) | Self::Duplicate(_) | Self::Reorder)
            }
            // There is no answer to lose, or nothing to be cut after.
            Self::LoseFragment | Self::Disconnect | Self::Close => {
                matches!(other, Self::LoseAnswer | Self::Disconnect | Self::Close)
            }
            _ => false,
        };
        hides(self, other) || hides(other, self)
    }

    /// # Panics
    ///
    /// When it makes no sense.
    #[track_caller]
    fn check(self) {
        if let Self::EndpointStatus(status) | Self::UpgradeStatus(status) = self {
            assert!((200..600).contains(&status), "a status from 200 to 599");
        }
    }
}

/// The faults that have not happened yet.
#[derive(Default)]
pub(crate) struct Faults(Mutex<Vec<Fault>>);

impl Faults {
    #[track_caller]
    pub(crate) fn inject(&self, fault: Fault) {
        fault.check();
        locked(&self.0).push(fault);
    }

    pub(crate) fn clear(&self) -> Vec<Fault> {
        std::mem::take(&mut locked(&self.0))
    }

    /// Takes the first that `strikes`.
    pub(crate) fn take(&self, strikes: impl Fn(Fault) -> bool) -> Option<Fault> {
        let mut waiting = locked(&self.0);
        let place = waiting.iter().position(|fault| strikes(*fault))?;
        Some(waiting.remove(place))
    }

    /// Takes the first of each kind that `strikes`, as far as they can happen together.
    pub(crate) fn take_each(&self, strikes: impl Fn(Fault) -> bool) -> Vec<Fault> {
        let mut taken: Vec<Fault> = Vec::new();
        locked(&self.0).retain(|fault| {
            let apart =
                |one: &Fault| discriminant(one) == discriminant(fault) || one.excludes(*fault);
            if taken.iter().any(apart) || !strikes(*fault) {
                return true;
            }
            taken.push(*fault);
            false
        });
        taken
    }
}
