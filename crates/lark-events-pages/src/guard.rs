//! Refuses the requests of other sites. A page in the same browser can send requests to a local listener, and
//! reads the answers if its own name resolves to the listener's address (DNS rebinding).

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use http::header::{CONTENT_TYPE, HOST, ORIGIN};
use http::request::Parts;
use http::{HeaderMap, HeaderName, Method};

use crate::origin::only;

/// The port of `http://` in a `Host` that has none.
const HTTP_PORT: u16 = 80;

/// The checks of each request, regardless of its method and path.
#[derive(Debug, Clone, Copy)]
pub struct Guard {
    listener: SocketAddr,
    takes_forms: bool,
}

/// Why a request is refused, with status 403.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refused {
    /// The `Host` is not one of the listener with this address.
    Host(SocketAddr),
    /// The `Origin` is not that of the `Host`.
    Origin,
    /// The request is of another site.
    Site,
    /// A change that is not JSON, where no forms are taken.
    ContentType,
}

impl Guard {
    /// For a listener with this address.
    #[must_use]
    pub fn new(listener: SocketAddr) -> Self {
        Self {
            listener,
            takes_forms: false,
        }
    }

    /// Accepts forms too. The page must check them with [`check_form`](crate::check_form), and must not have the
    /// `Referrer-Policy` `no-referrer`.
    #[must_use]
    pub fn with_forms(self) -> Self {
        Self {
            takes_forms: true,
            ..self
        }
    }

    /// Checks a request.
    ///
    /// # Errors
    ///
    /// Returns the first check that the request does not pass.
    pub fn check(self, request: &Parts) -> Result<(), Refused> {
        let headers = &request.headers;
        let host = only(headers, &HOST).ok_or(Refused::Host(self.listener))?;
        // The target of a request to a proxy has a host too.
        let target = request.uri.authority().map(http::uri::Authority::as_str);
        if !self.is_own(host) || target.is_some_and(|target| !target.eq_ignore_ascii_case(host)) {
            return Err(Refused::Host(self.listener));
        }
        if headers.contains_key(ORIGIN) {
            let origin = only(headers, &ORIGIN).and_then(|origin| origin.strip_prefix("http://"));
            if !origin.is_some_and(|origin| origin.eq_ignore_ascii_case(host)) {
                return Err(Refused::Origin);
            }
        }
        if !is_same_site(&request.method, headers) {
            return Err(Refused::Site);
        }
        // A form of another site can have any of three other types, without a preflight request.
        let reads = matches!(request.method, Method::GET | Method::HEAD);
        if !reads && !self.takes_forms && !is_json(headers) {
            return Err(Refused::ContentType);
        }
        Ok(())
    }

    /// Whether a `Host` is one of the listener. A name other than `localhost` may be any site's.
    fn is_own(self, host: &str) -> bool {
        let Some((name, port)) = split(host) else {
            return false;
        };
        let address = match name
            .strip_prefix('[')
            .and_then(|name| name.strip_suffix(']'))
        {
            Some(address) => address.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
            None => name.parse().ok().map(IpAddr::V4),
        };
        let is_localhost = name.eq_ignore_ascii_case("localhost");
        if !self.listener.ip().to_canonical().is_loopback() {
            // A container or a proxy may map its port to another.
            return is_localhost || address.is_some();
        }
        let is_loopback = address.is_some_and(|address| address.to_canonical().is_loopback());
        (is_localhost || is_loopback) && port == self.listener.port()
    }
}

