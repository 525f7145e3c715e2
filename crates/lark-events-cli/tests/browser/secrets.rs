//! Secrets that are given to `serve` are in no page, no JSON and no stream, although an app, an event, a call and a
//! user repeat them.

use std::fmt::Write as _;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use lark_events::{Dispatcher, Event, RawJson, Webhook};
use lark_events_tower::EventService;
use serde_json::{Value, json};

use crate::MESSAGE;
use crate::app::App;
use crate::console::{Answer, Console};

const KEY: &str = r#"marked-Key "q" \é秘"#;
/// The token of an app has no characters that JSON escapes.
const TOKEN: &str = "marked-token'+/&<b>%41";
const SECRET: &str = r#"marked-secret'&<b>" \"%25%"#;
const ALL: [&str; 3] = [KEY, TOKEN, SECRET];
/// The start of each secret is the same in most encodings.
const MARK: &str = "marked-";

fn percent_encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            true => encoded.push(byte.into()),
            false => write!(encoded, "%{byte:02X}").unwrap(),
        }
    }
    encoded
}

/// Each character as an escape of JSON.
fn unicode_escaped(text: &str) -> String {
    let units = text.encode_utf16();
    units.map(|unit| format!("\\u{unit:04x}")).collect()
}

/// JSON in which the secrets are values and names, in several encodings.
fn repeated() -> String {
    let [key, token, secret] = ALL;
    let escaped: Vec<_> = ALL
        .map(unicode_escaped)
        .map(|it| format!("\"{it}\""))
        .into();
    let json = json!({
        key: token, secret: [key, { "text": format!("a {secret} b{token}c") }],
        "url": ALL.map(|it| format!("http://x/?a={}", percent_encoded(it))),
        // JSON in JSON.
        "content": json!({ "text": ALL, "again": json!(ALL).to_string() }).to_string(),
    });
    let json = json.to_string();
    let (start, _) = json.rsplit_once('}').unwrap();
    format!("{start},\"escaped\":[{}]}}", escaped.join(","))
}

#[track_caller]
fn assert_without_secrets(what: &str, text: &str) {
    let lower = text.to_lowercase();
    let escaped = unicode_escaped("marked");
    let encoded = ALL.map(|it| BASE64_STANDARD.encode(it));
    for form in [MARK, &escaped, "\\u006darked"]
        .into_iter()
        .chain(encoded.iter().map(String::as_str))
    {
        let form = form.to_lowercase();
        if let Some(at) = lower.find(&form) {
            let (start, end) = (
                lower.floor_char_boundary(at.saturating_sub(200)),
                lower.ceil_char_boundary(at + 100),
            );
            panic!("{what} has {form}: …{}…", &lower[start..end]);
        }
    }
}

fn hides(what: &str, answer: &Answer) {
    assert_without_secrets(what, &answer.head);
    assert_without_secrets(what, &answer.body);
}

/// Headers with the secrets, as they are and encoded.
fn headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (at, secret) in ALL.iter().enumerate() {
        let values = [
            (*secret).to_owned(),
            percent_encoded(secret),
            json!(secret).to_string(),
        ];
        for value in values {
            let name: HeaderName = format!("x-echo-{at}").parse().unwrap();
            headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
    }
    headers
}

/// An app that answers with the headers and the decrypted body of the event, and all secrets.
fn echo() -> App {
    let seen = Arc::new(Mutex::new(String::new()));
    let body = Arc::clone(&seen);
    let dispatcher = Dispatcher::builder().fallback(move |event: Event<RawJson>| {
        *body.lock().unwrap() = event.raw().as_str().to_owned();
        std::future::ready(())
    });
    let webhook = Webhook::builder()
        .encrypt_key(KEY)
        .verification_token(TOKEN)
        .build()
        .unwrap();
    let service = EventService::new(webhook, dispatcher.build().unwrap());
    let repeat = move |request: Request, next: Next| {
        let seen = Arc::clone(&seen);
        async move {
            let sent = format!("{:?}", request.headers());
            let response = next.run(request).await;
            let answer = to_bytes(response.into_body(), usize::MAX).await.unwrap();
            if answer.starts_with(b"{\"challenge\"") {
                return Response::new(Body::from(answer));
            }
            let event = seen.lock().unwrap().clone();
            let body = format!(
                "{{\"event\":{event},\"headers\":{},\"repeated\":{}}}",
                json!(sent),
                repeated()
            );
            (headers(), body).into_response()
        }
    };
    let router = Router::new()
        .route_service("/webhook/event", service)
        .layer(from_fn(repeat));
    App::serve(TcpListener::bind("127.0.0.1:0").unwrap(), router)
}

const PAGES: [&str; 10] = [
    "/",
    "/compose",
    "/connections",
    "/faults",
    "/calls",
    "/api/status",
    "/api/deliveries",
    "/api/faults",
    "/api/connections",
    "/api/calls",
];

