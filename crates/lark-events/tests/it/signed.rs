//! Signed requests: what a signature must be, and what it lets in.

use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use lark_events::error::RejectionKind;
use lark_events::limits::MAX_EVENT_BYTES;
use lark_events::webhook::{SIGNATURE_HEADER, WebhookBuilder};
use lark_events::{EncryptKey, Transport, Webhook};

use crate::support::{
    KEY, NOW, TOKEN, builder, challenge, delivery, event, keyed, now, refused, sealed,
    signature_headers, signed, signed_at, url_check,
};

#[test]
fn a_signed_and_encrypted_event_is_delivered() {
    let body = sealed(KEY, &event(TOKEN));
    let delivery = delivery(keyed().open(&signed(KEY, &body), body));
    assert_eq!(delivery.header.event_id.as_deref(), Some("e-1"));
    assert_eq!(delivery.header.event_type, "vc.room.created_v1");
    assert_eq!(delivery.header.app_id.as_deref(), Some("cli_1"));
    assert_eq!(delivery.header.tenant_key.as_deref(), Some("t-1"));
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
            RejectionKind::Signature
        );
    }
    let other_key = signed("other key", &body);
    assert_eq!(
        refused(keyed().open(&other_key, body)),
        RejectionKind::Signature
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
        assert_eq!(refused(opened), RejectionKind::Signature, "byte {place}");
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
        assert_eq!(reason, RejectionKind::SignatureHeaders, "{headers:?}");
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
        assert_eq!(reason, RejectionKind::Timestamp);
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
        assert_eq!(reason, RejectionKind::Timestamp, "{stale}");
    }
    let reason = refused(open(&format!("{NOW}000000000")));
    assert_eq!(reason, RejectionKind::Timestamp, "no unit is that fine");
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
    assert_eq!(refused(open(&strict, NOW - 61)), RejectionKind::Timestamp);
    assert_eq!(refused(open(&strict, NOW + 1)), RejectionKind::Timestamp);
    let off = builder().encrypt_key(KEY).without_freshness().build();
    delivery(open(&off.unwrap(), 0));
}

#[test]
fn a_delivery_says_for_how_long_its_request_counts() {
    let body = sealed(KEY, &event(TOKEN));
    let headers = signed(KEY, &body);
    let replayable_for = |builder: WebhookBuilder| {
        let webhook = builder.encrypt_key(KEY).build().unwrap();
        delivery(webhook.open(&headers, body.clone())).replayable_for
    };
    let minutes = Duration::from_mins;
    assert_eq!(replayable_for(builder()), Some(minutes(8 * 60 + 10)));
    let strict = builder().freshness(minutes(2), minutes(1));
    assert_eq!(replayable_for(strict), Some(minutes(3)));
    let endless = builder().freshness(Duration::MAX, minutes(1));
    assert_eq!(replayable_for(endless), Some(Duration::MAX));
    assert_eq!(replayable_for(builder().without_freshness()), None);

    let by_token = builder().verification_token(TOKEN).build().unwrap();
    let opened = by_token.open(&HeaderMap::new(), event(TOKEN).into());
    assert_eq!(delivery(opened).replayable_for, None);
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
        RejectionKind::Timestamp
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
        assert_eq!(refused(opened), RejectionKind::Token, "{document}");
    }
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
    assert_eq!(reason, RejectionKind::TooLarge);
    let reason = refused(limited(8).open(&headers, body));
    assert_eq!(
        reason,
        RejectionKind::Malformed,
        "authentic, and no document"
    );
    let small = limited(100);
    assert_eq!(small.admit(&HeaderMap::new()).unwrap().body_limit(), 100);
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
        assert_eq!(rejection.kind(), RejectionKind::Malformed, "{document:?}");
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
        assert_eq!(reason, RejectionKind::Malformed, "{body:?}");
    }
}
