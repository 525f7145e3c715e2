//! Why a webhook was not set.

use std::error::Error;
use std::fmt;

use super::url::WebhookUrlError;
use crate::attempt::Answer;

/// Why a webhook was not set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookError {
    kind: WebhookErrorKind,
    url: Option<WebhookUrlError>,
    answer: Option<Box<Answer>>,
    /// Why there was no answer.
    cause: Option<String>,
}

/// The kinds of [`WebhookError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WebhookErrorKind {
    /// The URL is not valid; the source is a [`WebhookUrlError`].
    InvalidUrl,
    /// The URL begins with `https://`, but there is no TLS configuration: enable the feature
    /// `webhook-tls` and call `PlatformBuilder::webhook_tls_config`.
    NoTls,
    /// The [path](crate::PlatformBuilder::path) does not begin with `/`, has a fragment or an
    /// invalid character, or is set without a service.
    InvalidPath,
    /// The webhook did not answer the URL check with status 200 and its challenge in time.
    UrlCheck,
}

impl WebhookError {
    pub(crate) fn new(kind: WebhookErrorKind) -> Self {
        Self {
            kind,
            url: None,
            answer: None,
            cause: None,
        }
    }

    pub(crate) fn url_check(answer: Answer, cause: Option<String>) -> Self {
        Self {
            answer: Some(Box::new(answer)),
            cause,
            ..Self::new(WebhookErrorKind::UrlCheck)
        }
    }

    /// The kind of the error.
    #[must_use]
    pub fn kind(&self) -> WebhookErrorKind {
        self.kind
    }

    /// The answer to the URL check, if it failed.
    #[must_use]
    pub fn answer(&self) -> Option<&Answer> {
        self.answer.as_deref()
    }
}

impl fmt::Display for WebhookError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            WebhookErrorKind::InvalidUrl => "the webhook's URL is not valid",
            WebhookErrorKind::NoTls => {
                "the webhook is at https://, but there is no TLS configuration: set \
                 webhook_tls_config"
            }
            WebhookErrorKind::InvalidPath => {
                "expected a path of a webhook service, beginning with / and without a fragment"
            }
            WebhookErrorKind::UrlCheck => match self.answer() {
                Some(answer) if !answer.accepted() => {
                    write!(f, "the URL check failed: {answer}")?;
                    let cause = self.cause.as_ref();
                    return cause.map_or(Ok(()), |cause| write!(f, ": {cause}"));
                }
                _ => "the webhook did not answer the URL check with its challenge",
            },
        })
    }
}

impl From<WebhookUrlError> for WebhookError {
    fn from(error: WebhookUrlError) -> Self {
        Self {
            url: Some(error),
            ..Self::new(WebhookErrorKind::InvalidUrl)
        }
    }
}

impl Error for WebhookError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let error = self.url.as_ref()?;
        Some(error)
    }
}
