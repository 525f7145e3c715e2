//! What a worker holds of a claimed event.

/// Identifies one claim of an event: the number of the event, and a random number that each claim draws anew.
///
/// A store accepts an [extension](crate::Store::extend) or a [settlement](crate::Store::settle) only with the fence
/// of the current claim. The random part distinguishes claims: the numbers of attempts repeat when a database loses
/// the commit of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fence {
    seq: u64,
    nonce: u64,
}

impl Fence {
    /// Draws a fence for a claim of the event with this number.
    #[must_use]
    pub fn draw(seq: u64) -> Self {
        let nonce = fastrand::u64(..);
        Self { seq, nonce }
    }

    /// Restores a fence from its stored parts.
    #[must_use]
    pub fn from_parts(seq: u64, nonce: u64) -> Self {
        Self { seq, nonce }
    }

    /// The number of the event in its store.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// The random part.
    #[must_use]
    pub fn nonce(&self) -> u64 {
        self.nonce
    }
}
