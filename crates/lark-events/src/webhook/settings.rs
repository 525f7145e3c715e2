//! The settings to check requests against, and the checks that several proofs share.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use bytestring::ByteString;

use super::freshness::{Freshness, Window};
use super::opened::{Challenge, Opened};
use super::rejection::RejectionKind;
use crate::credentials::{EncryptKey, VerificationToken};
use crate::event::{Delivery, Document, Kind, Transport, UrlCheck};
use crate::limits::MAX_UNSIGNED_BYTES;

/// The secrets, limits and clock of one webhook.
#[derive(Debug)]
pub(super) struct Settings {
    /// The id of the app, if it is to be checked.
    pub(super) app_id: Option<String>,
    pub(super) encrypt_keys: Vec<EncryptKey>,
    pub(super) verification_tokens: Vec<VerificationToken>,
    pub(super) freshness: Freshness,
    pub(super) answers_url_checks: bool,
    pub(super) max_event_bytes: usize,
}

impl Settings {
    /// The maximum size of an unsigned body when a signature is expected.
    pub(super) fn max_unsigned_bytes(&self) -> usize {
        MAX_UNSIGNED_BYTES.min(self.max_event_bytes)
    }

    /// Whether the token is one of the app's.
    pub(super) fn knows(&self, token: &str) -> bool {
        let mut tokens = self.verification_tokens.iter();
        tokens.any(|known| known.matches(token))
    }

    /// Whether the token is one of the app's, or none is configured.
    pub(super) fn token_matches(&self, token: Option<&str>) -> bool {
        self.verification_tokens.is_empty() || token.is_some_and(|token| self.knows(token))
    }

    /// The current time, if a signature with `timestamp` is accepted now.
    pub(super) fn fresh(&self, timestamp: &str) -> Result<SystemTime, RejectionKind> {
        let now = self.freshness.now();
        let accepted = self.freshness.accepts(timestamp, now);
        accepted.then_some(now).ok_or(RejectionKind::Timestamp)
    }

    /// Assigns a delivery to this app, unless it names another app.
    pub(super) fn own(&self, delivery: &mut Delivery) -> Result<(), RejectionKind> {
        let Some(own) = &self.app_id else {
            return Ok(());
        };
        let app_id = delivery.header.app_id.get_or_insert_with(|| own.clone());
        (app_id == own)
            .then_some(())
            .ok_or(RejectionKind::ForeignApp)
    }

    /// How long a signed request can be replayed; see [`Delivery::replayable_for`].
    pub(super) fn replayable_for(&self) -> Option<Duration> {
        self.freshness.window.map(Window::length)
    }

    /// The challenge of a document that is a URL check with a token of the app.
    pub(super) fn url_check(&self, document: &[u8]) -> Option<Challenge> {
        let check = UrlCheck::parse(std::str::from_utf8(document).ok()?)?;
        let known = self.knows(&check.token);
        known.then(|| Challenge::parse(&check.challenge))?
    }

    /// Parses a plain document and checks its token. `unparsable` is the rejection of a text that is
    /// not a document.
    pub(super) fn read(
        &self,
        bytes: &Bytes,
        unparsable: RejectionKind,
        now: SystemTime,
    ) -> Result<Opened, RejectionKind> {
        let text = ByteString::try_from(bytes.clone()).map_err(|_| unparsable)?;
        let document = Document::parse(&text).map_err(|_| unparsable)?;
        if !self.token_matches(document.token()) {
            return Err(RejectionKind::Token);
        }
        if document.kind() == Kind::UrlCheck {
            let challenge = document.challenge.as_str().and_then(Challenge::parse);
            let challenge = challenge.ok_or(RejectionKind::Malformed)?;
            return Ok(Opened::Challenge(challenge));
        }
        let mut delivery = Delivery::from_document(&text, document, Transport::Webhook, now)
            .map_err(|_| RejectionKind::Malformed)?;
        self.own(&mut delivery)?;
        Ok(Opened::Delivery(delivery))
    }
}
