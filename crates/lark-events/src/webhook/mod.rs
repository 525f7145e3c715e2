//! Opening the platform's requests: headers and bytes in, a challenge, a delivery or a rejection out.
//! No I/O, and the clock is injected.
//!
//! # The rule
//!
//! With an Encrypt Key:
//!
//! 1. If any signature header is present, all three must be well-formed and match the raw body. Nothing
//!    is decrypted before.
//! 2. If none is present, at most [`MAX_UNSIGNED_BYTES`](crate::limits::MAX_UNSIGNED_BYTES) are read
//!    and decrypted, and the document is accepted only if it is a URL check whose token matches. All
//!    rejections are the same, cost the same for bodies of the same length, and are to be answered after
//!    [`REFUSAL_DELAY`](crate::limits::REFUSAL_DELAY).
//! 3. After a valid signature: decrypt, parse, check the token.
//!
//! Without an Encrypt Key, the Verification Token authenticates every document.
//!
//! The old card callback has a separate opener, which requires a signature with the token, or a URL
//! check with it.

mod admission;
mod apps;
pub(crate) mod build_error;
mod builder;
mod candidates;
mod freshness;
#[cfg(feature = "old-card")]
mod old_card;
mod opened;
mod proof;
pub(crate) mod rejection;
mod settings;

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;

pub use self::admission::Admission;
pub use self::apps::Webhooks;
pub use self::builder::WebhookBuilder;
use self::candidates::Candidates;
#[cfg(feature = "old-card")]
pub use self::old_card::OldCardWebhook;
pub use self::opened::{Challenge, Opened};
use self::rejection::Rejection;
use self::settings::Settings;
pub use crate::crypto::{SIGNATURE_HEADER, SIGNATURE_NONCE_HEADER, SIGNATURE_TIMESTAMP_HEADER};

/// Opens webhook requests with the secrets of one app. Clones are cheap and share the keys.
///
/// ```
/// use http::HeaderMap;
/// use lark_events::{Opened, Webhook};
///
/// let webhook = Webhook::builder().verification_token("v-token").build()?;
/// let body = r#"{"type":"url_verification","token":"v-token","challenge":"abc-1"}"#;
/// let Opened::Challenge(challenge) = webhook.open(&HeaderMap::new(), body.into())? else {
///     panic!("a URL check is answered with its challenge");
/// };
/// assert_eq!(challenge.reply(), r#"{"challenge":"abc-1"}"#);
///
/// let forged = body.replace("v-token", "guess");
/// let rejection = webhook.open(&HeaderMap::new(), forged.into()).unwrap_err();
/// assert_eq!(rejection.status(), 401);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Webhook {
    settings: Arc<Settings>,
}

impl Webhook {
    /// Starts configuring a webhook.
    pub fn builder() -> WebhookBuilder {
        WebhookBuilder::new()
    }

    /// Checks the headers, before any byte of the body is read.
    ///
    /// # Errors
    ///
    /// [`Rejection`] when the signature headers are incomplete or malformed.
    pub fn admit<'h>(&self, headers: &'h HeaderMap) -> Result<Admission<'h>, Rejection> {
        Admission::of(Candidates::One(Arc::clone(&self.settings)), headers)
    }

    /// Opens a whole request: [`admit`](Self::admit), then [`Admission::open`]. A server on the public
    /// internet should call these two itself, to delay rejections: see [`Admission::refusal_delay`].
    ///
    /// # Errors
    ///
    /// [`Rejection`], with the status to answer.
    pub fn open(&self, headers: &HeaderMap, body: Bytes) -> Result<Opened, Rejection> {
        self.admit(headers)?.open(body)
    }
}
