//! A request between its headers and its body: decides which proof the body must give, and how much of
//! the body to read.

use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;

use super::candidates::Candidates;
use super::opened::Opened;
#[cfg(feature = "old-card")]
use super::proof::OldCard;
use super::proof::{EncryptedUrlCheck, Proof, Signature, Token};
use super::rejection::{Rejection, RejectionKind};
use crate::crypto::SignatureHeaders;

/// A request whose headers are accepted, so that its body may be read up to a limit.
#[derive(Debug)]
pub struct Admission<'h> {
    required: Required<'h>,
}

/// The proof that the body must give.
#[derive(Debug)]
enum Required<'h> {
    /// An Encrypt Key is set and the request claims to be signed.
    Signature(Signature<'h>),
    /// An Encrypt Key is set and the request is unsigned: only a URL check is acceptable.
    EncryptedUrlCheck(EncryptedUrlCheck),
    /// No Encrypt Key is set.
    Token(Token),
    /// The request came to the URL of the old card callback.
    #[cfg(feature = "old-card")]
    OldCard(OldCard<'h>),
}

impl<'h> Admission<'h> {
    pub(super) fn of(candidates: Candidates, headers: &'h HeaderMap) -> Result<Self, Rejection> {
        let required = match candidates {
            Candidates::One(settings) if settings.encrypt_keys.is_empty() => {
                Required::Token(Token { settings })
            }
            candidates => match signature(headers)? {
                Some(headers) => Required::Signature(Signature {
                    candidates,
                    headers,
                }),
                None => Required::EncryptedUrlCheck(EncryptedUrlCheck { candidates }),
            },
        };
        Ok(Self { required })
    }

    #[cfg(feature = "old-card")]
    pub(super) fn of_old_card(
        settings: std::sync::Arc<super::settings::Settings>,
        headers: &'h HeaderMap,
    ) -> Result<Self, Rejection> {
        let headers = signature(headers)?;
        let required = Required::OldCard(OldCard { settings, headers });
        Ok(Self { required })
    }

    fn proof(&self) -> &dyn Proof {
        match &self.required {
            Required::Signature(proof) => proof,
            Required::EncryptedUrlCheck(proof) => proof,
            Required::Token(proof) => proof,
            #[cfg(feature = "old-card")]
            Required::OldCard(proof) => proof,
        }
    }

    /// The maximum number of body bytes to read.
    #[must_use]
    pub fn body_limit(&self) -> usize {
        self.proof().body_limit()
    }

    /// The rejection of a body longer than [`body_limit`](Self::body_limit).
    #[must_use]
    pub fn too_large(&self) -> Rejection {
        Rejection::new(self.proof().too_large())
    }

    /// The maximum number of hashes over the body in [`open`](Self::open): one for each key that may
    /// have signed it. This is the cost of a forged request.
    #[must_use]
    pub fn keys(&self) -> usize {
        self.proof().keys()
    }

    /// How long after the last byte of the body to answer a rejection by [`open`](Self::open):
    /// [`REFUSAL_DELAY`](crate::limits::REFUSAL_DELAY) if an unauthenticated body is decrypted, `None`
    /// otherwise. Take the time before `open`, and limit the number of requests that wait: at the
    /// limit, answer the status of [`too_large`](Self::too_large) at once and do not open the body.
    #[must_use]
    pub fn refusal_delay(&self) -> Option<Duration> {
        self.proof().refusal_delay()
    }

    /// Authenticates and parses the body.
    ///
    /// # Errors
    ///
    /// [`Rejection`], with the status to answer after [`refusal_delay`](Self::refusal_delay).
    pub fn open(self, body: Bytes) -> Result<Opened, Rejection> {
        let proof = self.proof();
        if body.len() > proof.body_limit() {
            return Err(self.too_large());
        }
        proof.open(&body).map_err(Rejection::new)
    }
}

/// The signature that the headers of a request claim.
fn signature<const N: usize>(
    headers: &HeaderMap,
) -> Result<Option<SignatureHeaders<'_, N>>, Rejection> {
    SignatureHeaders::parse(headers).map_err(|_| Rejection::new(RejectionKind::SignatureHeaders))
}
