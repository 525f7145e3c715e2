//! What the body of a request has to show to be let in: a file for each kind of proof.

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

/// A proof that is required of a request.
pub(super) trait Proof {
    /// The most bytes of body worth reading.
    fn body_limit(&self) -> usize;

    /// Why a body is refused that is longer.
    fn too_large(&self) -> RejectionKind;

    /// How many hashes over the body [`open`](Self::open) takes at most.
    fn keys(&self) -> usize {
        0
    }

    /// How long after the last byte a refusal is to be answered. None where nothing is decrypted before
    /// it is authentic: a refusal then says nothing that its sender does not know.
    fn refusal_delay(&self) -> Option<Duration> {
        None
    }

    /// Authenticates and parses a body of at most [`body_limit`](Self::body_limit) bytes.
    fn open(&self, body: &Bytes) -> Result<Opened, RejectionKind>;
}
