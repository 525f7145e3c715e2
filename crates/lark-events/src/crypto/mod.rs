//! The platform's cryptography: the cipher of the encrypted wrapper and the two request signatures.
//!
//! No I/O and no clock; each secret derives its keys once.

mod cipher;
mod signature;

pub(crate) use cipher::{BodyKey, unpadded};
pub use cipher::{CipherError, CipherErrorKind};
pub(crate) use signature::{Digest, SignatureHeaders};
pub use signature::{SIGNATURE_HEADER, SIGNATURE_NONCE_HEADER, SIGNATURE_TIMESTAMP_HEADER};
