//! The faults of a platform that can still happen.

use std::fmt;
use std::str::FromStr;

use super::{Fault, Faults, ParseFaultError};
use crate::shared::locked;

/// A fault that can still happen: [`Platform::faults`](crate::Platform::faults).
///
/// ```
/// use lark_events_sim::{Fault, InjectedFault};
///
/// assert_eq!("lose-answer".parse(), Ok(InjectedFault::once(Fault::LoseAnswer)));
/// let lasting = InjectedFault::lasting(Fault::Disconnect, 0.1);
/// assert_eq!(lasting.to_string(), "disconnect@0.1");
/// assert_eq!("disconnect@0.1".parse(), Ok(lasting));
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct InjectedFault {
    /// The fault.
    pub fault: Fault,
    /// How likely it is at each opportunity, from 0 to 1; `None` if it happens once, at the next opportunity.
    pub probability: Option<f64>,
}

impl InjectedFault {
    /// A fault that happens once, at the next opportunity.
    #[must_use]
    pub const fn once(fault: Fault) -> Self {
        let probability = None;
        Self { fault, probability }
    }

    /// A fault that happens at each opportunity with this probability, from 0 to 1.
    #[must_use]
    pub const fn lasting(fault: Fault, probability: f64) -> Self {
        let probability = Some(probability);
        Self { fault, probability }
    }
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

/// Parses the text that [`Display`](fmt::Display) writes. A missing value of the fault has the default of
/// [`Fault`].
impl FromStr for InjectedFault {
    type Err = ParseFaultError;

    fn from_str(text: &str) -> Result<Self, ParseFaultError> {
        let Some((name, probability)) = text.split_once('@') else {
            return text.parse().map(Self::once);
        };
        let fault = name.parse()?;
        let probability = probability.parse().ok();
        let probability = probability.filter(|number| (0.0..=1.0).contains(number));
        let probability = probability.ok_or_else(|| ParseFaultError::probability(text))?;
        Ok(Self::lasting(fault, probability))
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_injected_fault_is_read_as_it_is_written() {
        let delay = Fault::Delay(Duration::from_secs(2));
        for (text, injected) in [
            ("lose-answer", InjectedFault::once(Fault::LoseAnswer)),
            ("delay:2s@0.1", InjectedFault::lasting(delay, 0.1)),
            ("close@0", InjectedFault::lasting(Fault::Close, 0.0)),
            ("close@1", InjectedFault::lasting(Fault::Close, 1.0)),
        ] {
            assert_eq!(text.parse(), Ok(injected));
            assert_eq!(injected.to_string(), text);
        }
        for (text, expected) in [
            ("close@1.1", "a probability from 0 to 1"),
            ("close@-1", "a probability from 0 to 1"),
            ("close@NaN", "a probability from 0 to 1"),
            ("close@", "a probability from 0 to 1"),
            ("tea@0.1", "unknown fault tea"),
            ("close:1@0.1", "no value"),
        ] {
            let error = text.parse::<InjectedFault>().unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
