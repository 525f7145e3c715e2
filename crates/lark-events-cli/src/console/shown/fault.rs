//! A fault that is in effect.

use lark_events_sim::{InjectedFault, Platform};
use serde::Serialize;

#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct FaultShown {
    /// As it is typed: `lose-answer@0.1`.
    pub(crate) fault: String,
    /// From 0 to 1 at each opportunity; none for a fault that happens once.
    pub(crate) probability: Option<f64>,
}

impl From<&InjectedFault> for FaultShown {
    fn from(injected: &InjectedFault) -> Self {
        Self {
            fault: injected.to_string(),
            probability: injected.probability,
        }
    }
}

/// The faults in effect: those that happen once, then the lasting ones.
pub(crate) fn faults(platform: &Platform) -> Vec<FaultShown> {
    platform.faults().iter().map(FaultShown::from).collect()
}
