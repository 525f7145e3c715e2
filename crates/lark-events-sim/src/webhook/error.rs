//! Why a webhook was not set.

use std::fmt;

use super::url::WebhookUrlError;
use crate::attempt::Answer;

/// Why a webhook was not set.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum WebhookError {
    /// The URL is not valid.
    InvalidUrl(WebhookUrlError),
    /// The URL begins with `https://`, but there is no TLS configuration: enable the feature
    /// `webhook-tls` and call `PlatformBuilder::webhook_tls_config`.
    NoTls,
    /// The [path](crate::PlatformBuilder::path) does not begin with `/`, has a fragment or an
    /// invalid character, or is set without a service.
    InvalidPath,
    /// The webhook did not answer the URL check with status 200 and its challenge within a second.
    UrlCheck(Answer),
}

impl fmt::Display for WebhookError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidUrl(error) => error.fmt(f),
            Self::NoTls => f.write_str(
                "the webhook is at https://, but there is no TLS configuration: set \
                    webhook_tls_config",
            ),
            Self::InvalidPath => f.write_str(
                "expected a path of a webhook service, beginning with / and without a fragment",
            ),
            Self::UrlCheck(answer) if answer.accepted() => {
                f.write_str("the webhook did not answer the URL check with its challenge")
            }
            Self::UrlCheck(answer) => write!(f, "the URL check failed: {answer}"),
        }
    }
}

impl From<WebhookUrlError> for WebhookError {
    fn from(error: WebhookUrlError) -> Self {
        Self::InvalidUrl(error)
    }
}

impl std::error::Error for WebhookError {}
