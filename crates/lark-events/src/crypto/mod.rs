//! The platform's cryptography: the cipher of the encrypted wrapper and the two request signatures.
//!
//! Nothing here does I/O or reads a clock; keys are derived once, when a secret is made.

mod cipher;
mod signature;

pub(crate) use cipher::{BodyKey, unpadded};
pub use cipher::{CipherError, CipherErrorKind};
pub(crate) use signature::{Digest, SignatureHeaders};
pub use signature::{SIGNATURE_HEADER, SIGNATURE_NONCE_HEADER, SIGNATURE_TIMESTAMP_HEADER};
