//! The handlers that run.

use std::collections::HashMap;

/// The running handlers, in the only list of them. They outlive the connection that received their
/// events.
#[derive(Debug, Default)]
pub(crate) struct Running {
    /// The size of each handler's event, by key.
    pub(super) handlers: HashMap<u64, usize>,
    pub(super) bytes: usize,
    pub(super) last_key: u64,
}

impl Running {
    /// The key of the next event.
    #[expect(clippy::arithmetic_side_effects, reason = "keys are given one by one")]
    pub(super) fn next_key(&mut self) -> u64 {
        self.last_key += 1;
        self.last_key
    }

    #[expect(clippy::arithmetic_side_effects, reason = "all of it is in memory")]
    pub(super) fn add(&mut self, key: u64, bytes: usize) {
        self.bytes += bytes;
        self.handlers.insert(key, bytes);
    }

    #[expect(clippy::arithmetic_side_effects, reason = "counted when it was added")]
    pub(crate) fn remove(&mut self, key: u64) {
        self.bytes -= self.handlers.remove(&key).unwrap_or(0);
    }
}
