//! Requests of other sites, over raw HTTP: each is refused with 403 and changes nothing.

use serde_json::json;

use crate::EVENT;
use crate::console::Console;

const PATHS: [&str; 13] = [
    "/",
    "/deliveries/1",
    "/compose",
    "/connections",
    "/faults",
    "/calls",
    "/stream",
    "/assets/console.js",
    "/assets/console.css",
    "/api/status",
    "/api/deliveries",
    "/api/stream",
    "/no/such/page",
];
const CHANGES: [(&str, &str); 5] = [
    ("POST", "/api/deliveries"),
    ("POST", "/api/deliveries/1/replay"),
    ("POST", "/api/faults"),
    ("DELETE", "/api/faults"),
    ("POST", "/no/such/path"),
];

fn refused(console: &Console, request: &str) {
    let answer = console.sends(request.as_bytes());
    assert_eq!(answer.status, 403, "{request}{answer:?}");
    assert!(answer.body.contains("expected "), "{request}{answer:?}");
    for secret in [EVENT, "data:", "<html", "lose-answer"] {
        assert!(!answer.body.contains(secret), "{request}{answer:?}");
    }
}

/// What a request of another site has, or lacks.
fn foreign(address: &str) -> Vec<String> {
    let own = format!("host: {address}\r\n");
    let port = address.rsplit(':').next().unwrap();
    let mut foreign = vec![
        String::new(),
        "host:\r\n".to_owned(),
        format!("{own}{own}"),
        format!("{own}host: example.com\r\n"),
        format!("{own}origin: http://{address}\r\norigin: http://{address}\r\n"),
    ];
    for host in [
        "example.com",
        "localhost.example.com",
        "127.0.0.1.example.com",
    ] {
        foreign.push(format!("host: {host}:{port}\r\n"));
    }
    foreign.push("host: 127.0.0.1:1\r\n".to_owned());
    for origin in [
        "null",
        "http://example.com",
        "http://127.0.0.1:1",
        "https://localhost",
    ] {
        foreign.push(format!("{own}origin: {origin}\r\n"));
    }
    for site in ["cross-site", "same-site"] {
        foreign.push(format!("{own}sec-fetch-site: {site}\r\n"));
    }
    foreign
}

#[test]
fn a_request_of_another_site_is_refused_on_every_path_and_changes_nothing() {
    let mut console = Console::start(&["--redeliver", "never"]);
    console.types(&format!("push {EVENT}\nfault lose-answer@0.5"));
    console.delivered();
    for headers in foreign(&console.address) {
        for path in PATHS {
            for method in ["GET", "HEAD"] {
                let request =
                    format!("{method} {path} HTTP/1.1\r\n{headers}connection: close\r\n\r\n");
                match method {
                    "GET" => refused(&console, &request),
                    _ => assert_eq!(console.sends(request.as_bytes()).status, 403, "{request}"),
                }
            }
        }
        for (method, path) in CHANGES {
            let body = json!({"type": EVENT, "ids": "same", "fault": "lose-answer"}).to_string();
            let length = body.len();
            refused(
                &console,
                &format!(
                    "{method} {path} HTTP/1.1\r\n{headers}content-type: application/json\r\n\
                     content-length: {length}\r\nconnection: close\r\n\r\n{body}"
                ),
            );
        }
    }
    let own = &console.address;
    for (content_type, body) in [
        (
            "content-type: text/plain\r\n",
            json!({"type": EVENT}).to_string(),
        ),
        (
            "content-type: application/x-www-form-urlencoded\r\n",
            format!("type={EVENT}"),
        ),
        (
            "content-type: multipart/form-data; boundary=b\r\n",
            "--b--\r\n".to_owned(),
        ),
        (
            "content-type: application/json\r\ncontent-type: text/plain\r\n",
            "{}".to_owned(),
        ),
        ("", json!({"type": EVENT}).to_string()),
    ] {
        for (method, path) in CHANGES {
            let length = body.len();
            refused(
                &console,
                &format!(
                    "{method} {path} HTTP/1.1\r\nhost: {own}\r\n{content_type}\
                     content-length: {length}\r\nconnection: close\r\n\r\n{body}"
                ),
            );
        }
    }
    // A form of another site can also post to a page, and a preflight request asks first.
    for path in PATHS {
        let origin = "origin: http://example.com\r\naccess-control-request-method: POST\r\n";
        let head = format!("{path} HTTP/1.1\r\nhost: {own}\r\n{origin}content-length: 0\r\n");
        for method in ["POST", "OPTIONS"] {
            refused(
                &console,
                &format!("{method} {head}connection: close\r\n\r\n"),
            );
        }
    }
    let stats = console.delivered();
    assert_eq!(
        (&stats["pushes"], &stats["attempts"]),
        (&1.into(), &1.into())
    );
    assert_eq!(console.numbers(), [1]);
    console.types("faults");
    let faults = console.serving.next("faults");
    assert_eq!(faults["faults"][0]["fault"], "lose-answer@0.5");
    assert_eq!(faults["faults"].as_array().unwrap().len(), 1);
}

#[test]
fn no_answer_lets_another_site_read_or_frame_it() {
    let mut console = Console::start(&["--redeliver", "never"]);
    console.types(&format!("push {EVENT}"));
    console.delivered();
    for path in PATHS.iter().filter(|path| !path.ends_with("stream")) {
        let answer = console.get(path);
        let head = answer.head.to_lowercase();
        assert!(!head.contains("access-control-"), "{head}");
        for header in [
            "content-security-policy: default-src 'none'",
            "frame-ancestors 'none'",
            "x-content-type-options: nosniff",
            "referrer-policy: no-referrer",
        ] {
            assert!(head.contains(header), "{path}: no {header} in {head}");
        }
    }
}
