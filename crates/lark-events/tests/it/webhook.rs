//! The webhook as a whole: its secrets, its bounds, its refusals and odd input.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use lark_events::error::RejectionKind;
use lark_events::error::WebhookBuildErrorKind;
use lark_events::limits::{
    MAX_ENVELOPE_TEXT_BYTES, MAX_EVENT_BYTES, MAX_LIVE_SECRETS, MAX_UNSIGNED_BYTES, REFUSAL_DELAY,
};

use crate::support::{
    KEY, TOKEN, builder, challenge, delivery, event, keyed, refused, sealed, signature_headers,
    signed, signed_at, url_check,
};

#[test]
fn several_secrets_live_at_once_for_rotation() {
    let rotating = builder()
        .encrypt_key("old key")
        .encrypt_key("new key")
        .verification_token("old token")
        .verification_token("new token")
        .build()
        .unwrap();
    for key in ["old key", "new key"] {
        for token in ["old token", "new token"] {
            let body = sealed(key, &event(token));
            delivery(rotating.open(&signed(key, &body), body));
            let check = sealed(key, &url_check(token, "abc"));
            challenge(rotating.open(&HeaderMap::new(), check));
        }
    }
    // One key must both encrypt and sign.
    let mixed = sealed("old key", &event("old token"));
    let opened = rotating.open(&signed("new key", &mixed), mixed);
    assert_eq!(refused(opened), RejectionKind::Malformed);
    let gone = sealed("older key", &event("old token"));
    let opened = rotating.open(&signed("older key", &gone), gone);
    assert_eq!(refused(opened), RejectionKind::Signature);
}

#[test]
fn each_proof_has_its_limits_before_the_body_is_read() {
    let signature = signed(KEY, b"");
    let unsigned = HeaderMap::new();
    let two_keys = builder().encrypt_key(KEY).encrypt_key("other key");
    let two_keys = two_keys.verification_token(TOKEN).build().unwrap();
    let token = builder().verification_token(TOKEN).build().unwrap();
    for (webhook, headers, body_limit, too_large, keys, refusal_delay) in [
        (
            &two_keys,
            &signature,
            MAX_EVENT_BYTES,
            RejectionKind::TooLarge,
            2,
            None,
        ),
        (
            &two_keys,
            &unsigned,
            MAX_UNSIGNED_BYTES,
            RejectionKind::Unsigned,
            0,
            Some(REFUSAL_DELAY),
        ),
        (
            &token,
            &signature,
            MAX_EVENT_BYTES,
            RejectionKind::TooLarge,
            0,
            None,
        ),
        (
            &token,
            &unsigned,
            MAX_EVENT_BYTES,
            RejectionKind::TooLarge,
            0,
            None,
        ),
    ] {
        let admission = webhook.admit(headers).unwrap();
        assert_eq!(admission.body_limit(), body_limit);
        assert_eq!(admission.too_large().kind(), too_large);
        assert_eq!(admission.keys(), keys);
        assert_eq!(admission.refusal_delay(), refusal_delay);
    }
}

#[test]
fn a_webhook_that_would_let_everybody_in_cannot_be_built() {
    let failure = |builder: lark_events::webhook::WebhookBuilder| builder.build().unwrap_err();
    let error = |builder| failure(builder).kind();
    assert_eq!(error(builder()), WebhookBuildErrorKind::NoSecret);
    assert_eq!(
        error(builder().encrypt_key("")),
        WebhookBuildErrorKind::EmptySecret
    );
    assert_eq!(
        error(builder().encrypt_key(KEY).verification_token("")),
        WebhookBuildErrorKind::EmptySecret
    );
    let keys = |count| (0..count).fold(builder(), |builder, n| builder.encrypt_key(n.to_string()));
    assert!(keys(MAX_LIVE_SECRETS).build().is_ok());
    let error = failure(keys(MAX_LIVE_SECRETS + 1));
    assert_eq!(error.kind(), WebhookBuildErrorKind::TooManySecrets);
    assert_eq!(
        error.to_string(),
        "expected at most 4 encrypt keys and 4 verification tokens"
    );
    let text = |builder| failure(builder).to_string();
    assert!(text(builder()).contains("neither"));
    assert!(text(builder().encrypt_key("")).contains("empty"));
}

#[test]
fn the_bounds_are_those_documented() {
    assert_eq!(MAX_EVENT_BYTES, 4_194_304);
    assert_eq!(MAX_UNSIGNED_BYTES, 768);
    assert_eq!(MAX_LIVE_SECRETS, 4);
    assert_eq!(MAX_ENVELOPE_TEXT_BYTES, 1_024);
}

#[test]
fn an_envelope_with_a_text_that_is_too_long_is_rejected() {
    let plain = builder().verification_token(TOKEN).build().unwrap();
    let with = |id_bytes| event(TOKEN).replace("e-1", &"x".repeat(id_bytes));
    for bytes in [MAX_ENVELOPE_TEXT_BYTES + 1, 2 << 20] {
        let body = sealed(KEY, &with(bytes));
        let rejection = keyed().open(&signed(KEY, &body), body).unwrap_err();
        assert_eq!(rejection.kind(), RejectionKind::Malformed);
        assert_eq!(rejection.status(), StatusCode::BAD_REQUEST);
        // Without an Encrypt Key nothing is authentic before its token has matched.
        let rejection = plain.open(&HeaderMap::new(), with(bytes).into());
        let rejection = rejection.unwrap_err();
        assert_eq!(rejection.kind(), RejectionKind::Token);
        assert_eq!(rejection.status(), StatusCode::UNAUTHORIZED);
    }
    let most = with(MAX_ENVELOPE_TEXT_BYTES);
    let body = sealed(KEY, &most);
    let opened = delivery(keyed().open(&signed(KEY, &body), body));
    let event_id = opened.header.event_id.unwrap();
    assert_eq!(event_id.len(), MAX_ENVELOPE_TEXT_BYTES);
    delivery(plain.open(&HeaderMap::new(), most.into()));
}

