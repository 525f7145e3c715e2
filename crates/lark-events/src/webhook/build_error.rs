//! Why a webhook cannot be built.

use std::fmt;

use crate::limits::{MAX_KEYS_BY_SIGNATURE, MAX_LIVE_SECRETS};

/// Why a webhook cannot be built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WebhookBuildError {
    kind: WebhookBuildErrorKind,
}

/// What kind of failure a [`WebhookBuildError`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WebhookBuildErrorKind {
    /// Neither an Encrypt Key nor a Verification Token: everybody would be let in.
    NoSecret,
    /// An Encrypt Key or Verification Token is the empty text.
    EmptySecret,
    /// More than [`MAX_LIVE_SECRETS`] of a kind.
    TooManySecrets,
    /// No webhook among several, or more than [`MAX_KEYS_BY_SIGNATURE`] Encrypt Keys among those at
    /// one URL.
    NumberOfApps,
    /// An [`app_id`](crate::webhook::WebhookBuilder::app_id) is the empty text; of several webhooks one has none, two
    /// have the same, or it cannot be the segment of a path that is to tell it.
    AppIds,
    /// One of several webhooks at one URL has no Encrypt Key to be told by, or that of another.
    SharedEncryptKey,
    /// An Encrypt Key is set for the old card callback, which is never encrypted.
    #[cfg(feature = "old-card")]
    NeverEncrypted,
}

impl WebhookBuildError {
    pub(super) fn new(kind: WebhookBuildErrorKind) -> Self {
        Self { kind }
    }

    /// What kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> WebhookBuildErrorKind {
        self.kind
    }
}

impl fmt::Display for WebhookBuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use WebhookBuildErrorKind as Kind;
        match self.kind {
            Kind::NoSecret => f.write_str("neither an encrypt key nor a verification token is set"),
            Kind::EmptySecret => f.write_str("an encrypt key or verification token is empty"),
            #[cfg(feature = "old-card")]
            Kind::NeverEncrypted => {
                f.write_str("an encrypt key is set for the old card callback, which has none")
            }
            Kind::NumberOfApps => {
                write!(
                    f,
                    "no app, or more than {MAX_KEYS_BY_SIGNATURE} keys at one URL"
                )
            }
            Kind::AppIds => f.write_str("an app's id is empty, odd, or another's too"),
            Kind::SharedEncryptKey => {
                f.write_str("an app at the URL of several without an encrypt key of its own")
            }
            Kind::TooManySecrets => write!(
                f,
                "more than {MAX_LIVE_SECRETS} encrypt keys or verification tokens"
            ),
        }
    }
}

impl std::error::Error for WebhookBuildError {}
