//! The signature over the raw body, with the Encrypt Key of one of the apps.

use std::sync::Arc;

use bytes::Bytes;

use super::Proof;
use crate::credentials::EncryptKey;
use crate::crypto::{CipherErrorKind, SignatureHeaders};
use crate::event::{Wrapper, sealed_in};
use crate::webhook::candidates::Candidates;
use crate::webhook::opened::Opened;
use crate::webhook::rejection::RejectionKind;
use crate::webhook::settings::Settings;

/// An Encrypt Key must have signed the body. Nothing is decrypted before.
#[derive(Debug)]
pub(in crate::webhook) struct Signature<'h> {
    pub(in crate::webhook) candidates: Candidates,
    pub(in crate::webhook) headers: SignatureHeaders<'h, 32>,
}

impl Proof for Signature<'_> {
    fn body_limit(&self) -> usize {
        let limits = self.candidates.all().iter().map(|app| app.max_event_bytes);
        limits.max().unwrap_or_default()
    }

    fn too_large(&self) -> RejectionKind {
        RejectionKind::TooLarge
    }

    fn keys(&self) -> usize {
        let keys = |settings: &Arc<Settings>| settings.encrypt_keys.len();
        self.candidates.all().iter().map(keys).sum()
    }

    fn open(&self, body: &Bytes) -> Result<Opened, RejectionKind> {
        let mut candidates = self.candidates.all().iter();
        let (settings, key) = candidates
            .find_map(|settings| {
                let mut keys = settings.encrypt_keys.iter();
                let key = keys.find(|key| self.headers.matches(key.as_bytes(), body))?;
                Some((settings, key))
            })
            .ok_or(RejectionKind::Signature)?;
        if body.len() > settings.max_event_bytes {
            return Err(RejectionKind::TooLarge);
        }
        let now = settings.fresh(self.headers.timestamp())?;

        let document = decrypted(key, body).ok_or(RejectionKind::Malformed)?;
        let mut opened = settings.read(&document, RejectionKind::Malformed, now)?;
        if let Opened::Delivery(delivery) = &mut opened {
            delivery.replayable_for = settings.replayable_for();
        }
        Ok(opened)
    }
}

/// The plain document of an authentic body. The body need not be encrypted: the signature authenticates
/// both forms.
fn decrypted(key: &EncryptKey, body: &Bytes) -> Option<Bytes> {
    if let Some(sealed) = sealed_in(body) {
        match key.open(sealed) {
            Err(error) if error.kind() == CipherErrorKind::Base64 => {} // perhaps more than one string
            opened => return opened.ok(),
        }
    }
    match Wrapper::parse(std::str::from_utf8(body).ok()?).ok()? {
        Some(sealed) => key.open(&*sealed).ok(),
        None => Some(body.clone()),
    }
}
