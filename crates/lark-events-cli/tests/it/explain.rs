//! `explain`: every cause, made and found.

use lark_events::limits::{MAX_EVENT_BYTES, MAX_NONCE, MAX_TIMESTAMP};
use lark_events::{EncryptKey, VerificationToken};
use serde_json::{Value, json};

use crate::{KEY, Ran, Run, TOKEN, file, lark_events};

/// When everything here is signed.
const AT: &str = "1700000000";
const NONCE: &str = "n-1";

fn event(token: &str) -> String {
    json!({
        "schema": "2.0",
        "header": {"event_id": "e-1", "event_type": "tea.pot.ready_v1", "token": token},
        "event": {"kind": "grün/green"},
    })
    .to_string()
}

fn url_check(token: &str) -> String {
    json!({"type": "url_verification", "token": token, "challenge": "c-1"}).to_string()
}

/// The wrapper, with an initialisation vector that makes for plus signs and slashes in the base64.
fn sealed(document: &str) -> String {
    let key = EncryptKey::new(KEY);
    let mut texts = (0..=255).map(|byte| key.seal(document.as_bytes(), [byte; 16]));
    let text = texts.find(|text| text.contains('+') && text.contains('/'));
    json!({ "encrypt": text.unwrap() }).to_string()
}

fn sign(body: &str) -> [(&'static str, String); 3] {
    let signature = EncryptKey::new(KEY).sign(AT, NONCE, body.as_bytes());
    [
        ("X-Lark-Request-Timestamp", AT.to_owned()),
        ("X-Lark-Request-Nonce", NONCE.to_owned()),
        ("X-Lark-Signature", signature),
    ]
}

/// A request as it is saved.
fn request(headers: &[(&str, String)], body: &str) -> String {
    let headers: String = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    format!("POST /webhook HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n{body}")
}

fn explain(request: impl Into<Vec<u8>>) -> Run {
    lark_events(&["explain", "--json", "--at", AT]).stdin(request)
}

#[track_caller]
fn refused_for(ran: Ran, reason: &str, cause: &str) {
    let ran = ran.with_code(1);
    let json = ran.json();
    assert_eq!(
        (&json["accepted"], &json["reason"]),
        (&json!(false), &json!(reason)),
        "{json}"
    );
    let causes = json["causes"].as_array().unwrap();
    let names: Vec<_> = causes
        .iter()
        .map(|cause| cause["cause"].as_str().unwrap())
        .collect();
    assert_eq!(names, [cause], "{json}");
    assert_ne!(causes[0]["fix"], "");
}

#[test]
fn a_good_request_is_accepted() {
    let body = sealed(&event(TOKEN));
    let ran = explain(request(&sign(&body), &body))
        .secrets()
        .run()
        .with_code(0);
    let accepted = json!({
        "accepted": true, "is": "event", "event_type": "tea.pot.ready_v1", "event_id": "e-1",
    });
    assert_eq!(ran.json(), accepted);
    let ran = explain(request(&[], &sealed(&url_check(TOKEN))))
        .secrets()
        .run()
        .with_code(0);
    assert_eq!(ran.json()["is"], "url_check");
    let ran = explain(event(TOKEN))
        .env("LARK_VERIFICATION_TOKEN", TOKEN)
        .run()
        .with_code(0);
    assert_eq!(ran.json()["is"], "event");

    let path = file("body.json", &body);
    let [timestamp, nonce, signature] = sign(&body).map(|(name, value)| format!("{name}: {value}"));
    let body = path.to_str().unwrap();
    let args = [
        "explain", "--at", AT, "--body", body, "--header", &timestamp, "--header", &nonce,
    ];
    let ran = lark_events(&[&args[..], &["--header", &signature]].concat())
        .secrets()
        .run();
    assert_eq!(ran.with_code(0).stdout, "accepted: tea.pot.ready_v1 e-1\n");
}

#[test]
fn people_see_the_reason_the_cause_and_the_fix() {
    let ran = lark_events(&["explain"])
        .secrets()
        .stdin(event(TOKEN))
        .run()
        .with_code(1);
    let [reason, "", cause, fix] = ran.stdout.lines().collect::<Vec<_>>()[..] else {
        panic!("{ran:?}");
    };
    assert_eq!(
        reason,
        "rejected: the request is unsigned and not an accepted URL check (unsigned, answered 401)"
    );
    assert!(cause.starts_with("not_encrypted: the body is neither encrypted nor signed"));
    assert!(fix.starts_with("  fix: set the Encrypt Key in the developer console too"));
}

#[test]
fn headers_that_are_missing_renamed_repeated_or_malformed_are_named() {
    let body = sealed(&event(TOKEN));
    let [timestamp, nonce, signature] = sign(&body);
    let underscored = ("HTTP_X_LARK_SIGNATURE", signature.1.clone());
    let sha1 = VerificationToken::new(TOKEN).sign_old_card(AT, NONCE, body.as_bytes());
    for (headers, cause) in [
        (vec![timestamp.clone(), nonce.clone()], "header_missing"),
        (
            vec![timestamp.clone(), nonce.clone(), underscored],
            "header_renamed",
        ),
        (
            vec![
                timestamp.clone(),
                nonce.clone(),
                nonce.clone(),
                signature.clone(),
            ],
            "header_repeated",
        ),
        (
            vec![
                ("X-Lark-Request-Timestamp", "now".to_owned()),
                nonce.clone(),
                signature.clone(),
            ],
            "header_malformed",
        ),
        (
            vec![
                ("X-Lark-Request-Timestamp", "1".repeat(MAX_TIMESTAMP + 1)),
                nonce.clone(),
                signature.clone(),
            ],
            "header_malformed",
        ),
        (
            vec![
                timestamp.clone(),
                ("X-Lark-Request-Nonce", "n".repeat(MAX_NONCE + 1)),
                signature.clone(),
            ],
            "header_malformed",
        ),
        (
            vec![
                timestamp.clone(),
                nonce.clone(),
                ("X-Lark-Signature", "abc".to_owned()),
            ],
            "header_malformed",
        ),
        (
            vec![timestamp, nonce, ("X-Lark-Signature", sha1)],
            "old_card",
        ),
    ] {
        let ran = explain(request(&headers, &body)).secrets().run();
        refused_for(ran, "signature_headers", cause);
    }
    let all_renamed = sign(&body).map(|(name, value)| (name.replace('-', "_"), value));
    let all_renamed: Vec<_> = all_renamed
        .iter()
        .map(|(name, value)| (name.as_str(), value.clone()))
        .collect();
    let ran = explain(request(&all_renamed, &body))
        .secrets()
        .run()
        .with_code(1);
    assert_eq!(ran.json()["reason"], "unsigned");
    assert_eq!(ran.json()["causes"].as_array().unwrap().len(), 3);
    assert_eq!(ran.json()["causes"][2]["cause"], "header_renamed");
    let ran = explain(request(&[], &body)).secrets().run();
    refused_for(ran, "unsigned", "headers_missing");
}

#[test]
fn a_changed_body_is_told_by_what_was_signed() {
    let body = sealed(&event(TOKEN));
    let signed = sign(&body);
    let spaced = body.replace(':', ": ");
    for (received, cause) in [
        (format!("{body}\n"), "body_newline"),
        (format!("\u{feff}{body}"), "body_byte_order_mark"),
        (spaced.clone(), "body_reserialised"),
        (body.replace('/', "\\/"), "body_reserialised"),
        (body.replace('+', "\\u002B"), "body_reserialised"),
        (body.replace('+', " "), "body_url_decoded"),
        (event(TOKEN), "body_decrypted"),
        (
            body.replace("encrypt\":\"", "encrypt\":\"AAAA"),
            "wrong_key",
        ),
        (body[..body.len() - 9].to_owned(), "body_not_json"),
        (String::new(), "body_not_json"),
        (sealed(&event("another")), "request_changed"),
    ] {
        let ran = explain(request(&signed, &received)).secrets().run();
        refused_for(ran, "signature", cause);
    }
    // And the other way round.
    let ran = explain(request(&sign(&spaced), &body)).secrets().run();
    refused_for(ran, "signature", "body_reserialised");
    let lines = format!("{{\r\n\"encrypt\": {}\r\n}}", &body[11..body.len() - 1]);
    let received = lines.replace("\r\n", "\n");
    let ran = explain(request(&sign(&lines), &received)).secrets().run();
    refused_for(ran, "signature", "body_line_ends");
    let sorted = r#"{"a":[{"b":"/","c":2}],"encrypt":"x"}"#;
    let received = r#"{"encrypt": "x", "a": [{"c": 2, "b": "\/"}]}"#;
    let ran = explain(request(&sign(sorted), received)).secrets().run();
    refused_for(ran, "signature", "body_reserialised");

    let mut zipped = request(&signed, "").into_bytes();
    zipped.extend(*b"\x1f\x8b\x08\0");
    refused_for(
        explain(zipped).secrets().run(),
        "signature",
        "body_compressed",
    );
}

#[test]
fn what_an_editor_put_after_the_body_does_not_count_where_its_length_is_known() {
    let body = sealed(&event(TOKEN));
    let length = ("Content-Length", body.len().to_string());
    let headers = [&sign(&body)[..], &[length]].concat();
    explain(request(&headers, &body) + "\n")
        .secrets()
        .run()
        .with_code(0);
    let ran = explain(request(&headers, &body[..20]))
        .secrets()
        .run()
        .with_code(1);
    assert_eq!(ran.json()["causes"][1]["cause"], "body_cut");
}

#[test]
fn a_wrong_key_is_told_from_one_that_was_written_down_wrongly() {
    let body = sealed(&event(TOKEN));
    let signed = request(&sign(&body), &body);
    let unsigned = request(&[], &sealed(&url_check(TOKEN)));
    for (key, cause) in [
        ("another", "wrong_key"),
        (&format!("{KEY}\n"), "secret_whitespace"),
        (&format!("\"{KEY}\""), "secret_quoted"),
    ] {
        let ran = explain(&*signed)
            .secrets()
            .env("LARK_ENCRYPT_KEY", key)
            .run();
        refused_for(ran, "signature", cause);
        let ran = explain(&*unsigned)
            .secrets()
            .env("LARK_ENCRYPT_KEY", key)
            .run();
        refused_for(ran, "unsigned", cause);
    }
    let swapped = |run: Run| {
        run.env("LARK_ENCRYPT_KEY", TOKEN)
            .env("LARK_VERIFICATION_TOKEN", KEY)
            .run()
    };
    refused_for(swapped(explain(&*signed)), "signature", "secrets_swapped");
    refused_for(swapped(explain(&*unsigned)), "unsigned", "secrets_swapped");

    let both = explain(request(&sign(&body), &body.replace(':', ": "))).secrets();
    let ran = both
        .env("LARK_ENCRYPT_KEY", &format!(" {KEY}"))
        .run()
        .with_code(1);
    let names = ran.json()["causes"].clone();
    assert_eq!(names[0]["cause"], "secret_whitespace");
    assert_eq!(names[1]["cause"], "body_reserialised");
}

#[test]
fn the_clock_is_told_fast_slow_or_of_another_unit() {
    let body = sealed(&event(TOKEN));
    let signed = |timestamp: &str| {
        let signature = EncryptKey::new(KEY).sign(timestamp, NONCE, body.as_bytes());
        let [_, nonce, _] = sign(&body);
        let timestamp = ("X-Lark-Request-Timestamp", timestamp.to_owned());
        request(&[timestamp, nonce, ("X-Lark-Signature", signature)], &body)
    };
    for (timestamp, cause) in [
        ("1699971199", "timestamp_old"),
        ("1700000601", "timestamp_ahead"),
        ("1700000", "timestamp_unit"),
        ("1700000000000000000", "timestamp_unit"),
    ] {
        refused_for(
            explain(signed(timestamp)).secrets().run(),
            "timestamp",
            cause,
        );
    }
    for timestamp in [
        "1699971200",
        "1700000600",
        "1700000000000",
        "1700000000000000",
    ] {
        explain(signed(timestamp)).secrets().run().with_code(0);
    }
    let ran = lark_events(&["explain"])
        .secrets()
        .stdin(signed(AT))
        .run()
        .with_code(1);
    assert!(ran.stdout.contains("pass that time with --at"), "{ran:?}");
    let days = "the request was signed 2 days ago";
    let ran = lark_events(&["explain", "--at", "1700172801"])
        .secrets()
        .stdin(signed(AT))
        .run();
    assert!(ran.with_code(1).stdout.contains(days));
}

#[test]
fn a_wrong_token_is_told_from_none_and_from_one_written_down_wrongly() {
    let plain =
        |token: &str, body: String| explain(body).env("LARK_VERIFICATION_TOKEN", token).run();
    for (token, cause) in [
        ("another", "wrong_token"),
        (&format!(" {TOKEN}"), "secret_whitespace"),
        (&format!("'{TOKEN}'"), "secret_quoted"),
    ] {
        refused_for(plain(token, event(TOKEN)), "token", cause);
        let body = sealed(&event(TOKEN));
        let run = explain(request(&sign(&body), &body)).env("LARK_ENCRYPT_KEY", KEY);
        refused_for(
            run.env("LARK_VERIFICATION_TOKEN", token).run(),
            "token",
            cause,
        );
        let run = explain(sealed(&url_check(TOKEN))).env("LARK_ENCRYPT_KEY", KEY);
        refused_for(
            run.env("LARK_VERIFICATION_TOKEN", token).run(),
            "unsigned",
            cause,
        );
    }
    refused_for(
        plain(TOKEN, r#"{"header":{"event_type":"x"}}"#.to_owned()),
        "token",
        "token_missing",
    );
    refused_for(
        plain(TOKEN, r#"{"a": "#.to_owned()),
        "token",
        "body_not_json",
    );
    refused_for(plain(TOKEN, sealed(&event(TOKEN))), "token", "key_not_set");
    let run = explain(sealed(&url_check(TOKEN)))
        .env("LARK_ENCRYPT_KEY", KEY)
        .run();
    refused_for(run, "unsigned", "token_not_set");
}

#[test]
fn what_is_authentic_and_no_event_is_told() {
    for (document, cause) in [
        (json!({"token": TOKEN}).to_string(), "no_event"),
        (
            json!({"token": TOKEN, "type": "event_callback"}).to_string(),
            "no_event",
        ),
    ] {
        let body = sealed(&document);
        let ran = explain(request(&sign(&body), &body)).secrets().run();
        refused_for(ran, "malformed", cause);
    }
    let body = r#"{"encrypt":"no base64"}"#;
    let ran = explain(request(&sign(body), body)).secrets().run();
    refused_for(ran, "malformed", "wrongly_encrypted");
    let odd = url_check(TOKEN).replace("c-1", "c 1");
    refused_for(
        explain(sealed(&odd)).secrets().run(),
        "unsigned",
        "url_check_form",
    );
    let long = url_check(TOKEN).replace("c-1", &"c".repeat(5000));
    refused_for(
        explain(sealed(&long)).secrets().run(),
        "unsigned",
        "too_large",
    );
    let huge = "x".repeat(MAX_EVENT_BYTES + 1);
    let ran = explain(request(&sign(&huge), &huge)).secrets().run();
    refused_for(ran, "too_large", "too_large");
}

#[test]
fn what_is_no_request_is_misuse() {
    let ran = explain("no header\n\n{}").secrets().run().with_code(2);
    assert!(ran.stderr.contains("line 1: expected a header"), "{ran:?}");
    explain("").secrets().run().with_code(2);
    let args = ["explain", "--body", "-", "--header", "none"];
    let ran = lark_events(&args).secrets().stdin("{}").run().with_code(2);
    assert!(
        ran.stderr.contains("--header none: expected a header"),
        "{ran:?}"
    );
    assert_eq!(ran.stdout, "");
}

#[test]
fn no_secret_and_no_token_of_a_document_is_printed() {
    // `Run` holds every output against the marks of the secrets.
    let sent: Value = serde_json::from_str(&event("another-marked-token")).unwrap();
    let body = sealed(&sent.to_string());
    let ran = explain(request(&sign(&body), &body)).secrets().run();
    refused_for(ran, "token", "wrong_token");
}
