//! Faults on demand.

mod injected;
mod name;

use std::mem::discriminant;
use std::ops::Range;
use std::sync::Mutex;
use std::time::Duration;

pub use self::injected::InjectedFault;
pub use self::name::{ParseFaultError, ParseFaultErrorKind};
use crate::random::Random;
use crate::shared::locked;

/// HTTP statuses of final responses.
const STATUSES: Range<u16> = 200..600;

/// A fault that happens once, at the next opportunity: [`Platform::inject`](crate::Platform::inject). Faults of the
/// same kind happen one after another. Faults of different kinds can happen to the same attempt, unless one makes
/// the other pointless: a garbage frame waits for the next attempt if this event is lost. No fault happens to an
/// attempt without a webhook or connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The next attempt is lost on its way to the app: the platform gets no answer and times out.
    LoseEvent,
    /// The answer to the next attempt is lost on its way to the platform, which redelivers the
    /// handled event.
    LoseAnswer,
    /// The next attempt is sent after this delay.
    Delay(Duration),
    /// The next attempt is sent again after this time, regardless of the answer.
    Duplicate(Duration),
    /// The next attempt waits until an attempt of another event has been sent (to a webhook:
    /// answered), but at most a second.
    Reorder,
    /// The next webhook request is signed with a clock that is ahead by this number of seconds, or behind if it is
    /// negative.
    ClockSkew(i64),

    /// An invalid message precedes the next event on a long connection: bytes that are not a frame,
    /// a text message, a frame without required fields, of an unknown kind or of the old card
    /// scheme, a fragment with an impossible position, or a pong with settings that are not JSON.
    GarbageFrame,
    /// The fragments of the next fragmented event come in a random order.
    ShuffleFragments,
    /// The fragments of the next fragmented event come with this time between them, instead of the
    /// platform's [gap](crate::PlatformBuilder::fragment_gap), so that other frames come in
    /// between. At 0 they come back to back, and clients that handle each frame on a separate
    /// thread lose some.
    SpreadFragments(Duration),
    /// One fragment of the next fragmented event never comes.
    LoseFragment,
    /// One frame of the next event on a long connection comes twice.
    RepeatFragment,
    /// The long connection that gets the next event is cut right after it, without a Close.
    Disconnect,
    /// The long connection that gets the next event is closed right after it, with a Close.
    Close,
    /// The long connection chosen for the next event goes half-open: from then on it sends nothing,
    /// not even that event, and ignores everything that it receives.
    HalfOpen,
    /// The next long connection is accepted, and half-open from the start.
    AcceptHalfOpen,
    /// The next call for an endpoint is answered with this code, without an address. Clients should
    /// retry after 1 (busy) and 1000040343 (internal error). Other codes are errors of the app,
    /// except 0, which contradicts the missing address.
    Endpoint(i64),
    /// The next call for an endpoint is answered with this HTTP status, from 200 to 599, and no JSON.
    EndpointStatus(u16),
    /// The next call for an endpoint is never answered.
    EndpointSilent,
    /// The next upgrade is rejected with this `Handshake-Status`, and this `Handshake-Autherrcode`
    /// unless it is 0. 403 is a permanent failure, and so is 514 with 1000040350 (too many
    /// connections).
    RefuseUpgrade(u16, i64),
    /// The next upgrade is answered with this HTTP status, from 200 to 599, and without the
    /// platform's headers, as a proxy might answer.
    UpgradeStatus(u16),
    /// The next upgrade is never answered.
    UpgradeSilent,

    /// The next call of the API is answered with this HTTP status, from 200 to 599, and this code, and is
    /// not handled. 99991663 stands for a token that has expired, and does not happen to requests for tokens.
    Api(u16, i64),
    /// The next call of the API is beyond a rate limit: code 99991400 with this HTTP status, and the seconds
    /// of `x-ogw-ratelimit-reset`, if any.
    ApiLimit(u16, Option<u64>),
    /// The next call of the API is answered with this HTTP status, from 200 to 599, and no JSON, as a gateway
    /// might answer, and is not handled.
    ApiStatus(u16),
    /// The connection of the next call of the API is closed before the call is handled.
    ApiReset,
    /// The next call of the API is handled, and its connection is closed without the answer.
    ApiLoseAnswer,
    /// The next call of the API is not handled, and never answered.
    ApiSilent,
}

impl Fault {
    /// Whether one of the two faults hides the other.
    fn excludes(self, other: Self) -> bool {
        let hides = |one: Self, other: Self| match one {
            // Nothing is sent.
            Self::LoseEvent | Self::HalfOpen => {
                !matches!(other, Self::Delay(_) | Self::Duplicate(_) | Self::Reorder)
            }
            // Nothing answers the event, so that no answer can be lost, and the connection cannot be cut twice.
            Self::LoseFragment | Self::Disconnect | Self::Close => {
                matches!(other, Self::LoseAnswer | Self::Disconnect | Self::Close)
            }
            _ => false,
        };
        hides(self, other) || hides(other, self)
    }

    /// # Panics
    ///
    /// Panics on an invalid HTTP status.
    #[track_caller]
    fn check(self) {
        if let Self::EndpointStatus(status)
        | Self::UpgradeStatus(status)
        | Self::Api(status, _)
        | Self::ApiLimit(status, _)
        | Self::ApiStatus(status) = self
        {
            assert!(
                STATUSES.contains(&status),
                "expected a status from 200 to 599, got {status}"
            );
        }
    }
}

/// The faults that have not happened yet, and the lasting ones.
pub(crate) struct Faults {
    kept: Mutex<Kept>,
    random: Random,
}

#[derive(Default)]
struct Kept {
    waiting: Vec<Fault>,
    /// Lasting faults, with their probabilities.
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
            "expected a probability from 0 to 1, got {probability}"
        );
        locked(&self.kept).lasting.push((fault, probability));
    }

    pub(crate) fn clear(&self) -> Vec<Fault> {
        std::mem::take(&mut *locked(&self.kept)).waiting
    }

    /// Takes the first fault for which `strikes` is true.
    pub(crate) fn take(&self, strikes: impl Fn(Fault) -> bool) -> Option<Fault> {
        let mut kept = locked(&self.kept);
        if let Some(place) = kept.waiting.iter().position(|fault| strikes(*fault)) {
            return Some(kept.waiting.remove(place));
        }
        self.drawn(&kept.lasting).find(|fault| strikes(*fault))
    }

    /// Takes the first fault of each kind for which `strikes` is true, and leaves faults that another taken
    /// fault hides.
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

    /// Draws the lasting faults that happen now.
    fn drawn(&self, lasting: &[(Fault, f64)]) -> impl Iterator<Item = Fault> {
        let its_turn = |probability: f64| self.random.with(|rng| rng.f64() < probability);
        let drawn =
            move |(fault, probability): &(Fault, f64)| its_turn(*probability).then_some(*fault);
        lasting.iter().filter_map(drawn)
    }
}
