//! A webhook cannot be built.

use std::fmt;

use crate::limits::{MAX_KEYS_BY_SIGNATURE, MAX_LIVE_SECRETS};

/// A webhook cannot be built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WebhookBuildError {
    kind: WebhookBuildErrorKind,
}

/// The kinds of [`WebhookBuildError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WebhookBuildErrorKind {
    /// Neither an Encrypt Key nor a Verification Token is set, so every request would be accepted.
    NoSecret,
    /// An Encrypt Key or Verification Token is empty.
    EmptySecret,
    /// More than [`MAX_LIVE_SECRETS`] Encrypt Keys or Verification Tokens are set.
    TooManySecrets,
    /// There is no webhook, or the webhooks at one URL have more than [`MAX_KEYS_BY_SIGNATURE`] Encrypt
    /// Keys.
    NumberOfApps,
    /// An [`app_id`](crate::webhook::WebhookBuilder::app_id) is empty; or, of several webhooks, one has
    /// no id, two have the same, or an id cannot be a segment of the path.
    AppIds,
    /// One of several webhooks at one URL has no Encrypt Key, or shares one with another.
    SharedEncryptKey,
    /// An Encrypt Key is set for the old card callback, which is never encrypted.
    #[cfg(feature = "old-card")]
    NeverEncrypted,
}

impl WebhookBuildError {
    pub(super) fn new(kind: WebhookBuildErrorKind) -> Self {
        Self { kind }
    }

    /// The kind of failure.
    #[must_use]
    pub fn kind(&self) -> WebhookBuildErrorKind {
        self.kind
    }
}

impl fmt::Display for WebhookBuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use WebhookBuildErrorKind as Kind;
        match self.kind {
            Kind::NoSecret => f.write_str(
                "neither an encrypt key nor a verification token is set: set at least one",
            ),
            Kind::EmptySecret => f.write_str(
                "an encrypt key or verification token is empty: copy it from the developer console",
            ),
            #[cfg(feature = "old-card")]
            Kind::NeverEncrypted => f.write_str(
                "an encrypt key is set, but the old card callback is never encrypted: remove the key",
            ),
            Kind::NumberOfApps => write!(
                f,
                "expected at least one app, and at most {MAX_KEYS_BY_SIGNATURE} encrypt keys at one \
                 URL"
            ),
            Kind::AppIds => f.write_str(
                "each app needs a unique, non-empty id; ids in paths may have letters, digits, `-` \
                 and `_` only",
            ),
            Kind::SharedEncryptKey => {
                f.write_str("each app at a shared URL needs an encrypt key that no other app has")
            }
            Kind::TooManySecrets => write!(
                f,
                "expected at most {MAX_LIVE_SECRETS} encrypt keys and {MAX_LIVE_SECRETS} \
                 verification tokens"
            ),
        }
    }
}

impl std::error::Error for WebhookBuildError {}
