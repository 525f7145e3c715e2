//! Refuses the forms of other sites. A browser sends them with the credentials of its user.

use std::fmt;

use http::header::{HOST, ORIGIN};
use http::request::Parts;
use http::{HeaderMap, HeaderName};

/// The form is of another site, or its site is unknown. The response has the status 403.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ForeignForm;

impl fmt::Display for ForeignForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "expected a form of this page: requests of other sites are rejected. A program sends \
             sec-fetch-site: same-origin; a proxy must keep Host, or send the original one",
        )
    }
}

impl std::error::Error for ForeignForm {}

/// Checks the site of a request that changes something. The address of the server need not be known.
///
/// Browsers send `Sec-Fetch-Site` to `https://` and to loopback addresses. Elsewhere, the `Origin` must be that
/// of the `Host`, with any scheme: a proxy may have ended TLS. The page must have a `Referrer-Policy` other than
/// `no-referrer`, with which browsers send forms with the origin `null`.
///
/// # Errors
///
/// Returns an error if the request is of another site, or does not say which.
pub fn check_form(request: &Parts) -> Result<(), ForeignForm> {
    let headers = &request.headers;
    let site = HeaderName::from_static("sec-fetch-site");
    if headers.contains_key(&site) {
        return match only(headers, &site) {
            Some("same-origin" | "none") => Ok(()),
            _ => Err(ForeignForm),
        };
    }
    let origin = only(headers, &ORIGIN).and_then(|origin| {
        let (scheme, host) = origin.split_once("://")?;
        ["http", "https"].contains(&scheme).then_some(host)
    });
    // HTTP/2 has no Host.
    let host = match headers.contains_key(HOST) {
        true => only(headers, &HOST),
        false => request.uri.authority().map(http::uri::Authority::as_str),
    };
    match origin.zip(host) {
        Some((origin, host)) if origin.eq_ignore_ascii_case(host) => Ok(()),
        _ => Err(ForeignForm),
    }
}

/// The value of a header that occurs once.
pub(crate) fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    values.next().is_none().then(|| value.to_str().ok())?
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn check(uri: &str, headers: &[(&str, &str)]) -> bool {
        let mut request = Request::post(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (request, ()) = request.body(()).unwrap().into_parts();
        check_form(&request).is_ok()
    }

    #[test]
    fn the_browsers_word_on_the_site_comes_first() {
        let foreign = ("origin", "https://example.com");
        for site in ["same-origin", "none"] {
            assert!(check("/", &[("sec-fetch-site", site), foreign]));
        }
        let own = [("host", "a"), ("origin", "https://a")];
        for site in ["same-site", "cross-site", "", "Same-Origin", "tea"] {
            let headers = [own[0], own[1], ("sec-fetch-site", site)];
            assert!(!check("/", &headers), "{site}");
        }
        let twice = [("sec-fetch-site", "none"), ("sec-fetch-site", "none")];
        assert!(!check("/", &twice));
    }

    #[test]
    fn without_it_the_origin_is_that_of_the_host() {
        for (host, origin) in [
            ("app.example", "https://app.example"),
            ("app.example", "http://app.example"),
            ("App.Example:8080", "http://app.example:8080"),
            ("[::1]:80", "http://[::1]:80"),
        ] {
            assert!(
                check("/", &[("host", host), ("origin", origin)]),
                "{origin}"
            );
        }
        for origin in [
            "null",
            "",
            "app.example",
            "ftp://app.example",
            "https://app.example:8443",
            "https://app.example/",
            "https://other.example",
            "https://app.example.other.example",
        ] {
            let headers = [("host", "app.example"), ("origin", origin)];
            assert!(!check("/", &headers), "{origin}");
        }
        assert!(!check("/", &[("host", "app.example")]));
        assert!(!check("/", &[("origin", "https://app.example")]));
        let two = [("host", "a"), ("host", "b"), ("origin", "https://a")];
        assert!(!check("https://a/", &two));
    }

    #[test]
    fn the_host_of_http_2_is_in_the_target() {
        let own = [("origin", "https://app.example")];
        assert!(check("https://app.example/inbox", &own));
        assert!(!check("https://other.example/inbox", &own));
    }
}
