//! Configuring a webhook: its secrets, its limits and its clock.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::Webhook;
use super::build_error::{WebhookBuildError, WebhookBuildErrorKind};
use super::freshness::{Freshness, Window};
use super::settings::Settings;
use crate::credentials::{EncryptKey, VerificationToken};
use crate::limits::{MAX_EVENT_BYTES, MAX_LIVE_SECRETS};

/// Builds a [`Webhook`].
#[derive(Debug)]
#[must_use = "a builder does nothing until it is built"]
pub struct WebhookBuilder {
    settings: Settings,
}

impl WebhookBuilder {
    pub(super) fn new() -> Self {
        Self {
            settings: Settings {
                app_id: None,
                encrypt_keys: Vec::new(),
                verification_tokens: Vec::new(),
                freshness: Freshness::default(),
                answers_url_checks: true,
                max_event_bytes: MAX_EVENT_BYTES,
            },
        }
    }

    /// Names the app: a delivery that names another one is refused, like any that is not authentic, and
    /// one that names none is this app's. Needed for [`Webhooks`](crate::Webhooks).
    pub fn app_id(mut self, app_id: impl Into<String>) -> Self {
        self.settings.app_id = Some(app_id.into());
        self
    }

    /// Adds an Encrypt Key. To rotate, add the new one beside the old, change it in the developer
    /// console, and drop the old one when its redeliveries have run out.
    pub fn encrypt_key(mut self, key: impl Into<EncryptKey>) -> Self {
        self.settings.encrypt_keys.push(key.into());
        self
    }

    /// Adds a Verification Token; several live at once like Encrypt Keys. Encrypted URL checks are
    /// recognized by a token that JSON writes without escapes, as all of the platform are.
    pub fn verification_token(mut self, token: impl Into<VerificationToken>) -> Self {
        self.settings.verification_tokens.push(token.into());
        self
    }

    /// How old and how far ahead a signature's timestamp may be: 8 hours and 10 minutes by default.
    ///
    /// The platform redelivers over 7.1 hours and may repeat the first signature, so a shorter age
    /// can lose events. This bounds a replay in time and does not prevent it: for that,
    /// de-duplicate by event for longer than both together, which is
    /// [`Delivery::replayable_for`](crate::Delivery::replayable_for); `lark-events-tower` goes by that.
    pub fn freshness(mut self, max_age: Duration, max_ahead: Duration) -> Self {
        self.settings.freshness.window = Some(Window { max_age, max_ahead });
        self
    }

    /// Takes signatures of any age: anybody who has seen one request can send it again for ever, and an event
    /// is handled again as soon as de-duplication has forgotten it.
    pub fn without_freshness(mut self) -> Self {
        self.settings.freshness.window = None;
        self
    }

    /// Reads the time from `clock` instead of the system.
    pub fn clock(mut self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.settings.freshness.clock = Box::new(clock);
        self
    }

    /// Whether unsigned URL checks are answered: yes by default. The platform sends one when the URL
    /// is saved in the developer console; after that they can be switched off.
    pub fn url_checks(mut self, answer: bool) -> Self {
        self.settings.answers_url_checks = answer;
        self
    }

    /// The largest body taken, in bytes: [`MAX_EVENT_BYTES`] by default.
    pub fn max_event_bytes(mut self, bytes: usize) -> Self {
        self.settings.max_event_bytes = bytes;
        self
    }

    /// Builds the webhook.
    ///
    /// # Errors
    ///
    /// [`WebhookBuildError`] when there is neither an Encrypt Key nor a Verification Token, when one
    /// of them is empty, or when there are more than [`MAX_LIVE_SECRETS`] of a kind.
    pub fn build(self) -> Result<Webhook, WebhookBuildError> {
        let settings = self.checked()?;
        Ok(Webhook { settings })
    }

    pub(super) fn checked(self) -> Result<Arc<Settings>, WebhookBuildError> {
        let Settings {
            encrypt_keys: keys,
            verification_tokens: tokens,
            ..
        } = &self.settings;
        if self.settings.app_id.as_ref().is_some_and(String::is_empty) {
            return Err(WebhookBuildError::new(WebhookBuildErrorKind::AppIds));
        }
        if keys.is_empty() && tokens.is_empty() {
            return Err(WebhookBuildError::new(WebhookBuildErrorKind::NoSecret));
        }
        if keys.iter().any(EncryptKey::is_empty) || tokens.iter().any(VerificationToken::is_empty) {
            return Err(WebhookBuildError::new(WebhookBuildErrorKind::EmptySecret));
        }
        if keys.len().max(tokens.len()) > MAX_LIVE_SECRETS {
            return Err(WebhookBuildError::new(
                WebhookBuildErrorKind::TooManySecrets,
            ));
        }
        Ok(Arc::new(self.settings))
    }
}
