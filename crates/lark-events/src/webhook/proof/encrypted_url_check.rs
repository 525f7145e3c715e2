//! The only request that may be unsigned when an Encrypt Key is set: an encrypted URL check.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::Proof;
use crate::credentials::EncryptKey;
use crate::event::Wrapper;
use crate::limits::REFUSAL_DELAY;
use crate::webhook::candidates::Candidates;
use crate::webhook::opened::{Challenge, Opened};
use crate::webhook::rejection::RejectionKind;
use crate::webhook::settings::Settings;

/// The body must be a URL check that is encrypted for one of the apps and has a token of that app.
#[derive(Debug)]
pub(in crate::webhook) struct EncryptedUrlCheck {
    pub(in crate::webhook) candidates: Candidates,
}

impl Proof for EncryptedUrlCheck {
    fn body_limit(&self) -> usize {
        let limit = |settings: &Arc<Settings>| settings.max_unsigned_bytes();
        let limits = self.candidates.all().iter().map(limit);
        limits.max().unwrap_or_default()
    }

    fn too_large(&self) -> RejectionKind {
        RejectionKind::Unsigned
    }

    fn refusal_delay(&self) -> Option<Duration> {
        Some(REFUSAL_DELAY)
    }

    fn open(&self, body: &Bytes) -> Result<Opened, RejectionKind> {
        let challenge = self.challenge(body).map(Opened::Challenge);
        challenge.ok_or(RejectionKind::Unsigned)
    }
}

impl EncryptedUrlCheck {
    /// Every key runs the same steps for any plaintext, and every failure is the same `None`.
    fn challenge(&self, body: &Bytes) -> Option<Challenge> {
        let sealed = Wrapper::parse(std::str::from_utf8(body).ok()?).ok()??;
        let open = |settings: &Arc<Settings>| {
            if !settings.answers_url_checks || settings.verification_tokens.is_empty() {
                return None;
            }
            let open = |key: &EncryptKey| {
                let plaintext = key.decrypt_unauthenticated(&sealed).ok()?;
                settings.unauthenticated_url_check(&plaintext)
            };
            settings.encrypt_keys.iter().find_map(open)
        };
        self.candidates.all().iter().find_map(open)
    }
}
