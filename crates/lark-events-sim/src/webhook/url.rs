//! The URL of a webhook.

use std::fmt;
use std::str::FromStr;

use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Uri};

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
    authority: Authority,
    pub(super) port: u16,
    pub(super) path: PathAndQuery,
}

impl WebhookUrl {
    /// Whether the scheme is `https`.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.is_https
    }

    /// The `Host` of requests to it.
    pub(super) fn host_header(&self) -> HeaderValue {
        let host = HeaderValue::from_str(self.authority.as_str());
        host.expect("an authority is visible ASCII")
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
        let uri: Uri = url
            .parse()
            .map_err(|_| WebhookUrlError(WebhookUrlErrorKind::Form))?;
        let parts = uri.into_parts();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
            return Err(WebhookUrlError(WebhookUrlErrorKind::Form));
        };
        let is_https = scheme == Scheme::HTTPS;
        if !is_https && scheme != Scheme::HTTP {
            return Err(WebhookUrlError(WebhookUrlErrorKind::Form));
        }
        if authority.as_str().contains('@') {
            return Err(WebhookUrlError(WebhookUrlErrorKind::User));
        }
        // Rejects an invalid port, which the parser would drop.
        let port = match (authority.as_str() == authority.host(), is_https) {
            (true, true) => Some(443),
            (true, false) => Some(80),
            (false, _) => authority.port_u16(),
        };
        Ok(Self {
            is_https,
            port: port.ok_or(WebhookUrlError(WebhookUrlErrorKind::Port))?,
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

/// The error of parsing a [`WebhookUrl`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookUrlError(WebhookUrlErrorKind);

/// The kinds of [`WebhookUrlError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WebhookUrlErrorKind {
    /// It is not an `http://` or `https://` URL with a host.
    Form,
    /// It has user information, which is not sent.
    User,
    /// The port is not from 1 to 65535.
    Port,
}

impl WebhookUrlError {
    /// The kind of the error.
    #[must_use]
    pub fn kind(&self) -> WebhookUrlErrorKind {
        self.0
    }
}

impl fmt::Display for WebhookUrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            WebhookUrlErrorKind::Form => "expected an http:// or https:// URL of a webhook",
            WebhookUrlErrorKind::User => {
                "the webhook's URL has user information, which is not sent: remove it"
            }
            WebhookUrlErrorKind::Port => "expected a port from 1 to 65535 in the webhook's URL",
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
            ("", WebhookUrlErrorKind::Form),
            ("/", WebhookUrlErrorKind::Form),
            ("x", WebhookUrlErrorKind::Form),
            ("localhost:1", WebhookUrlErrorKind::Form),
            ("http://", WebhookUrlErrorKind::Form),
            ("ftp://x/", WebhookUrlErrorKind::Form),
            ("http://user@localhost/", WebhookUrlErrorKind::User),
            ("https://user:password@x/", WebhookUrlErrorKind::User),
            ("http://x:/", WebhookUrlErrorKind::Port),
            ("http://x:70000/", WebhookUrlErrorKind::Port),
            ("http://[::1]:99999/", WebhookUrlErrorKind::Port),
        ] {
            let error = url.parse::<WebhookUrl>().unwrap_err();
            assert_eq!(error, WebhookUrlError(problem), "{url}");
        }
    }
}
