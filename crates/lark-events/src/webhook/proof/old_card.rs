//! The proof of the old card callback: plain, signed with SHA-1 over the Verification Token, without an
//! envelope. It is weaker than the others, and only accepted at the URL of that callback.

use std::sync::Arc;

use bytes::Bytes;
use bytestring::ByteString;
use serde::Deserialize;

use super::Proof;
use crate::crypto::SignatureHeaders;
use crate::event::{Delivery, EventHeader, OLD_CARD_CALLBACK, Text, Transport};
use crate::json::{RawJson, from_named};
use crate::webhook::opened::Opened;
use crate::webhook::rejection::RejectionKind;
use crate::webhook::settings::Settings;

/// Either a Verification Token signed the body, which is a card callback, or the body is a plain URL
/// check with that token.
#[derive(Debug)]
pub(in crate::webhook) struct OldCard<'h> {
    pub(in crate::webhook) settings: Arc<Settings>,
    pub(in crate::webhook) headers: Option<SignatureHeaders<'h, 20>>,
}

/// The fields of an old card callback outside its action.
#[derive(Deserialize)]
struct Flat<'a> {
    #[serde(borrow, default)]
    tenant_key: Text<'a>,
    /// Undocumented.
    #[serde(borrow, default)]
    app_id: Text<'a>,
}

impl Proof for OldCard<'_> {
    fn body_limit(&self) -> usize {
        match self.headers {
            Some(_) => self.settings.max_event_bytes,
            None => self.settings.max_unsigned_bytes(),
        }
    }

    fn too_large(&self) -> RejectionKind {
        match self.headers {
            Some(_) => RejectionKind::TooLarge,
            None => RejectionKind::Unsigned,
        }
    }

    fn keys(&self) -> usize {
        match self.headers {
            Some(_) => self.settings.verification_tokens.len(),
            None => 0,
        }
    }

    fn open(&self, body: &Bytes) -> Result<Opened, RejectionKind> {
        match &self.headers {
            Some(headers) => self.open_signed(headers, body),
            None if !self.settings.answers_url_checks => Err(RejectionKind::Unsigned),
            None => self
                .settings
                .url_check(body)
                .map(Opened::Challenge)
                .ok_or(RejectionKind::Unsigned),
        }
    }
}

impl OldCard<'_> {
    fn open_signed(
        &self,
        headers: &SignatureHeaders<'_, 20>,
        body: &Bytes,
    ) -> Result<Opened, RejectionKind> {
        let mut tokens = self.settings.verification_tokens.iter();
        if !tokens.any(|token| headers.matches(token.as_bytes(), body)) {
            return Err(RejectionKind::Signature);
        }
        let now = self.settings.fresh(headers.timestamp())?;
        if let Some(challenge) = self.settings.url_check(body) {
            return Ok(Opened::Challenge(challenge));
        }
        let text = ByteString::try_from(body.clone()).map_err(|_| RejectionKind::Malformed)?;
        let flat: Flat<'_> = from_named(&text).map_err(|_| RejectionKind::Malformed)?;
        let mut header = EventHeader::new(OLD_CARD_CALLBACK);
        header.tenant_key = flat.tenant_key.into_string();
        header.app_id = flat.app_id.into_string();
        let mut delivery = Delivery::new(header, RawJson::parsed(text));
        delivery.transport = Transport::Webhook;
        delivery.received_at = now;
        delivery.replayable_for = self.settings.replayable_for();
        self.settings.own(&mut delivery)?;
        Ok(Opened::Delivery(delivery))
    }
}
