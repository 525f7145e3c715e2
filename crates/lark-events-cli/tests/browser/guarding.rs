//! Requests of other sites that change something, over raw HTTP: each is refused with 403, and changes nothing.

use serde_json::json;

use crate::EVENT;
use crate::console::Console;

const CHANGES: [(&str, &str); 5] = [
    ("POST", "/api/deliveries"),
    ("POST", "/api/deliveries/1/replay"),
    ("POST", "/api/faults"),
    ("DELETE", "/api/faults"),
    ("POST", "/no/such/path"),
];
const READS: [&str; 6] = [
    "/",
    "/deliveries/1",
    "/stream",
    "/assets/console.css",
    "/api/stream",
    "/no/such/page",
];
const JSON: &str = "content-type: application/json\r\n";

fn refused(console: &Console, method: &str, path: &str, headers: &str, body: &str) {
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\n{headers}connection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    let answer = console.sends(request.as_bytes());
    assert_eq!(answer.status, 403, "{request}{answer:?}");
    assert!(answer.body.contains("expected "), "{request}{answer:?}");
    for shown in [EVENT, "data:", "<html", "lose-answer"] {
        assert!(!answer.body.contains(shown), "{request}{answer:?}");
    }
}

#[test]
fn a_request_of_another_site_changes_nothing() {
    let mut console = Console::start(&["--redeliver", "never"]);
    console.types(&format!("push {EVENT}\nfault lose-answer@0.5"));
    console.delivered();
    let change = json!({"type": EVENT, "ids": "same", "fault": "lose-answer"}).to_string();
    let own = format!("host: {}\r\n", console.address);
    let origin = format!("origin: http://{}\r\n", console.address);
    for headers in [
        String::new(),
        "host:\r\n".to_owned(),
        format!("{own}{own}"),
        format!("{own}host: example.com\r\n"),
        format!("{own}{origin}{origin}"),
        format!("{own}origin: null\r\n"),
        format!("{own}sec-fetch-site: same-site\r\n"),
        format!("{own}sec-fetch-site: cross-site\r\n"),
        format!("{own}sec-fetch-site: same-origin\r\nsec-fetch-site: none\r\n"),
    ] {
        for path in READS {
            refused(&console, "GET", path, &headers, "");
        }
        for (method, path) in CHANGES {
            let headers = format!("{headers}{JSON}");
            refused(&console, method, path, &headers, &change);
        }
    }
    let form = format!("type={EVENT}&ids=same&fault=lose-answer");
    for (content_type, body) in [
        ("text/plain", &change),
        ("application/x-www-form-urlencoded", &form),
        ("application/json\r\ncontent-type: text/plain", &change),
    ] {
        for (method, path) in CHANGES {
            let headers = format!("{own}content-type: {content_type}\r\n");
            refused(&console, method, path, &headers, body);
        }
    }
    // The request by which a browser asks first.
    let asks = "origin: http://example.com\r\naccess-control-request-method: POST\r\n";
    for (_, path) in CHANGES {
        refused(&console, "OPTIONS", path, &format!("{own}{asks}"), "");
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
