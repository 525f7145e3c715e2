//! Requests of other sites are refused, on every method and path.

use super::http::{request, request_as};
use super::{Console, EVENT};
use serde_json::json;

const PATHS: [&str; 8] = [
    "/",
    "/deliveries/1",
    "/no/such/page",
    "/stream",
    "/assets/console.js",
    "/api/status",
    "/api/deliveries",
    "/api/no/such/path",
];
const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"];
const JSON: (&str, &str) = ("content-type", "application/json");

#[test]
fn a_foreign_host_or_origin_is_refused_on_every_method_and_path() {
    let console = Console::start(&[]);
    let address = &console.host;
    for path in PATHS {
        for method in METHODS {
            for host in [
                None,
                Some("example.com"),
                Some("localhost:1"),
                Some("192.168.0.1"),
            ] {
                let answer = request_as(address, host, method, path, &[JSON], "");
                assert_eq!(answer.status, 403, "{method} {path} {host:?}");
                assert!(method == "HEAD" || answer.body.contains("expected one Host"));
                if path.starts_with("/api/") && method != "HEAD" {
                    assert!(answer.error().starts_with("expected one Host"));
                }
                assert!(answer.header("content-security-policy").is_some());
            }
            for origin in ["null", "http://example.com", "http://localhost:1"] {
                let headers = [JSON, ("origin", origin)];
                let answer = request(address, method, path, &headers, "");
                assert_eq!(answer.status, 403, "{method} {path} {origin}");
            }
            let headers = [JSON, ("sec-fetch-site", "cross-site")];
            let answer = request(address, method, path, &headers, "");
            assert_eq!(answer.status, 403, "{method} {path}");
        }
    }
    let twice = request(address, "GET", "/", &[("host", address)], "");
    assert!([400, 403].contains(&twice.status), "{}", twice.head);
    let target = request(address, "GET", "http://example.com/", &[], "");
    assert_eq!(target.status, 403);
}

#[test]
fn a_change_of_another_type_than_json_is_refused_and_changes_nothing() {
    let console = Console::start(&[]);
    let body = json!({"type": EVENT}).to_string();
    for headers in [
        &[][..],
        &[("content-type", "text/plain")],
        &[("content-type", "application/x-www-form-urlencoded")],
        &[("content-type", "multipart/form-data; boundary=x")],
    ] {
        for path in PATHS {
            let answer = request(&console.host, "POST", path, headers, &body);
            assert_eq!(answer.status, 403, "{headers:?}");
            assert!(answer.body.contains("application/json"), "{}", answer.body);
        }
    }
    for path in PATHS.into_iter().filter(|path| *path != "/stream") {
        console.get(path);
    }
    assert_eq!(console.json("/api/deliveries")["kept"], 0);
}

#[test]
fn the_page_itself_and_a_followed_link_are_answered() {
    let console = Console::start(&[]);
    let origin = format!("http://{}", console.host);
    let own = [
        JSON,
        ("origin", origin.as_str()),
        ("sec-fetch-site", "same-origin"),
    ];
    let body = json!({"type": EVENT}).to_string();
    let answer = request(&console.host, "POST", "/api/deliveries", &own, &body);
    assert_eq!(answer.status, 201, "{}", answer.body);
    let linked = [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-dest", "document"),
    ];
    assert_eq!(request(&console.host, "GET", "/", &linked, "").status, 200);
    let port = console.host.rsplit(':').next().unwrap();
    for name in ["localhost", "127.0.0.2", "[::1]"] {
        let host = format!("{name}:{port}");
        let answer = request_as(&console.host, Some(&host), "GET", "/", &[], "");
        assert_eq!(answer.status, 200, "{host}");
    }
}

#[test]
fn every_answer_has_the_headers_that_keep_other_sites_out() {
    let console = Console::start(&[]);
    for path in PATHS.into_iter().filter(|path| *path != "/stream") {
        let answer = console.get(path);
        for (name, part) in [
            ("content-security-policy", "default-src 'none'"),
            (
                "content-security-policy",
                "require-trusted-types-for 'script'",
            ),
            ("content-security-policy", "frame-ancestors 'none'"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cache-control", "no-store"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            let value = answer.header(name).unwrap_or_default();
            assert!(value.contains(part), "{path} {name}: {value}");
        }
        assert!(answer.header("access-control-allow-origin").is_none());
        let policy = answer.header("content-security-policy").unwrap();
        assert!(
            !policy.contains("unsafe") && !policy.contains('*'),
            "{policy}"
        );
    }
}

#[test]
fn a_large_body_is_413() {
    let console = Console::start(&[]);
    let large = json!({"type": EVENT, "body": "x".repeat(1024 * 1024)});
    let answer = console.post("/api/deliveries", &large);
    assert_eq!(answer.status, 413, "{}", answer.head);
    assert!(answer.error().contains("at most 1048576 bytes"));
    assert_eq!(console.json("/api/deliveries")["kept"], 0);
}
