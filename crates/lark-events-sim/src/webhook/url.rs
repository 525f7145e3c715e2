//! The URL of a webhook.

use std::fmt;
use std::str::FromStr;

use http::Uri;
use http::uri::{Authority, PathAndQuery, Scheme};

/// The URL of a webhook: `http://` or `https://`, with a host and no user.
///
/// ```
/// use lark_events_sim::WebhookUrl;
///
/// let url: WebhookUrl = "https://example.com/events".parse()?;
/// assert!(url.is_https());
/// assert_eq!(url.to_string(), "https://example.com/events");
/// assert!("example.com/events".parse::<WebhookUrl>().is_err());
/// # Ok::<(), lark_events_sim::WebhookUrlError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookUrl {
    is_https: bool,
    pub(super) authority: Authority,
    pub(super) port: u16,
    pub(super) path: PathAndQuery,
}

impl WebhookUrl {
    /// Whether the scheme is `https`.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.is_https
    }

    /// The name or address to connect to.
    pub(super) fn host(&self) -> &str {
        // The brackets of an IPv6 address belong to the URL.
        self.authority.host().trim_matches(['[', ']'])
    }
}

impl FromStr for WebhookUrl {
    type Err = WebhookUrlError;

    fn from_str(url: &str) -> Result<Self, WebhookUrlError> {
        let uri: Uri = url.parse().map_err(|_| WebhookUrlError(Problem::Form))?;
        let parts = uri.into_parts();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
            return Err(WebhookUrlError(Problem::Form));
        };
        let is_https = scheme == Scheme::HTTPS;
        if !is_https && scheme != Scheme::HTTP {
            return Err(WebhookUrlError(Problem::Form));
        }
        if authority.as_str().contains('@') {
            return Err(WebhookUrlError(Problem::User));
        }
        // Rejects an invalid port, which the parser would drop.
        let port = match (authority.as_str() == authority.host(), is_https) {
            (true, true) => Some(443),
            (true, false) => Some(80),
            (false, _) => authority.port_u16(),
        };
        Ok(Self {
            is_https,
            port: port.ok_or(WebhookUrlError(Problem::Port))?,
            authority,
            path: parts
                .path_and_query
                .unwrap_or(PathAndQuery::from_static("/")),
        })
    }
}

impl fmt::Display for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = if self.is_https { "s" } else { "" };
        write!(f, "http{s}://{}{}", self.authority, self.path)
    }
}

/// Why a text is not a [`WebhookUrl`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookUrlError(Problem);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Problem {
    Form,
    User,
    Port,
}

impl fmt::Display for WebhookUrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Problem::Form => "expected an http:// or https:// URL of a webhook",
            Problem::User => "the webhook's URL has user information, which is not sent: remove it",
            Problem::Port => "expected a port from 1 to 65535 in the webhook's URL",
        })
    }
}

impl std::error::Error for WebhookUrlError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_has_a_host_and_a_port_or_the_usual_one() {
        for (url, host, port, path) in [
            (
                "http://localhost:3000/events?a=b",
                "localhost",
                3000,
                "/events?a=b",
            ),
            ("HTTP://x", "x", 80, "/"),
            ("https://x/", "x", 443, "/"),
            ("https://x:8443", "x", 8443, "/"),
            ("http://[::1]/", "::1", 80, "/"),
            ("http://[::1]:81/", "::1", 81, "/"),
        ] {
            let url: WebhookUrl = url.parse().unwrap();
            assert_eq!(
                (url.host(), url.port, url.path.as_str()),
                (host, port, path),
                "{url}"
            );
            assert_eq!(url.to_string().parse(), Ok(url));
        }
    }

    #[test]
    fn what_is_no_url_of_a_webhook_is_an_error_that_says_why() {
        for (url, problem) in [
            ("", Problem::Form),
            ("/", Problem::Form),
            ("x", Problem::Form),
            ("localhost:1", Problem::Form),
            ("http://", Problem::Form),
            ("ftp://x/", Problem::Form),
            ("http://user@localhost/", Problem::User),
            ("https://user:password@x/", Problem::User),
            ("http://x:/", Problem::Port),
            ("http://x:70000/", Problem::Port),
            ("http://[::1]:99999/", Problem::Port),
        ] {
            let error = url.parse::<WebhookUrl>().unwrap_err();
            assert_eq!(error, WebhookUrlError(problem), "{url}");
        }
    }
}
