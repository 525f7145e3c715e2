//! The opener of the old card callback, for a separate URL. It is a separate type, so that its weaker
//! rule never mixes with that of [`Webhook`](crate::Webhook).

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;

use super::admission::Admission;
use super::build_error::{WebhookBuildError, WebhookBuildErrorKind};
use super::builder::WebhookBuilder;
use super::opened::Opened;
use super::rejection::Rejection;
use super::settings::Settings;

/// Opens requests of the old card callback (`card.action.trigger_v1`), at its own URL. Build it with
/// [`WebhookBuilder::build_old_card`](crate::webhook::WebhookBuilder::build_old_card).
///
/// A request with signature headers must have all three well-formed, matching and fresh. A request
/// without them is accepted only if it is exactly a URL check whose token matches.
///
/// ```
/// use http::HeaderMap;
/// use lark_events::{Opened, Webhook};
///
/// let webhook = Webhook::builder().verification_token("v-token").build_old_card()?;
/// let check = r#"{"type":"url_verification","token":"v-token","challenge":"abc"}"#;
/// assert!(matches!(webhook.open(&HeaderMap::new(), check.into())?, Opened::Challenge(_)));
///
/// let unsigned = r#"{"open_id":"ou_1","action":{"tag":"button"}}"#;
/// assert!(webhook.open(&HeaderMap::new(), unsigned.into()).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct OldCardWebhook {
    settings: Arc<Settings>,
}

impl WebhookBuilder {
    /// Builds the opener of the old card callback.
    ///
    /// # Errors
    ///
    /// [`WebhookBuildError`] as for [`build`](Self::build), and when no Verification Token or an
    /// Encrypt Key is set: the old card callback is signed with the token and never encrypted.
    pub fn build_old_card(self) -> Result<OldCardWebhook, WebhookBuildError> {
        let settings = self.checked()?;
        if !settings.encrypt_keys.is_empty() {
            return Err(WebhookBuildError::new(
                WebhookBuildErrorKind::NeverEncrypted,
            ));
        }
        Ok(OldCardWebhook { settings })
    }
}

impl OldCardWebhook {
    /// Checks the headers, before any byte of the body is read.
    ///
    /// # Errors
    ///
    /// [`Rejection`] when the signature headers are incomplete or malformed.
    pub fn admit<'h>(&self, headers: &'h HeaderMap) -> Result<Admission<'h>, Rejection> {
        Admission::of_old_card(Arc::clone(&self.settings), headers)
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
