//! Reports events without a handler: a warning for the first of each type, then a count.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tracing::{debug, warn};

use super::dispatcher::UnhandledPolicy;

/// The maximum number of types that each dispatcher counts. The catalogue has fewer; events of further
/// types are reported at DEBUG only.
const MAX_TYPES: usize = 1_024;

/// The number of events of each type that came without a handler.
#[derive(Debug, Default)]
pub(crate) struct UnhandledTypes(Mutex<HashMap<String, u64>>);

impl UnhandledTypes {
    /// Reports an event in the current span, which identifies it.
    pub(crate) fn report(&self, event_type: &str, policy: UnhandledPolicy) {
        let answer = match policy {
            UnhandledPolicy::Fail => "failed",
            UnhandledPolicy::Acknowledge => "acknowledged",
        };
        match self.count(event_type) {
            Some(1) => warn!(
                answer,
                "no handler; further events of this type are logged at DEBUG"
            ),
            Some(count) => debug!(answer, count, "no handler"),
            None => debug!(answer, "no handler"),
        }
    }

    /// Counts an event; `None` if too many types are counted already.
    fn count(&self, event_type: &str) -> Option<u64> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(event_type) {
            *count = count.saturating_add(1);
            return Some(*count);
        }
        if counts.len() >= MAX_TYPES {
            return None;
        }
        counts.insert(event_type.to_owned(), 1);
        Some(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_type_is_counted_and_types_are_bounded() {
        let types = UnhandledTypes::default();
        assert_eq!(types.count("a_v1"), Some(1));
        assert_eq!(types.count("b_v1"), Some(1));
        assert_eq!(types.count("a_v1"), Some(2));
        for number in 2..MAX_TYPES {
            assert_eq!(types.count(&format!("x_{number}_v1")), Some(1));
        }
        assert_eq!(types.count("one_too_many_v1"), None);
        assert_eq!(types.count("a_v1"), Some(3));
    }
}
