//! Why a webhook cannot be built.

use std::fmt;

use crate::limits::{MAX_KEYS_BY_SIGNATURE, MAX_LIVE_SECRETS};

/// Why a webhook cannot be built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum WebhookBuildError {
    /// Neither an Encrypt Key nor a Verification Token: everybody would be let in.
    NoSecret,
    /// An Encrypt Key or Verification Token is the empty text.
    EmptySecret,
    /// More than [`MAX_LIVE_SECRETS`] of a kind.
    TooManySecrets,
    /// No webhook among several, or more than [`MAX_KEYS_BY_SIGNATURE`] Encrypt Keys among those at
    /// one URL.
    NumberOfApps,
    /// An [`app_id`](crate::WebhookBuilder::app_id) is the empty text; of several webhooks one has none, two
    /// have the same, or it cannot be the segment of a path that is to tell it.
    AppIds,
    /// One of several webhooks at one URL has no Encrypt Key to be told by, or that of another.
    SharedEncryptKey,
    /// An Encrypt Key is set for the old card callback, which is never encrypted.
    #[cfg(feature = "card-v1")]
    NeverEncrypted,
}

impl fmt::Display for WebhookBuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSecret => f.write_str("neither an encrypt key nor a verification token is set"),
            Self::EmptySecret => f.write_str("an encrypt key or verification token is empty"),
            #[cfg(feature = "card-v1")]
            Self::NeverEncrypted => {
                f.write_str("an encrypt key is set for the old card callback, which has none")
            }
            Self::NumberOfApps => {
                write!(
                    f,
                    "no app, or more than {MAX_KEYS_BY_SIGNATURE} keys at one URL"
                )
            }
            Self::AppIds => f.write_str("an app's id is empty, odd, or another's too"),
            Self::SharedEncryptKey => {
                f.write_str("an app at the URL of several without an encrypt key of its own")
            }
            Self::TooManySecrets => write!(
                f,
                "more than {MAX_LIVE_SECRETS} encrypt keys or verification tokens"
            ),
        }
    }
}

impl std::error::Error for WebhookBuildError {}