#[test]
fn debug_output_shows_settings_and_no_secret() {
    let shown = format!("{:?} {:?}", keyed(), keyed().admit(&HeaderMap::new()));
    assert!(shown.contains("EncryptKey(..)"), "{shown}");
    assert!(shown.contains("VerificationToken(..)"), "{shown}");
    assert!(shown.contains("max_age: 28800s"), "{shown}");
    assert!(!shown.contains(KEY) && !shown.contains(TOKEN), "{shown}");
}

#[test]
fn every_failure_of_authentication_has_one_status() {
    let body = sealed(KEY, &event(TOKEN));
    let stale = signed_at("1", KEY, &body);
    let malformed = signature_headers("1", "n", "x");
    let forged = sealed(KEY, &event("forged"));
    for (headers, body) in [
        (malformed, body.clone()),
        (signed("other key", &body), body.clone()),
        (stale, body.clone()),
        (HeaderMap::new(), body),
        (signed(KEY, &forged), forged.clone()),
    ] {
        let rejection = keyed().open(&headers, body).unwrap_err();
        assert_eq!(rejection.status(), StatusCode::UNAUTHORIZED, "{rejection}");
    }
}

#[test]
fn reasons_have_names_and_texts_of_their_own() {
    let body = sealed(KEY, &event(TOKEN));
    let mut seen = Vec::new();
    for (opened, name) in [
        (
            keyed().open(&signature_headers("", "", ""), body.clone()),
            "signature_headers",
        ),
        (keyed().open(&signed("x", &body), body.clone()), "signature"),
        (
            keyed().open(&signed_at("1", KEY, &body), body.clone()),
            "timestamp",
        ),
        (keyed().open(&HeaderMap::new(), body.clone()), "unsigned"),
        (
            keyed().open(&signed(KEY, b"{}"), Bytes::from_static(b"{}")),
            "token",
        ),
        (
            keyed().open(&signed(KEY, b"{"), Bytes::from_static(b"{")),
            "malformed",
        ),
    ] {
        let rejection = opened.unwrap_err();
        assert_eq!(rejection.kind().as_str(), name);
        seen.push(rejection.to_string());
    }
    let small = builder()
        .encrypt_key(KEY)
        .max_event_bytes(1)
        .build()
        .unwrap();
    let rejection = small.open(&signed(KEY, &body), body).unwrap_err();
    assert_eq!(rejection.kind().as_str(), "too_large");
    seen.push(rejection.to_string());
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 7, "{seen:?}");
    assert!(seen.iter().all(|text| !text.is_empty()));
}

#[test]
fn odd_input_is_refused_or_taken_and_never_panics() {
    let deep = |open: char, close: char, name: &str| {
        let (open, close) = (
            format!("{open}{name}").repeat(20_000),
            close.to_string().repeat(20_000),
        );
        format!("{open}1{close}")
    };
    let arrays = deep('[', ']', "");
    let objects = deep('{', '}', r#""a":"#);
    // Deep nesting in the body, or in a member nobody knows, costs nothing.
    for deep in [&arrays, &objects] {
        for document in [
            event(TOKEN).replace(r#"{"room_id":"omm_1"}"#, deep),
            event(TOKEN).replace(r#""schema""#, &format!(r#""new":{deep},"schema""#)),
            event(TOKEN).replace(r#""app_id""#, &format!(r#""new":{deep},"app_id""#)),
        ] {
            let body = sealed(KEY, &document);
            delivery(keyed().open(&signed(KEY, &body), body));
        }
        let body = sealed(KEY, deep);
        let reason = refused(keyed().open(&signed(KEY, &body), body));
        assert!(matches!(
            reason,
            RejectionKind::Malformed | RejectionKind::Token
        ));
    }
    // NUL is no white space of JSON, and invalid UTF-8 is no JSON anywhere.
    for document in [
        &b"{\"a\":\"\0\"}"[..],
        b"{}\0",
        b"{\"a\":\"\xff\"}",
        b"\xef\xbb\xbf{}",
    ] {
        let reason = refused(keyed().open(&signed(KEY, document), document.into()));
        assert_eq!(reason, RejectionKind::Malformed, "{document:?}");
    }
    let eight_mebibytes = Bytes::from(vec![b'['; 8 * 1024 * 1024]);
    let headers = signed(KEY, &eight_mebibytes);
    let reason = refused(keyed().open(&headers, eight_mebibytes));
    assert_eq!(reason, RejectionKind::TooLarge);
}

#[test]
fn an_odd_key_costs_its_own_member_on_every_way_in() {
    let odd = |document: &str| document.replacen('{', r#"{"\ud800":1,"#, 1);
    let document = odd(&event(TOKEN));
    let plain = builder().verification_token(TOKEN).build().unwrap();
    delivery(plain.open(&HeaderMap::new(), document.clone().into()));
    let wrapper = Bytes::from(odd(std::str::from_utf8(&sealed(KEY, &document)).unwrap()));
    let twice = Bytes::from(document.replacen('{', r#"{"new":{"\ud800":1},"#, 1));
    for body in [Bytes::from(document), wrapper, twice] {
        delivery(keyed().open(&signed(KEY, &body), body));
    }
    // What may come unsigned stays three members.
    let check = sealed(KEY, &odd(&url_check(TOKEN, "abc")));
    let opened = keyed().open(&HeaderMap::new(), check);
    assert_eq!(refused(opened), RejectionKind::Unsigned);
}
