//! The base URL of a platform, checked.

use std::error::Error;
use std::fmt;

use http::Uri;
use http::uri::InvalidUri;

use crate::domain::Domain;

/// A base URL: `http://` or `https://`, a host, and no user or query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl(String);

impl BaseUrl {
    /// Checks the base URL of a domain.
    ///
    /// # Errors
    ///
    /// [`BaseUrlError`], whose text says what is wrong without the URL, which may have a password.
    pub fn of(domain: &Domain) -> Result<Self, BaseUrlError> {
        let invalid = |what| BaseUrlError { what, source: None };
        let base_url = domain.base_url();
        if !["http://", "https://"]
            .iter()
            .any(|scheme| base_url.starts_with(scheme))
        {
            return Err(invalid("has no host or no http(s) scheme"));
        }
        // With a path, as calls have one: the URL itself ends without a slash.
        let uri: Uri = format!("{base_url}/")
            .parse()
            .map_err(|error| BaseUrlError {
                what: "is not a URL",
                source: Some(error),
            })?;
        if uri.query().is_some() {
            return Err(invalid("has a query"));
        }
        match uri.authority() {
            Some(at) if !at.as_str().contains('@') => Ok(Self(base_url.to_owned())),
            _ => Err(invalid("has user information")),
        }
    }

    /// The URL of a path below it.
    ///
    /// # Errors
    ///
    /// [`InvalidUri`] if the path has characters that a URL does not allow.
    pub fn join(&self, path_and_query: &str) -> Result<Uri, InvalidUri> {
        format!("{}{path_and_query}", self.0).parse()
    }
}

/// Why a base URL cannot be used.
#[derive(Debug)]
pub struct BaseUrlError {
    what: &'static str,
    source: Option<InvalidUri>,
}

impl BaseUrlError {
    /// What the parser said, if that is the reason.
    #[must_use]
    pub fn into_cause(self) -> Option<InvalidUri> {
        self.source
    }
}

impl fmt::Display for BaseUrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const EXPECTED: &str =
            "expected http:// or https:// and a host, as in https://lark.example.com";
        write!(f, "the domain's base URL {}: {EXPECTED}", self.what)
    }
}

impl Error for BaseUrlError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_ref().map(|error| error as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_has_a_scheme_and_a_host_and_neither_user_nor_query() {
        for good in [
            "https://open.feishu.cn",
            "https://[::1]:8443/",
            "http://127.0.0.1:7780",
            "https://lark.example.com/gateway",
        ] {
            let base = BaseUrl::of(&Domain::custom(good)).unwrap();
            let uri = base.join("/open-apis/x?a=b").unwrap();
            let expected = format!("{}/open-apis/x?a=b", good.trim_end_matches('/'));
            assert_eq!(uri, *expected);
        }
        for bad in [
            "",
            "open.feishu.cn",
            "https://",
            "ftp://open.feishu.cn",
            "https://marked:marked@example.com",
            "https://example.com?marked",
            "https://exa mple.com",
        ] {
            let error = BaseUrl::of(&Domain::custom(bad)).unwrap_err();
            assert!(!error.to_string().contains("marked"), "{error}");
        }
        let base = BaseUrl::of(&Domain::Lark).unwrap();
        assert!(base.join("/a b").is_err());
    }
}