/// Whether the request comes from the page itself, the user, or a link that the user follows. Clients that
/// are not browsers do not say.
fn is_same_site(method: &Method, headers: &HeaderMap) -> bool {
    let value = |name: &'static str| {
        let name = HeaderName::from_static(name);
        headers.contains_key(&name).then(|| only(headers, &name))
    };
    match value("sec-fetch-site") {
        None | Some(Some("same-origin" | "none")) => true,
        Some(_) => {
            *method == Method::GET
                && value("sec-fetch-mode") == Some(Some("navigate"))
                && value("sec-fetch-dest") == Some(Some("document"))
        }
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let essence = only(headers, &CONTENT_TYPE).and_then(|value| value.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

/// The name and the port of a `Host`.
fn split(host: &str) -> Option<(&str, u16)> {
    let name_ends = host.rfind(']').unwrap_or(0);
    let Some(colon) = host.get(name_ends..)?.find(':') else {
        return Some((host, HTTP_PORT));
    };
    let (name, port) = host.split_at_checked(name_ends.checked_add(colon)?)?;
    let port = port.strip_prefix(':')?;
    // `parse` accepts a sign.
    let is_number = port.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| Some((name, port.parse().ok()?)))?
}

impl std::error::Error for Refused {}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(listener) => write!(
                f,
                "expected one Host that is localhost or an IP address of this listener, with its port, \
                 such as {listener}: open the URL that the command has printed"
            ),
            Self::Origin => f.write_str(
                "expected no Origin, or that of this page: requests of other sites are rejected",
            ),
            Self::Site => f.write_str(
                "expected a request of this page or of the user: requests of other sites are rejected",
            ),
            Self::ContentType => f.write_str(
                "expected content-type: application/json for a method other than GET and HEAD",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    const LOCAL: &str = "127.0.0.1:7781";

    fn check(listener: &str, method: &str, headers: &[(&str, &str)]) -> Option<&'static str> {
        let mut request = Request::builder().method(method).uri("/no/such/page");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (request, ()) = request.body(()).unwrap().into_parts();
        let guard = Guard::new(listener.parse().unwrap());
        let refused = guard.check(&request).err();
        refused.map(|refused| match refused {
            Refused::Host(_) => "host",
            Refused::Origin => "origin",
            Refused::Site => "site",
            Refused::ContentType => "content-type",
        })
    }

    #[test]
    fn a_loopback_listener_answers_to_loopback_names_with_its_port() {
        for host in [
            "127.0.0.1:7781",
            "127.9.9.9:7781",
            "localhost:7781",
            "LocalHost:7781",
            "[::1]:7781",
            "[::ffff:127.0.0.1]:7781",
        ] {
            assert_eq!(check(LOCAL, "GET", &[("host", host)]), None, "{host}");
        }
        for host in [
            "",
            "127.0.0.1",
            "127.0.0.1:80",
            "127.0.0.1:7781:7781",
            "127.0.0.1:+7781",
            "localhost:",
            "localhost.:7781",
            "localhost.example.com:7781",
            "127.0.0.1.example.com:7781",
            "192.168.0.1:7781",
            "[::2]:7781",
            "::1:7781",
            "example.com:7781",
            "user@localhost:7781",
        ] {
            assert_eq!(
                check(LOCAL, "GET", &[("host", host)]),
                Some("host"),
                "{host}"
            );
        }
        assert_eq!(check("127.0.0.1:80", "GET", &[("host", "localhost")]), None);
        assert_eq!(check(LOCAL, "GET", &[]), Some("host"));
        let twice = [("host", LOCAL), ("host", LOCAL)];
        assert_eq!(check(LOCAL, "GET", &twice), Some("host"));
    }

    #[test]
    fn a_mapped_loopback_listener_is_a_loopback_listener() {
        let mapped = "[::ffff:127.0.0.1]:7781";
        for host in [mapped, LOCAL, "localhost:7781"] {
            assert_eq!(check(mapped, "GET", &[("host", host)]), None, "{host}");
        }
        for host in ["192.168.0.1:7781", "127.0.0.1:80", "[fe80::1]:7781"] {
            let refused = check(mapped, "GET", &[("host", host)]);
            assert_eq!(refused, Some("host"), "{host}");
        }
    }

    #[test]
    fn another_listener_answers_to_any_address_and_no_name() {
        for host in [
            "192.168.0.1:80",
            "localhost:9",
            "[fe80::1]:7781",
            "10.0.0.1",
        ] {
            assert_eq!(
                check("0.0.0.0:7781", "GET", &[("host", host)]),
                None,
                "{host}"
            );
        }
        for host in ["example.com:7781", "example.com", "7781", ""] {
            let refused = check("0.0.0.0:7781", "GET", &[("host", host)]);
            assert_eq!(refused, Some("host"), "{host}");
        }
    }

    #[test]
    fn the_host_of_a_target_counts_too() {
        let request = Request::get("http://example.com/").header("host", LOCAL);
        let (request, ()) = request.body(()).unwrap().into_parts();
        let guard = Guard::new(LOCAL.parse().unwrap());
        assert!(matches!(guard.check(&request), Err(Refused::Host(_))));
    }

    #[test]
    fn an_origin_is_that_of_the_host() {
        for method in ["GET", "POST", "OPTIONS"] {
            for origin in [
                "null",
                "",
                "http://example.com",
                "https://127.0.0.1:7781",
                "http://localhost:7781",
                "http://127.0.0.1",
                "http://127.0.0.1:7781/",
            ] {
                let headers = [("host", LOCAL), ("origin", origin)];
                assert_eq!(check(LOCAL, method, &headers), Some("origin"), "{origin}");
            }
            let headers = [
                ("host", LOCAL),
                ("origin", "http://127.0.0.1:7781"),
                ("content-type", "application/json"),
            ];
            assert_eq!(check(LOCAL, method, &headers), None);
        }
    }

    #[test]
    fn another_site_can_only_link_to_a_page() {
        let headers = |site, mode, dest| {
            [
                ("host", LOCAL),
                ("content-type", "application/json"),
                ("sec-fetch-site", site),
                ("sec-fetch-mode", mode),
                ("sec-fetch-dest", dest),
            ]
        };
        for site in ["same-origin", "none"] {
            assert_eq!(check(LOCAL, "POST", &headers(site, "cors", "empty")), None);
        }
        for site in ["cross-site", "same-site", "", "tea"] {
            let linked = headers(site, "navigate", "document");
            assert_eq!(check(LOCAL, "GET", &linked), None, "{site}");
            assert_eq!(check(LOCAL, "POST", &linked), Some("site"), "{site}");
            for other in [
                headers(site, "no-cors", "image"),
                headers(site, "navigate", "iframe"),
                headers(site, "cors", "document"),
            ] {
                assert_eq!(check(LOCAL, "GET", &other), Some("site"), "{other:?}");
            }
        }
    }

    #[test]
    fn a_change_is_json() {
        for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"] {
            for value in ["text/plain", "application/jsonx", "", "multipart/form-data"] {
                let headers = [("host", LOCAL), ("content-type", value)];
                let refused = check(LOCAL, method, &headers);
                assert_eq!(refused, Some("content-type"), "{method} {value}");
            }
            let headers = [("host", LOCAL)];
            assert_eq!(check(LOCAL, method, &headers), Some("content-type"));
            let headers = [
                ("host", LOCAL),
                ("content-type", "Application/JSON; charset=utf-8"),
            ];
            assert_eq!(check(LOCAL, method, &headers), None);
        }
        for method in ["GET", "HEAD"] {
            assert_eq!(check(LOCAL, method, &[("host", LOCAL)]), None);
        }
    }

    #[test]
    fn a_form_passes_where_the_page_checks_it() {
        let form = |origin| {
            let request = Request::post("/").header("host", LOCAL);
            let request = request.header("content-type", "application/x-www-form-urlencoded");
            let request = request.header("origin", origin).body(()).unwrap();
            request.into_parts().0
        };
        let guard = Guard::new(LOCAL.parse().unwrap());
        let own = form("http://127.0.0.1:7781");
        assert_eq!(guard.check(&own), Err(Refused::ContentType));
        let guard = guard.with_forms();
        assert_eq!(guard.check(&own), Ok(()));
        assert_eq!(guard.check(&form("null")), Err(Refused::Origin));
    }
}
