//! What a worker holds of a claimed event.

/// The claim of one event: its number in the store, and a random number that every claim draws anew.
///
/// A store accepts an [extension](crate::Store::extend) or a [settlement](crate::Store::settle) only
/// with the fence of the current claim. The random part is what tells two claims apart: attempt numbers
/// repeat when a database loses the commit of a claim.
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

    /// The fence with both parts, as a store has kept them.
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
