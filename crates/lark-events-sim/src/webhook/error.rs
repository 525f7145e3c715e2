//! Why a webhook was not set.

use std::fmt;

use super::url::WebhookUrlError;
use crate::attempt::Answer;

/// Why a webhook was not set.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum WebhookError {
    /// Its URL is not one that can be posted to.
    InvalidUrl(WebhookUrlError),
    /// Its URL is one of `https://`, and there is no configuration of TLS: that takes the feature
    /// `webhook-tls` and `PlatformBuilder::webhook_tls_config`.
    NoTls,
    /// Its [path](crate::PlatformBuilder::path) does not begin with `/`, has a fragment or a character
    /// that a path cannot have, or is set without a service.
    InvalidPath,
    /// The URL check was not answered with status 200 and its challenge within a second.
    UrlCheck(Answer),
}

impl fmt::Display for WebhookError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidUrl(error) => error.fmt(f),
            Self::NoTls => {
                f.write_str("the webhook is at https://, and there is no configuration of TLS")
            }
            Self::InvalidPath => f.write_str("the path is no path of a webhook service"),
            Self::UrlCheck(answer) if answer.accepted() => {
                f.write_str("the URL check was not answered with its challenge")
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
