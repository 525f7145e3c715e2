//! What requests are checked against, and the checks that both openers make.

use std::time::{Duration, SystemTime};

use super::freshness::{Freshness, Window};
use super::{Challenge, MAX_UNSIGNED_BYTES, RejectionReason};
use crate::credentials::{EncryptKey, VerificationToken};
use crate::event::{Delivery, UrlCheck};

/// The secrets, limits and clock of one webhook.
#[derive(Debug)]
pub(crate) struct Settings {
    /// The app whose these are, if it is to be checked.
    pub(crate) app_id: Option<String>,
    pub(crate) encrypt_keys: Vec<EncryptKey>,
    pub(crate) verification_tokens: Vec<VerificationToken>,
    pub(crate) freshness: Freshness,
    pub(crate) answers_url_checks: bool,
    pub(crate) max_event_bytes: usize,
}

impl Settings {
    /// The most that is read of a body that is unsigned and should be signed.
    pub(crate) fn max_unsigned_bytes(&self) -> usize {
        MAX_UNSIGNED_BYTES.min(self.max_event_bytes)
    }

    /// Whether the token is one of ours.
    pub(crate) fn knows(&self, token: &str) -> bool {
        let mut tokens = self.verification_tokens.iter();
        tokens.any(|known| known.matches(token))
    }

    /// Whether the token is one of ours, or none is configured.
    pub(crate) fn token_matches(&self, token: Option<&str>) -> bool {
        self.verification_tokens.is_empty() || token.is_some_and(|token| self.knows(token))
    }

    /// The time now, if a signature of `timestamp` counts at it.
    pub(crate) fn fresh(&self, timestamp: &str) -> Result<SystemTime, RejectionReason> {
        let now = self.freshness.now();
        let accepted = self.freshness.accepts(timestamp, now);
        accepted.then_some(now).ok_or(RejectionReason::Timestamp)
    }

    /// Makes a delivery this app's, unless it names another app.
    pub(crate) fn own(&self, delivery: &mut Delivery) -> Result<(), RejectionReason> {
        let Some(own) = &self.app_id else {
            return Ok(());
        };
        let app_id = &mut delivery.header.app_id;
        if app_id.is_empty() {
            app_id.clone_from(own);
        }
        (app_id == own)
            .then_some(())
            .ok_or(RejectionReason::ForeignApp)
    }

    /// How long a request that was signed can be sent again; see [`Delivery::replayable_for`].
    pub(crate) fn replayable_for(&self) -> Option<Duration> {
        self.freshness.window.map(Window::length)
    }

    /// The challenge of a document that is a URL check with a token of ours.
    pub(crate) fn url_check(&self, document: &[u8]) -> Option<Challenge> {
        let check = UrlCheck::parse(std::str::from_utf8(document).ok()?)?;
        let known = self.knows(&check.token);
        known.then(|| Challenge::parse(&check.challenge))?
    }
}
