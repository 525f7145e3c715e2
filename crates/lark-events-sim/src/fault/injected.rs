//! The faults of a platform that can still happen.

use std::fmt;

use super::{Fault, Faults};
use crate::shared::locked;

/// A fault that can still happen: [`Platform::faults`](crate::Platform::faults).
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct InjectedFault {
    /// The fault.
    pub fault: Fault,
    /// How likely it is at each opportunity, from 0 to 1; `None` if it happens once, at the next opportunity.
    pub probability: Option<f64>,
}

/// Writes the fault like [`Fault`], then `@` and the probability, if it has one: `lose-answer`,
/// `disconnect@0.1`.
impl fmt::Display for InjectedFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fault.fmt(f)?;
        match self.probability {
            Some(probability) => write!(f, "@{probability}"),
            None => Ok(()),
        }
    }
}

impl Faults {
    /// The faults that happen once, then the lasting ones.
    pub(crate) fn injected(&self) -> Vec<InjectedFault> {
        let kept = locked(&self.kept);
        let once = kept.waiting.iter().map(|fault| (*fault, None));
        let lasting = kept.lasting.iter();
        let lasting = lasting.map(|(fault, probability)| (*fault, Some(*probability)));
        let injected = |(fault, probability)| InjectedFault { fault, probability };
        once.chain(lasting).map(injected).collect()
    }

    /// Removes the first such fault, and returns whether there was one.
    pub(crate) fn remove(&self, injected: &InjectedFault) -> bool {
        let InjectedFault { fault, probability } = *injected;
        let mut kept = locked(&self.kept);
        let Some(probability) = probability else {
            let place = kept.waiting.iter().position(|one| *one == fault);
            return place.map(|place| kept.waiting.remove(place)).is_some();
        };
        let place = kept
            .lasting
            .iter()
            .position(|one| *one == (fault, probability));
        place.map(|place| kept.lasting.remove(place)).is_some()
    }
}
