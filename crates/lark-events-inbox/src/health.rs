//! Logs that a store fails: the first failure of a series, and its end.

use std::error::Error;
use std::sync::atomic::{AtomicBool, Ordering};

use tracing::{error, info};

use crate::store::StoreError;

/// Whether the last call of one kind failed.
#[derive(Debug)]
pub(crate) struct Health {
    is_failing: AtomicBool,
    /// What a failure means for events.
    consequence: &'static str,
}

impl Health {
    pub(crate) fn new(consequence: &'static str) -> Self {
        Self {
            is_failing: AtomicBool::new(false),
            consequence,
        }
    }

    pub(crate) fn report<T>(&self, result: &Result<T, StoreError>) {
        let failure = result.as_ref().err();
        let was_failing = self.is_failing.swap(failure.is_some(), Ordering::Relaxed);
        let consequence = self.consequence;
        match failure {
            Some(failure) if !was_failing => {
                let error = failure as &dyn Error;
                error!(error, consequence, "the store fails");
            }
            None if was_failing => info!("the store works again"),
            _ => {}
        }
    }
}