fn assert_hidden(console: &Console, deliveries: u64) {
    let all = PAGES.map(str::to_owned).into_iter();
    let of_each = (1..=deliveries).flat_map(|number| {
        ["/deliveries/", "/compose?from=", "/api/deliveries/"].map(|path| format!("{path}{number}"))
    });
    for path in all.chain(of_each) {
        let answer = console.get(&path);
        assert_eq!(answer.status, 200, "{path}");
        hides(&path, &answer);
    }
    let status = "\"id\":\"status\"";
    for page in [
        "deliveries",
        "delivery&number=1",
        "connections",
        "faults",
        "calls",
        "compose",
    ] {
        let path = format!("/stream?page={page}");
        assert_without_secrets(&path, &console.stream(&path, status));
    }
    let changes = console.stream("/api/stream", "event: status");
    assert_eq!(
        changes.matches("event: delivery").count() as u64,
        deliveries
    );
    assert_without_secrets("/api/stream", &changes);
}

#[test]
fn secrets_that_are_given_are_in_no_page_no_json_and_no_stream() {
    let app = echo();
    let secrets = ["--key", KEY, "--token", TOKEN, "--app-secret", SECRET];
    let args = ["--webhook", &app.url, "--redeliver", "never"];
    let mut console = Console::start(&[&secrets[..], &args].concat());
    console.serving.next("webhook-set");
    console.types(&format!("push {MESSAGE}\npush url.preview.get"));
    console.delivered();
    let document = format!(
        r#"{{"header": {{"event_type": {}, "token": {}}}, "event": {}}}"#,
        json!(format!("tea.{TOKEN}")),
        json!(TOKEN),
        repeated()
    );
    let push = json!({ "document": document, "event_id": SECRET });
    let answer = console.asks("POST", "/api/deliveries", &push);
    assert_eq!(answer.status, 201, "{answer:?}");
    let again = console.asks("POST", "/api/deliveries/3/replay", &json!({"ids": "same"}));
    assert_eq!(again.status, 201, "{again:?}");
    assert_eq!(console.delivered()["acknowledged"], 4);
    let credentials = json!({ "app_id": "cli_a1b2c3d4e5f60718", "app_secret": SECRET });
    let path = "/open-apis/auth/v3/tenant_access_token/internal";
    let token = console.calls(path, "", &credentials.to_string());
    let token = token["tenant_access_token"].as_str().unwrap();
    for token in [token, "wrong"] {
        let path = format!("/open-apis/im/v1/messages/{}/reply", percent_encoded(TOKEN));
        console.calls(&path, token, &repeated());
    }
    assert_hidden(&console, 4);
    for path in ["/calls", "/api/calls", "/deliveries/1"] {
        let answer = console.get(path);
        assert!(!answer.body.contains(token), "{path} has a token of access");
    }

    // What a user types is repeated in errors, filters and fields.
    for secret in ALL {
        let typed = percent_encoded(secret);
        for path in [
            "/?type=",
            "/?progress=",
            "/?before=",
            "/compose?search=",
            "/compose?type=",
            "/compose?from=",
            "/deliveries/",
            "/",
            "/api/",
            "/api/deliveries?type=",
            "/api/deliveries?transport=",
            "/api/deliveries/",
            "/api/event-types/",
            "/api/event-types?search=",
            "/api/stream?after=",
            "/stream?page=delivery&number=",
        ] {
            hides(path, &console.get(&format!("{path}{typed}")));
        }
        for (path, change) in [
            ("/api/deliveries", json!({ "type": secret })),
            (
                "/api/deliveries",
                json!({ "type": MESSAGE, "set": format!("{secret}=1") }),
            ),
            (
                "/api/deliveries",
                json!({ "type": MESSAGE, "document": secret }),
            ),
            (
                "/api/deliveries",
                json!({ "type": MESSAGE, "transport": secret }),
            ),
            ("/api/deliveries", json!({ secret: "" })),
            ("/api/deliveries/1/replay", json!({ "ids": secret })),
            ("/api/faults", json!({ "fault": secret })),
        ] {
            let answer = console.asks("POST", path, &change);
            assert!(answer.status >= 400, "{path} {change}: {answer:?}");
            hides(path, &answer);
        }
        let answer = console.asks("DELETE", "/api/faults", &json!({ "fault": secret }));
        hides("DELETE", &answer);
    }
}

#[test]
fn secrets_are_not_in_the_state_of_a_webhook_that_fails() {
    let fails =
        |_: axum::body::Bytes| async { (StatusCode::INTERNAL_SERVER_ERROR, headers(), repeated()) };
    let router = Router::new().fallback(axum::routing::post(fails));
    let app = App::serve(TcpListener::bind("127.0.0.1:0").unwrap(), router);
    let secrets = ["--key", KEY, "--token", TOKEN, "--app-secret", SECRET];
    let query = ALL.map(percent_encoded).join("&");
    let url = format!("{}?{query}", app.url);
    let mut console = Console::start(&[&secrets[..], &["--webhook", &url]].concat());
    console.serving.next("webhook-refused");
    let status: Value = console.json("/api/status");
    assert_eq!(status["webhook"]["state"], "refused");
    assert_hidden(&console, 0);
}
