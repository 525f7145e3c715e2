//! Secrets that `serve` was given are nowhere: in no page, no JSON, no stream, no error.

use axum::Router;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lark_events::EncryptKey;
use serde_json::{Value, json};

use super::http::{Events, request};
use super::{Console, EVENT};
use crate::{KEY, TOKEN, push};

const SECRET: &str = "marked-app\"secret/é";

/// An app that repeats all secrets in each answer, in various forms.
fn echo() -> String {
    let answer = async |body: Bytes| {
        let wrapper: Value = serde_json::from_slice(&body).unwrap();
        let key = EncryptKey::from(KEY);
        let document = key.open(wrapper["encrypt"].as_str().unwrap()).unwrap();
        let document: Value = serde_json::from_slice(&document).unwrap();
        if let Some(challenge) = document.get("challenge") {
            return json!({"challenge": challenge}).to_string().into_response();
        }
        let nested = json!({"app": SECRET, "inner": json!({"app": SECRET}).to_string()});
        let html = SECRET.replace('"', "&quot;").replace('/', "&#47;");
        let basic = STANDARD.encode(format!("cli_1:{SECRET}"));
        let text = format!(
            "{KEY} {TOKEN} {nested} {} \\u006darked-encrypt-key <p title='{html}'>&#x6d;arked-encrypt-key</p> \
             Basic {basic}",
            encoded(SECRET)
        );
        let body = json!({"text": text, "token": TOKEN, SECRET: [SECRET]}).to_string();
        let headers = [("x-echo", format!("{KEY}; {}", encoded(TOKEN)))];
        (StatusCode::IM_A_TEAPOT, headers, body).into_response()
    };
    push::serve(Router::new().route("/webhook/event", post(answer)))
}

/// Every byte percent-encoded.
fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

fn assert_hidden(what: &str, text: &str) {
    let decoded = text.replace("\\u006d", "m").replace("\\\"", "\"");
    for text in [text, &decoded] {
        for secret in [
            "marked-",
            SECRET,
            &encoded(KEY),
            &encoded(TOKEN),
            &encoded(SECRET),
            // A part of it in base64, after `cli_1:`.
            &STANDARD.encode(SECRET)[..16],
            "arked-",
        ] {
            let at = text
                .find(secret)
                .map(|at| text.get(at.saturating_sub(80)..).unwrap_or(text));
            assert_eq!(at, None, "{what}");
        }
    }
}

#[test]
fn given_secrets_are_in_no_answer() {
    let url = format!("{}&key={}&{TOKEN}", echo(), encoded(KEY));
    let env = [
        ("LARK_APP_SECRET", SECRET),
        ("LARK_ENCRYPT_KEY", KEY),
        ("LARK_VERIFICATION_TOKEN", TOKEN),
    ];
    let console = Console::of_with_env(&url, &["--redeliver", "1ms"], &env);
    let content = json!({"text": format!("{TOKEN} {SECRET} {KEY}")}).to_string();
    let payload = json!({"message": {"content": content, SECRET: TOKEN}, KEY: KEY});
    let number = console.push(&json!({"type": EVENT, "body": payload}));
    console.ended(number);
    let replay = format!("/api/deliveries/{number}/replay");
    console.post(&replay, &json!({"ids": "same"}));

    for secret in [KEY, TOKEN, SECRET] {
        for body in [
            json!({"type": secret}),
            json!({"type": EVENT, "set": [format!("{secret}=1")]}),
            json!({"type": EVENT, "transport": secret}),
            json!({secret: 1}),
        ] {
            let answer = console.post("/api/deliveries", &body);
            assert_eq!(answer.status, 400, "{}", answer.body);
            assert_hidden("an error", &answer.body);
        }
        let answer = console.post("/api/faults", &json!({"fault": secret}));
        assert_hidden("an error", &answer.body);
        for path in [
            "/?type=",
            "/?progress=",
            "/compose?search=",
            "/compose?type=",
            "/deliveries/",
            "/api/deliveries?before=",
            "/api/event-types/",
            "/api/stream?after=",
        ] {
            let answer = console.get(&format!("{path}{}", encoded(secret)));
            assert_hidden(path, &answer.body);
        }
    }

    let number = number.to_string();
    for path in [
        "/",
        "/deliveries/{}",
        "/compose?from={}",
        "/connections",
        "/faults",
        "/calls",
        "/api/status",
        "/api/deliveries",
        "/api/deliveries/{}",
        "/api/connections",
        "/api/calls",
        "/api/faults",
    ] {
        let answer = console.get(&path.replace("{}", &number));
        assert_eq!(answer.status, 200, "{path}");
        assert_hidden(path, &answer.body);
    }
    // A command with a masked secret would send something else.
    let commands = &console.json(&format!("/api/deliveries/{number}"))["commands"];
    let withheld = json!({"withheld": true, "push": null, "curl": null});
    assert_eq!(commands, &withheld);
    let page = console.get(&format!("/deliveries/{number}")).body;
    assert!(page.contains("No command is shown") && !page.contains("data-copy"));
    let page = format!("/stream?page=delivery&number={number}");
    for path in ["/stream?after=1-1", &page, "/api/stream"] {
        let event = Events::open(&console.host, path, &[]).next();
        assert_hidden(path, &event.data);
    }
}

