//! The Verification Token in a plain document, for apps without an Encrypt Key.

use std::sync::Arc;

use bytes::Bytes;

use super::Proof;
use crate::webhook::opened::Opened;
use crate::webhook::rejection::RejectionKind;
use crate::webhook::settings::Settings;

/// The document must have a Verification Token of the app.
#[derive(Debug)]
pub(in crate::webhook) struct Token {
    pub(in crate::webhook) settings: Arc<Settings>,
}

impl Proof for Token {
    fn body_limit(&self) -> usize {
        self.settings.max_event_bytes
    }

    fn too_large(&self) -> RejectionKind {
        RejectionKind::TooLarge
    }

    /// Nothing is authentic before its token has matched, so a text that cannot be parsed counts as
    /// failed authentication.
    fn open(&self, body: &Bytes) -> Result<Opened, RejectionKind> {
        let now = self.settings.freshness.now();
        match self.settings.read(body, RejectionKind::Token, now)? {
            Opened::Challenge(_) if !self.settings.answers_url_checks => {
                Err(RejectionKind::Unsigned)
            }
            opened => Ok(opened),
        }
    }
}
