//! Opening the card callback of the old scheme: plain, signed with SHA-1 over the Verification
//! Token, without an envelope. It has its own opener so that its weaker rule never mixes with that
//! of [`Webhook`](crate::Webhook).

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use serde::Deserialize;

use super::{Opened, Rejection, RejectionReason, Settings, WebhookBuildError, WebhookBuilder};
use crate::callback::CardActionTriggerV1;
use crate::crypto::SignatureHeaders;
use crate::event::{Delivery, EventHeader, EventType, Text, Transport};
use crate::json::{RawJson, from_named};

/// Opens requests of the old card callback (`card.action.trigger_v1`), for its own URL. Built with
/// [`WebhookBuilder::build_card_v1`](crate::WebhookBuilder::build_card_v1).
///
/// The rule: a request with signature headers must have all three well-formed, matching and fresh; a
/// request without any is accepted only if it is exactly a URL check whose token matches.
///
/// ```
/// use http::HeaderMap;
/// use lark_events::{Opened, Webhook};
///
/// let webhook = Webhook::builder().verification_token("v-token").build_card_v1()?;
/// let check = r#"{"type":"url_verification","token":"v-token","challenge":"abc"}"#;
/// assert!(matches!(webhook.open(&HeaderMap::new(), check.into())?, Opened::Challenge(_)));
///
/// let unsigned = r#"{"open_id":"ou_1","action":{"tag":"button"}}"#;
/// assert!(webhook.open(&HeaderMap::new(), unsigned.into()).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct CardWebhook {
    settings: Arc<Settings>,
}

impl WebhookBuilder {
    /// Builds the opener of the old card callback instead.
    ///
    /// # Errors
    ///
    /// [`WebhookBuildError`] as for [`build`](Self::build), and when there is no Verification Token
    /// or an Encrypt Key: the old card callback is signed with the one and never encrypted.
    pub fn build_card_v1(self) -> Result<CardWebhook, WebhookBuildError> {
        let settings = self.checked()?;
        if !settings.encrypt_keys.is_empty() {
            return Err(WebhookBuildError::NeverEncrypted);
        }
        Ok(CardWebhook { settings })
    }
}

impl CardWebhook {
    /// Judges the headers alone, before a byte of the body is read.
    ///
    /// # Errors
    ///
    /// [`Rejection`] when the signature headers are there but not well-formed.
    pub fn admit<'h>(&self, headers: &'h HeaderMap) -> Result<CardAdmission<'h>, Rejection> {
        let signature = SignatureHeaders::parse(headers)
            .map_err(|_| Rejection::new(RejectionReason::SignatureHeaders))?;
        Ok(CardAdmission {
            settings: Arc::clone(&self.settings),
            signature,
        })
    }

    /// Opens a whole request.
    ///
    /// # Errors
    ///
    /// [`Rejection`], with the status to answer.
    pub fn open(&self, headers: &HeaderMap, body: Bytes) -> Result<Opened, Rejection> {
        self.admit(headers)?.open(body)
    }
}

/// A request whose headers allow its body to be read, up to a limit.
#[derive(Debug)]
pub struct CardAdmission<'h> {
    settings: Arc<Settings>,
    signature: Option<SignatureHeaders<'h, 20>>,
}

/// What an old card callback tells about itself outside its action.
#[derive(Deserialize)]
struct Flat<'a> {
    #[serde(borrow, default)]
    tenant_key: Text<'a>,
    /// No page documents it.
    #[serde(borrow, default)]
    app_id: Text<'a>,
}

impl CardAdmission<'_> {
    /// The most bytes of body worth reading.
    #[must_use]
    pub fn body_limit(&self) -> usize {
        match self.signature {
            Some(_) => self.settings.max_event_bytes,
            None => self.settings.max_unsigned_bytes(),
        }
    }

    /// The rejection of a body longer than [`body_limit`](Self::body_limit).
    #[must_use]
    pub fn too_large(&self) -> Rejection {
        Rejection::new(match self.signature {
            Some(_) => RejectionReason::TooLarge,
            None => RejectionReason::Unsigned,
        })
    }

    /// How many hashes over the body [`open`](Self::open) takes at most: one for each key that may have
    /// signed it. That is the cost of a forged request.
    #[must_use]
    pub fn keys(&self) -> usize {
        match self.signature {
            Some(_) => self.settings.verification_tokens.len(),
            None => 0,
        }
    }

    /// None: nothing is encrypted, so a refusal says nothing that its sender does not know.
    #[must_use]
    pub fn refusal_delay(&self) -> Option<Duration> {
        None
    }

    /// Authenticates and parses the body.
    ///
    /// # Errors
    ///
    /// [`Rejection`], with the status to answer.
    pub fn open(self, body: Bytes) -> Result<Opened, Rejection> {
        if body.len() > self.body_limit() {
            return Err(self.too_large());
        }
        let opened = match &self.signature {
            Some(signature) => self.open_signed(signature, body),
            None if !self.settings.answers_url_checks => Err(RejectionReason::Unsigned),
            None => self
                .settings
                .url_check(&body)
                .map(Opened::Challenge)
                .ok_or(RejectionReason::Unsigned),
        };
        opened.map_err(Rejection::new)
    }

    fn open_signed(
        &self,
        signature: &SignatureHeaders<'_, 20>,
        body: Bytes,
    ) -> Result<Opened, RejectionReason> {
        let mut tokens = self.settings.verification_tokens.iter();
        if !tokens.any(|token| signature.matches(token.as_bytes(), &body)) {
            return Err(RejectionReason::Signature);
        }
        let now = self.settings.fresh(signature.timestamp())?;
        if let Some(challenge) = self.settings.url_check(&body) {
            return Ok(Opened::Challenge(challenge));
        }
        let text = std::str::from_utf8(&body).map_err(|_| RejectionReason::Malformed)?;
        let flat: Flat<'_> = from_named(text).map_err(|_| RejectionReason::Malformed)?;
        let mut header = EventHeader::new(CardActionTriggerV1::EVENT_TYPE);
        header.tenant_key = flat.tenant_key.into_string();
        header.app_id = flat.app_id.into_string();
        let mut delivery = Delivery::new(header, RawJson::parsed(body));
        delivery.transport = Transport::Webhook;
        delivery.received_at = now;
        delivery.replayable_for = self.settings.replayable_for();
        self.settings.own(&mut delivery)?;
        Ok(Opened::Delivery(delivery))
    }
}
