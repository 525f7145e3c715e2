//! The rule by which webhook requests are let in, sentence by sentence.

use std::time::{Duration, UNIX_EPOCH};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use lark_events::{
    Challenge, Delivery, EncryptKey, MAX_EVENT_BYTES, MAX_LIVE_SECRETS, MAX_UNSIGNED_BYTES, Opened,
    Rejection, RejectionReason, SIGNATURE_HEADER, Transport, Webhook, WebhookBuildError,
};

use crate::support::{
    KEY, NOW, TOKEN, builder, event, keyed, now, refused, sealed, signature_headers, signed,
    signed_at, url_check,
};

#[track_caller]
fn delivery(result: Result<Opened, Rejection>) -> Delivery {
    match result {
        Ok(Opened::Delivery(delivery)) => delivery,
        other => panic!("not a delivery: {other:?}"),
    }
}

#[track_caller]
fn challenge(result: Result<Opened, Rejection>) -> Challenge {
    match result {
        Ok(Opened::Challenge(challenge)) => challenge,
        other => panic!("not a challenge: {other:?}"),
    }
}

#[test]
fn a_signed_and_encrypted_event_is_delivered() {
    let body = sealed(KEY, &event(TOKEN));
    let delivery = delivery(keyed().open(&signed(KEY, &body), body));
    assert_eq!(delivery.header.event_id, "e-1");
    assert_eq!(delivery.header.event_type, "vc.room.created_v1");
    assert_eq!(delivery.header.app_id, "cli_1");
    assert_eq!(delivery.header.tenant_key, "t-1");
    assert_eq!(delivery.raw.as_str(), r#"{"room_id":"omm_1"}"#);
    assert_eq!(delivery.transport, Transport::Webhook);
    assert_eq!(delivery.received_at, now());
}

#[test]
fn a_signature_in_upper_case_is_the_same_signature() {
    let body = sealed(KEY, &event(TOKEN));
    let mut headers = signed(KEY, &body);
    let upper = headers[SIGNATURE_HEADER].to_str().unwrap().to_uppercase();
    headers.insert(SIGNATURE_HEADER, upper.parse().unwrap());
    delivery(keyed().open(&headers, body));
}

#[test]
fn a_signed_document_in_the_plain_is_as_authentic_as_a_sealed_one() {
    let body = Bytes::from(event(TOKEN));
    delivery(keyed().open(&signed(KEY, &body), body));
}

#[test]
fn a_signed_url_check_is_answered() {
    let body = sealed(KEY, &url_check(TOKEN, "abc"));
    let challenge = challenge(keyed().open(&signed(KEY, &body), body));
    assert_eq!(challenge.as_str(), "abc");
}

#[test]
fn a_signature_over_another_body_is_refused_before_anything_is_decrypted() {
    let body = sealed(KEY, &event(TOKEN));
    let headers = signed(KEY, &body);
    // Not even base64: had it been looked at first, the reason would be another.
    for forged in [
        r#"{"encrypt":"!"}"#.into(),
        sealed(KEY, &event("x")),
        Bytes::new(),
    ] {
        assert_eq!(
            refused(keyed().open(&headers, forged)),
            RejectionReason::Signature
        );
    }
    let other_key = signed("other key", &body);
    assert_eq!(
        refused(keyed().open(&other_key, body)),
        RejectionReason::Signature
    );
}

#[test]
fn one_changed_byte_anywhere_is_refused() {
    let body = sealed(KEY, &event(TOKEN));
    let headers = signed(KEY, &body);
    for place in 0..body.len() {
        let mut changed = body.to_vec();
        changed[place] ^= 1;
        let opened = keyed().open(&headers, changed.into());
        assert_eq!(refused(opened), RejectionReason::Signature, "byte {place}");
    }
}

#[test]
fn signature_headers_must_be_all_three_once_and_well_formed() {
    let body = sealed(KEY, &event(TOKEN));
    let good = signed(KEY, &body);
    let names: Vec<HeaderName> = good.keys().cloned().collect();
    let mut odd = Vec::new();
    for name in &names {
        let mut without = good.clone();
        without.remove(name);
        odd.push(without);
        let mut twice = good.clone();
        twice.append(name, good[name].clone());
        odd.push(twice);
        let mut not_ascii = good.clone();
        not_ascii.insert(name, HeaderValue::from_bytes(b"\xff1").unwrap());
        odd.push(not_ascii);
    }
    let long_nonce = "n".repeat(129);
    let signature = EncryptKey::new(KEY).sign("1700000000", &long_nonce, &body);
    odd.push(signature_headers("1700000000", &long_nonce, &signature));
    let signature = EncryptKey::new(KEY).sign("1700000000x", "n", &body);
    odd.push(signature_headers("1700000000x", "n", &signature));
    for headers in odd {
        let reason = refused(keyed().open(&headers, body.clone()));
        assert_eq!(reason, RejectionReason::SignatureHeaders, "{headers:?}");
        assert!(
            keyed().admit(&headers).is_err(),
            "known before the body is read"
        );
    }
}

#[test]
fn a_digit_may_not_wander_from_the_timestamp_into_the_nonce() {
    let body = sealed(KEY, &event(TOKEN));
    let signature = EncryptKey::new(KEY).sign("1700000000", "12", &body);
    for (timestamp, nonce) in [("170000000", "012"), ("17000000001", "2")] {
        let headers = signature_headers(timestamp, nonce, &signature);
        let reason = refused(keyed().open(&headers, body.clone()));
        assert_eq!(reason, RejectionReason::Timestamp);
    }
}

#[test]
fn a_timestamp_counts_from_eight_hours_ago_to_ten_minutes_ahead() {
    let body = sealed(KEY, &event(TOKEN));
    let open = |timestamp: &str| keyed().open(&signed_at(timestamp, KEY, &body), body.clone());
    for good in [NOW, NOW - 8 * 3600, NOW + 600] {
        delivery(open(&good.to_string()));
        delivery(open(&format!("{good}000")));
        delivery(open(&format!("{good}000000")));
    }
    for stale in [NOW - 8 * 3600 - 1, NOW + 601, 0] {
        let reason = refused(open(&stale.to_string()));
        assert_eq!(reason, RejectionReason::Timestamp, "{stale}");
    }
    let reason = refused(open(&format!("{NOW}000000000")));
    assert_eq!(reason, RejectionReason::Timestamp, "no unit is that fine");
}

#[test]
fn the_window_can_be_set_and_switched_off() {
    let body = sealed(KEY, &event(TOKEN));
    let strict = builder()
        .encrypt_key(KEY)
        .freshness(Duration::from_secs(60), Duration::ZERO)
        .build()
        .unwrap();
    let open = |webhook: &Webhook, timestamp: u64| {
        webhook.open(&signed_at(&timestamp.to_string(), KEY, &body), body.clone())
    };
    delivery(open(&strict, NOW - 60));
    assert_eq!(refused(open(&strict, NOW - 61)), RejectionReason::Timestamp);
    assert_eq!(refused(open(&strict, NOW + 1)), RejectionReason::Timestamp);
    let off = builder().encrypt_key(KEY).without_freshness().build();
    delivery(open(&off.unwrap(), 0));
}

#[test]
fn the_system_clock_is_used_by_default() {
    let webhook = Webhook::builder().encrypt_key(KEY).build().unwrap();
    let body = sealed(KEY, &event(TOKEN));
    let seconds = UNIX_EPOCH.elapsed().unwrap().as_secs();
    let headers = signed_at(&seconds.to_string(), KEY, &body);
    delivery(webhook.open(&headers, body.clone()));
    let headers = signed_at(&(seconds - 9 * 3600).to_string(), KEY, &body);
    assert_eq!(
        refused(webhook.open(&headers, body)),
        RejectionReason::Timestamp
    );
}

#[test]
fn a_wrong_token_is_refused_even_under_a_good_signature() {
    for document in [
        event("forged"),
        event(""),
        event(TOKEN).replace(r#""token":"v-token","#, ""),
        event(TOKEN)
            .replace(r#""token":"v-token","#, "")
            .replace(r#""schema""#, r#""token":"v-token","schema""#),
        url_check("forged", "abc"),
        r#"{"type":"event_callback","token":"forged","event":{"type":"message"}}"#.to_owned(),
    ] {
        let body = sealed(KEY, &document);
        let opened = keyed().open(&signed(KEY, &body), body);
        assert_eq!(refused(opened), RejectionReason::Token, "{document}");
    }
}

#[test]
fn an_unsigned_url_check_is_answered_when_sealed_and_its_token_matches() {
    let body = sealed(KEY, &url_check(TOKEN, "a-Z_09"));
    let challenge = challenge(keyed().open(&HeaderMap::new(), body));
    assert_eq!(challenge.reply(), r#"{"challenge":"a-Z_09"}"#);
}

/// A document sealed without any padding, which must be whole blocks.
fn sealed_without_padding(document: &str) -> Bytes {
    assert_eq!(document.len() % 16, 0);
    let sealed = EncryptKey::new(KEY).seal(document.as_bytes(), [7; 16]);
    // Of a whole number of blocks the padding is a block of its own, which is taken off.
    let mut message = BASE64.decode(sealed).unwrap();
    message.truncate(message.len() - 16);
    format!(r#"{{"encrypt":"{}"}}"#, BASE64.encode(message)).into()
}

#[test]
fn padding_decides_nothing_about_an_unsigned_url_check() {
    let mut check = url_check(TOKEN, "abc");
    check.extend(std::iter::repeat_n(' ', 16 - check.len() % 16));
    let without = sealed_without_padding(&check);
    challenge(keyed().open(&HeaderMap::new(), without.clone()));
    // Under a signature it is malformed.
    let reason = refused(keyed().open(&signed(KEY, &without), without));
    assert_eq!(reason, RejectionReason::Malformed);
}

#[test]
fn whatever_else_comes_unsigned_is_refused_in_one_way() {
    let check = url_check(TOKEN, "abc");
    let longest = "c".repeat(128);
    challenge(keyed().open(&HeaderMap::new(), sealed(KEY, &url_check(TOKEN, &longest))));
    for body in [
        sealed(KEY, &event(TOKEN)),
        sealed(KEY, &url_check("forged", "abc")),
        sealed(KEY, &url_check("", "abc")),
        sealed(KEY, &url_check(TOKEN, "")),
        sealed(KEY, &url_check(TOKEN, "a b")),
        sealed(KEY, &url_check(TOKEN, "<script>")),
        sealed(KEY, &url_check(TOKEN, &format!("{longest}c"))),
        sealed(KEY, &check.replace('}', r#","event":{}}"#)),
        sealed(KEY, &check.replace("url_verification", "event_callback")),
        sealed(KEY, &format!("{check}{check}")),
        sealed("other key", &check),
        Bytes::from(check.clone()),
        Bytes::from(url_check("forged", "abc")),
        Bytes::from(event(TOKEN)),
        Bytes::new(),
        Bytes::from_static(b"\0"),
        Bytes::from_static(b"\xff"),
        Bytes::from_static(br#"{"encrypt":"!"}"#),
        Bytes::from_static(br#"{"encrypt":""}"#),
        Bytes::from_static(br#"{"encrypt":7}"#),
        Bytes::from_static(br#"{"encrypt":null}"#),
    ] {
        let rejection = keyed().open(&HeaderMap::new(), body.clone()).unwrap_err();
        assert_eq!(rejection.reason(), RejectionReason::Unsigned, "{body:?}");
        assert_eq!(rejection.status(), StatusCode::UNAUTHORIZED);
    }
}

#[test]
fn a_padding_oracle_is_told_nothing() {
    // Every value of the last byte before the last block, as such an attack would try them.
    for document in [url_check(TOKEN, "abc"), event(TOKEN)] {
        let sealed = EncryptKey::new(KEY).seal(document.as_bytes(), [7; 16]);
        let message = BASE64.decode(sealed).unwrap();
        for change in 1..=255 {
            let mut changed = message.clone();
            let place = message.len() - 17;
            changed[place] ^= change;
            let body = format!(r#"{{"encrypt":"{}"}}"#, BASE64.encode(changed));
            let rejection = keyed().open(&HeaderMap::new(), body.into()).unwrap_err();
            assert_eq!(rejection.reason(), RejectionReason::Unsigned);
        }
    }
}

#[test]
fn at_most_four_kibibytes_come_unsigned() {
    let webhook = keyed();
    let unsigned = HeaderMap::new();
    let admission = webhook.admit(&unsigned).unwrap();
    assert_eq!(admission.body_limit(), MAX_UNSIGNED_BYTES);
    assert_eq!(admission.too_large().status(), StatusCode::UNAUTHORIZED);

    let padded = |length: usize| {
        let mut body = sealed(KEY, &url_check(TOKEN, "abc")).to_vec();
        body.resize(length, b' ');
        webhook.open(&unsigned, body.into())
    };
    challenge(padded(MAX_UNSIGNED_BYTES));
    assert_eq!(
        refused(padded(MAX_UNSIGNED_BYTES + 1)),
        RejectionReason::Unsigned
    );
}

#[test]
fn a_signed_body_has_the_limit_of_all_events() {
    let body = Bytes::from_static(b"12345678");
    let headers = signed(KEY, &body);
    let admitted = keyed();
    let admission = admitted.admit(&headers).unwrap();
    assert_eq!(admission.body_limit(), MAX_EVENT_BYTES);
    assert_eq!(
        admission.too_large().status(),
        StatusCode::PAYLOAD_TOO_LARGE
    );

    let limited = |bytes| {
        builder()
            .encrypt_key(KEY)
            .max_event_bytes(bytes)
            .build()
            .unwrap()
    };
    let reason = refused(limited(7).open(&headers, body.clone()));
    assert_eq!(reason, RejectionReason::TooLarge);
    let reason = refused(limited(8).open(&headers, body));
    assert_eq!(
        reason,
        RejectionReason::Malformed,
        "authentic, and no document"
    );
    let small = limited(100);
    assert_eq!(small.admit(&HeaderMap::new()).unwrap().body_limit(), 100);
}

#[test]
fn url_checks_need_a_token_and_can_be_switched_off() {
    let check = sealed(KEY, &url_check(TOKEN, "abc"));
    let no_token = builder().encrypt_key(KEY).build().unwrap();
    let reason = refused(no_token.open(&HeaderMap::new(), check.clone()));
    assert_eq!(reason, RejectionReason::Unsigned);
    challenge(no_token.open(&signed(KEY, &check), check.clone()));

    let off = builder()
        .encrypt_key(KEY)
        .verification_token(TOKEN)
        .url_checks(false);
    let off = off.build().unwrap();
    let reason = refused(off.open(&HeaderMap::new(), check.clone()));
    assert_eq!(reason, RejectionReason::Unsigned);
    challenge(off.open(&signed(KEY, &check), check));

    let off = builder()
        .verification_token(TOKEN)
        .url_checks(false)
        .build()
        .unwrap();
    let reason = refused(off.open(&HeaderMap::new(), url_check(TOKEN, "abc").into()));
    assert_eq!(reason, RejectionReason::Unsigned);
    delivery(off.open(&HeaderMap::new(), event(TOKEN).into()));
}

#[test]
fn an_authentic_document_that_is_malformed_says_so() {
    for document in [
        "",
        "{",
        "[]",
        "{}",
        "\0",
        r#"{"token":"v-token"}"#,
        r#"{"token":"v-token","header":{}}"#,
        r#"{"header":{"token":"v-token","event_type":""}}"#,
        r#"{"type":"url_verification","token":"v-token"}"#,
        &url_check(TOKEN, "<>"),
        &format!("{0}{0}", event(TOKEN)),
        &event(TOKEN).replace("v-token\"", "v-token\",\"token\":\"v-token\""),
    ] {
        let without_token = builder().encrypt_key(KEY).build().unwrap();
        let body = sealed(KEY, document);
        let rejection = without_token.open(&signed(KEY, &body), body).unwrap_err();
        assert_eq!(
            rejection.reason(),
            RejectionReason::Malformed,
            "{document:?}"
        );
        assert_eq!(rejection.status(), StatusCode::BAD_REQUEST);
    }
    // Signed by us, and no ciphertext of ours.
    for body in [
        &br#"{"encrypt":"!"}"#[..],
        br#"{"encrypt":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}"#,
        b"\xff",
        b"{\"encrypt\":\"\xff\"}",
    ] {
        let reason = refused(keyed().open(&signed(KEY, body), body.into()));
        assert_eq!(reason, RejectionReason::Malformed, "{body:?}");
    }
}

#[test]
fn without_an_encrypt_key_the_token_alone_decides() {
    let plain = builder().verification_token(TOKEN).build().unwrap();
    let open = |body: String| plain.open(&HeaderMap::new(), body.into());
    delivery(open(event(TOKEN)));
    delivery(open(
        r#"{"type":"event_callback","token":"v-token","event":{"type":"message"}}"#.to_owned(),
    ));
    challenge(open(url_check(TOKEN, "abc")));
    for body in [
        event("forged"),
        url_check("forged", "abc"),
        String::from_utf8(sealed(KEY, &event(TOKEN)).to_vec()).unwrap(),
        "{}".to_owned(),
        "{".to_owned(),
        String::new(),
        event(TOKEN).replace("\"token\"", "\"app_id\":\"a\",\"token\""),
    ] {
        let rejection = open(body.clone()).unwrap_err();
        assert_eq!(rejection.reason(), RejectionReason::Token, "{body}");
        assert_eq!(rejection.status(), StatusCode::UNAUTHORIZED);
    }
    let reason = refused(plain.open(&HeaderMap::new(), Bytes::from_static(b"\xff")));
    assert_eq!(reason, RejectionReason::Token);
    let admission = plain.admit(&HeaderMap::new()).unwrap().body_limit();
    assert_eq!(admission, MAX_EVENT_BYTES);

    let authentic = r#"{"token":"v-token"}"#.to_owned();
    assert_eq!(refused(open(authentic)), RejectionReason::Malformed);
    // Signature headers mean nothing where there is no key to check them with.
    let headers = signature_headers("x", "", "");
    delivery(plain.open(&headers, event(TOKEN).into()));
}

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
    // Signed with one and sealed with another is nobody's.
    let mixed = sealed("old key", &event("old token"));
    let opened = rotating.open(&signed("new key", &mixed), mixed);
    assert_eq!(refused(opened), RejectionReason::Malformed);
    let gone = sealed("older key", &event("old token"));
    let opened = rotating.open(&signed("older key", &gone), gone);
    assert_eq!(refused(opened), RejectionReason::Signature);
}

#[test]
fn a_webhook_that_would_let_everybody_in_cannot_be_built() {
    let error = |builder: lark_events::WebhookBuilder| builder.build().unwrap_err();
    assert_eq!(error(builder()), WebhookBuildError::NoSecret);
    assert_eq!(
        error(builder().encrypt_key("")),
        WebhookBuildError::EmptySecret
    );
    assert_eq!(
        error(builder().encrypt_key(KEY).verification_token("")),
        WebhookBuildError::EmptySecret
    );
    let keys = |count| (0..count).fold(builder(), |builder, n| builder.encrypt_key(n.to_string()));
    assert!(keys(MAX_LIVE_SECRETS).build().is_ok());
    let error = error(keys(MAX_LIVE_SECRETS + 1));
    assert_eq!(error, WebhookBuildError::TooManySecrets);
    assert_eq!(
        error.to_string(),
        "more than 4 encrypt keys or verification tokens"
    );
    assert!(WebhookBuildError::NoSecret.to_string().contains("neither"));
    assert!(WebhookBuildError::EmptySecret.to_string().contains("empty"));
}

#[test]
fn the_bounds_are_those_documented() {
    assert_eq!(MAX_EVENT_BYTES, 4_194_304);
    assert_eq!(MAX_UNSIGNED_BYTES, 4_096);
    assert_eq!(MAX_LIVE_SECRETS, 4);
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
        assert_eq!(rejection.reason().as_str(), name);
        seen.push(rejection.to_string());
    }
    let small = builder()
        .encrypt_key(KEY)
        .max_event_bytes(1)
        .build()
        .unwrap();
    let rejection = small.open(&signed(KEY, &body), body).unwrap_err();
    assert_eq!(rejection.reason().as_str(), "too_large");
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
            RejectionReason::Malformed | RejectionReason::Token
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
        assert_eq!(reason, RejectionReason::Malformed, "{document:?}");
    }
    let eight_mebibytes = Bytes::from(vec![b'['; 8 * 1024 * 1024]);
    let headers = signed(KEY, &eight_mebibytes);
    let reason = refused(keyed().open(&headers, eight_mebibytes));
    assert_eq!(reason, RejectionReason::TooLarge);
}
