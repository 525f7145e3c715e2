//! What can go wrong, on demand.

mod name;

use std::mem::discriminant;
use std::ops::Range;
use std::sync::Mutex;
use std::time::Duration;

pub use self::name::ParseFaultError;
use crate::random::Random;
use crate::shared::locked;

/// HTTP statuses of final responses.
const STATUSES: Range<u16> = 200..600;

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
    /// The fragments of the next fragmented event come with this time between them, instead of the
    /// platform's [gap](crate::PlatformBuilder::fragment_gap): other frames come in between. At 0 they
    /// come back to back, and clients that hand each frame to a thread of its own lose some.
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
            assert!(STATUSES.contains(&status), "a status from 200 to 599");
        }
    }
}

/// The faults that have not happened yet, and those that happen again and again.
pub(crate) struct Faults {
    kept: Mutex<Kept>,
    random: Random,
}

#[derive(Default)]
struct Kept {
    waiting: Vec<Fault>,
    /// Each with its probability.
    lasting: Vec<(Fault, f64)>,
}

impl Faults {
    pub(crate) fn new(random: Random) -> Self {
        let kept = Mutex::default();
        Self { kept, random }
    }

    #[track_caller]
    pub(crate) fn inject(&self, fault: Fault) {
        fault.check();
        locked(&self.kept).waiting.push(fault);
    }

    #[track_caller]
    pub(crate) fn inject_lasting(&self, fault: Fault, probability: f64) {
        fault.check();
        assert!(
            (0.0..=1.0).contains(&probability),
            "a probability from 0 to 1"
        );
        locked(&self.kept).lasting.push((fault, probability));
    }

    pub(crate) fn clear(&self) -> Vec<Fault> {
        std::mem::take(&mut *locked(&self.kept)).waiting
    }

    /// Takes the first that `strikes`.
    pub(crate) fn take(&self, strikes: impl Fn(Fault) -> bool) -> Option<Fault> {
        let mut kept = locked(&self.kept);
        if let Some(place) = kept.waiting.iter().position(|fault| strikes(*fault)) {
            return Some(kept.waiting.remove(place));
        }
        self.drawn(&kept.lasting).find(|fault| strikes(*fault))
    }

    /// Takes the first of each kind that `strikes`, as far as they can happen together.
    pub(crate) fn take_each(&self, strikes: impl Fn(Fault) -> bool) -> Vec<Fault> {
        let mut taken: Vec<Fault> = Vec::new();
        let mut take = |fault: &Fault| {
            let apart =
                |one: &Fault| discriminant(one) == discriminant(fault) || one.excludes(*fault);
            let is_taken = !taken.iter().any(apart) && strikes(*fault);
            if is_taken {
                taken.push(*fault);
            }
            is_taken
        };
        let mut kept = locked(&self.kept);
        kept.waiting.retain(|fault| !take(fault));
        self.drawn(&kept.lasting).for_each(|fault| {
            take(&fault);
        });
        taken
    }

    /// Those of the lasting ones whose turn it is.
    fn drawn(&self, lasting: &[(Fault, f64)]) -> impl Iterator<Item = Fault> {
        let its_turn = |probability: f64| self.random.with(|rng| rng.f64() < probability);
        let drawn =
            move |(fault, probability): &(Fault, f64)| its_turn(*probability).then_some(*fault);
        lasting.iter().filter_map(drawn)
    }
}
