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

    /// Sets the app's id. A delivery that names another app is rejected like one that is not authentic.
    /// A delivery without an app id belongs to this app. [`Webhooks`](crate::Webhooks) requires an id.
    pub fn app_id(mut self, app_id: impl Into<String>) -> Self {
        self.settings.app_id = Some(app_id.into());
        self
    }

    /// Adds an Encrypt Key. To rotate, add the new key beside the old one, change it in the developer
    /// console, and remove the old key when its redeliveries have ended.
    pub fn encrypt_key(mut self, key: impl Into<EncryptKey>) -> Self {
        self.settings.encrypt_keys.push(key.into());
        self
    }

    /// Adds a Verification Token. Several can be active at once, as with Encrypt Keys. In encrypted URL
    /// checks a token is recognized if JSON writes it without escapes, which holds for all tokens of
    /// the platform.
    pub fn verification_token(mut self, token: impl Into<VerificationToken>) -> Self {
        self.settings.verification_tokens.push(token.into());
        self
    }

    /// Sets how old and how far ahead of the clock a signature's timestamp may be: 8 hours old and 10 minutes ahead
    /// by default.
    ///
    /// The platform redelivers over 7.1 hours and may repeat the first signature, so a shorter age can
    /// lose events. The window limits a replay in time but does not prevent it. To prevent replays,
    /// de-duplicate events for longer than both values together, which is
    /// [`Delivery::replayable_for`](crate::Delivery::replayable_for); `DedupLayer` of
    /// `lark-events-layers` does so.
    pub fn freshness(mut self, max_age: Duration, max_ahead: Duration) -> Self {
        self.settings.freshness.window = Some(Window { max_age, max_ahead });
        self
    }

    /// Accepts signatures of any age. Anyone who has seen one request can then replay it forever, and
    /// the event is handled again once de-duplication has forgotten it.
    pub fn without_freshness(mut self) -> Self {
        self.settings.freshness.window = None;
        self
    }

    /// Reads the time from `clock` instead of the system clock.
    pub fn clock(mut self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.settings.freshness.clock = Box::new(clock);
        self
    }

    /// Sets whether unsigned URL checks are answered: `true` by default. The platform sends one when the URL is
    /// saved in the developer console; you can turn them off afterwards.
    pub fn url_checks(mut self, answer: bool) -> Self {
        self.settings.answers_url_checks = answer;
        self
    }

    /// Sets the largest accepted body, in bytes: [`MAX_EVENT_BYTES`] by default.
    pub fn max_event_bytes(mut self, bytes: usize) -> Self {
        self.settings.max_event_bytes = bytes;
        self
    }

    /// Builds the webhook.
    ///
    /// # Errors
    ///
    /// [`WebhookBuildError`] when there is neither an Encrypt Key nor a Verification Token, when one of
    /// them is empty, or when there are more than [`MAX_LIVE_SECRETS`] of either.
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
