//! The proofs that the body of a request can give, one per file.

mod encrypted_url_check;
#[cfg(feature = "old-card")]
mod old_card;
mod scan;
mod signature;
mod token;

use std::time::Duration;

use bytes::Bytes;

pub(super) use self::encrypted_url_check::EncryptedUrlCheck;
#[cfg(feature = "old-card")]
pub(super) use self::old_card::OldCard;
pub(super) use self::signature::Signature;
pub(super) use self::token::Token;
use super::opened::Opened;
use super::rejection::RejectionKind;

/// A proof that a request must give.
pub(super) trait Proof {
    /// The maximum number of body bytes to read.
    fn body_limit(&self) -> usize;

    /// The rejection of a longer body.
    fn too_large(&self) -> RejectionKind;

    /// The maximum number of hashes over the body in [`open`](Self::open).
    fn keys(&self) -> usize {
        0
    }

    /// How long after the last byte to answer a rejection. `None` if nothing is decrypted before it is
    /// authentic: the rejection then reveals nothing new to its sender.
    fn refusal_delay(&self) -> Option<Duration> {
        None
    }

    /// Authenticates and parses a body of at most [`body_limit`](Self::body_limit) bytes.
    fn open(&self, body: &Bytes) -> Result<Opened, RejectionKind>;
}