#[test]
fn an_answer_of_escapes_leaves_the_console_usable() {
    const BYTES: usize = 256 * 1024;
    let answer = async |body: Bytes| {
        let document: Value = serde_json::from_slice(&body).unwrap();
        match document.get("challenge") {
            Some(challenge) => json!({"challenge": challenge}).to_string(),
            None => "\\".repeat(BYTES),
        }
    };
    let url = push::serve(Router::new().route("/webhook/event", post(answer)));
    let env = [
        ("LARK_APP_SECRET", SECRET),
        ("LARK_VERIFICATION_TOKEN", TOKEN),
    ];
    let console = Console::of_with_env(&url, &["--no-key"], &env);
    let number = console.push_sample();
    let delivery = console.ended(number);
    let body = delivery["attempts"][0]["body"].as_str().unwrap();
    assert_eq!(body.len(), BYTES);
    assert_eq!(console.get(&format!("/deliveries/{number}")).status, 200);
}

#[test]
fn credentials_in_forms_are_not_in_calls_of_the_api() {
    let console = Console::start(&[]);
    let address = console.serving.address();
    let path = "/open-apis/authen/v2/oauth/token?code=code-1&access%5Ftoken=hidden-2";
    let body = "client_secret=hidden-3&refresh_token=hidden-4&grant_type=refresh_token";
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    request(address, "POST", path, &headers, body);
    let calls = console.until("/api/calls", |calls| calls["calls"][0].is_object());
    let body = "client_secret=***&refresh_token=***&grant_type=refresh_token";
    assert_eq!(calls["calls"][0]["body"], body);
    for text in [calls.to_string(), console.get("/calls").body] {
        assert!(
            !text.contains("hidden-") && !text.contains("code-1"),
            "{text}"
        );
    }
}

#[test]
fn the_default_token_is_not_in_documents_either() {
    let console = Console::start(&["--no-key"]);
    let number = console.push(&json!({"type": EVENT}));
    for path in ["/deliveries/", "/api/deliveries/", "/compose?from="] {
        let body = console.get(&format!("{path}{number}")).body;
        assert!(!body.contains("verification-token"), "{path}");
        assert!(body.contains("***"), "{path}");
    }
}

#[test]
fn an_app_secret_is_not_in_calls_of_the_api() {
    let console = Console::start(&[]);
    let body = json!({"app_id": "cli_a1b2c3d4e5f60718", "app_secret": "app-secret"}).to_string();
    let address = console.serving.address();
    let path = "/open-apis/auth/v3/tenant_access_token/internal?access_token=t-1";
    let headers = [("content-type", "application/json")];
    let answer = request(address, "POST", path, &headers, &body);
    assert_eq!(answer.json()["code"], 0, "{}", answer.body);
    let calls = console.until("/api/calls", |calls| calls["calls"][0].is_object());
    let call = &calls["calls"][0];
    assert_eq!(call["body"]["app_secret"], "***");
    assert_eq!(
        call["path"],
        "/open-apis/auth/v3/tenant_access_token/internal?access_token=***"
    );
    assert!(!console.get("/calls").body.contains("app-secret"));
}
