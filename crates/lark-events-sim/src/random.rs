//! Random choices of the platform: ids, nonces, tickets, and the connection of an event. A seed
//! repeats them, as long as they happen in the same order.

use std::sync::Mutex;

use crate::shared::locked;

pub(crate) struct Random(Mutex<fastrand::Rng>);

impl Random {
    pub(crate) fn new(seed: Option<u64>) -> Self {
        let rng = seed.map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed);
        Self(Mutex::new(rng))
    }

    pub(crate) fn with<T>(&self, draw: impl FnOnce(&mut fastrand::Rng) -> T) -> T {
        draw(&mut locked(&self.0))
    }

    /// As many hexadecimal digits as two times `bytes`.
    pub(crate) fn hex(&self, bytes: usize) -> String {
        (0..bytes)
            .map(|_| format!("{:02x}", self.with(|rng| rng.u8(..))))
            .collect()
    }

    /// In the form of a UUID.
    pub(crate) fn uuid(&self) -> String {
        let hex = self.hex(16);
        let parts = [
            &hex[..8],
            &hex[8..12],
            &hex[12..16],
            &hex[16..20],
            &hex[20..],
        ];
        parts.join("-")
    }

    pub(crate) fn below(&self, end: usize) -> usize {
        self.with(|rng| rng.usize(..end))
    }
}
