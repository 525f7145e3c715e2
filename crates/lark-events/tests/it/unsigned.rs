//! Unsigned requests: the one that is let in beside an Encrypt Key, and all that are without one.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use lark_events::EncryptKey;
use lark_events::error::RejectionKind;
use lark_events::limits::{MAX_EVENT_BYTES, MAX_UNSIGNED_BYTES};

use crate::support::{
    KEY, TOKEN, builder, challenge, delivery, event, keyed, refused, sealed, signature_headers,
    signed, url_check,
};

#[test]
fn an_unsigned_url_check_is_answered_when_sealed_and_its_token_matches() {
    let body = sealed(KEY, &url_check(TOKEN, "a-Z_09"));
    let challenge = challenge(keyed().open(&HeaderMap::new(), body));
    assert_eq!(challenge.reply(), r#"{"challenge":"a-Z_09"}"#);
}

#[test]
fn a_url_check_may_have_further_members_encrypted_as_in_the_clear() {
    let plain = builder().verification_token(TOKEN).build().unwrap();
    let with = |more: &str| url_check(TOKEN, "abc").replace('}', &format!("{more}}}"));
    for more in [
        r#","ts":"1502199207.7171419","uuid":"41b5f371-157d-4341-b38b-a137ad674807""#,
        r#","schema":"2.0","app_id":"cli_a1b2c3d4e5f60718","n":1,"b":true,"c":null"#,
    ] {
        challenge(keyed().open(&HeaderMap::new(), sealed(KEY, &with(more))));
        challenge(plain.open(&HeaderMap::new(), with(more).into()));
    }
    // A string that has room for a block of an event counts where nobody can splice: signed or in the clear.
    for more in [
        r#","event":{"a":[]}"#,
        r#","a":"é""#,
        r#","a":"sixteen.of.these""#,
    ] {
        let body = sealed(KEY, &with(more));
        let reason = refused(keyed().open(&HeaderMap::new(), body.clone()));
        assert_eq!(reason, RejectionKind::Unsigned, "{more}");
        challenge(keyed().open(&signed(KEY, &body), body));
        challenge(plain.open(&HeaderMap::new(), with(more).into()));
    }
    // A known member given twice: two readers may disagree on which counts.
    for twice in [
        r#","token":"v-token""#,
        r#","type":"event_callback""#,
        r#","challenge":"b""#,
    ] {
        let reason = refused(keyed().open(&HeaderMap::new(), sealed(KEY, &with(twice))));
        assert_eq!(reason, RejectionKind::Unsigned, "{twice}");
    }
}

/// A splice: an event's blocks under a chosen first block, and behind one more the blocks of a captured URL
/// check. The block between is random; here it is what an attacker would wait for.
#[test]
fn an_event_spliced_into_a_url_check_is_refused_whatever_is_in_between() {
    let check = url_check(TOKEN, "abc");
    let (_, rest) = check.split_once("abc").unwrap();
    for between in ["sixteen.of.these", "0123456789abcdef", r#"aaaaaaaa","b":""#] {
        for event in ["code 354673 to all", "your.code.is.354673", "\u{80}\u{81}"] {
            let spliced = format!(r#"{{"a":"{event}{between}","challenge":"abc{rest}"#);
            let reason = refused(keyed().open(&HeaderMap::new(), sealed(KEY, &spliced)));
            assert_eq!(reason, RejectionKind::Unsigned, "{spliced}");
        }
    }
}

/// Encrypts a document without padding. Its length must be a multiple of the block size.
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
    assert_eq!(reason, RejectionKind::Malformed);
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
        assert_eq!(rejection.kind(), RejectionKind::Unsigned, "{body:?}");
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
            assert_eq!(rejection.kind(), RejectionKind::Unsigned);
        }
    }
}

#[test]
fn an_unsigned_body_is_bounded_by_what_a_url_check_can_be() {
    let webhook = keyed();
    let unsigned = HeaderMap::new();
    let admission = webhook.admit(&unsigned).unwrap();
    assert_eq!(admission.body_limit(), MAX_UNSIGNED_BYTES);
    assert_eq!(admission.too_large().status(), StatusCode::UNAUTHORIZED);

    // The longest that there can be, with a token twice as long as the platform's.
    let token = "t".repeat(64);
    let longest = sealed(KEY, &url_check(&token, &"c".repeat(128)));
    assert!(longest.len() < MAX_UNSIGNED_BYTES / 2, "{}", longest.len());
    let padded = |length: usize| {
        let mut body = sealed(KEY, &url_check(TOKEN, "abc")).to_vec();
        body.resize(length, b' ');
        webhook.open(&unsigned, body.into())
    };
    challenge(padded(MAX_UNSIGNED_BYTES));
    assert_eq!(
        refused(padded(MAX_UNSIGNED_BYTES + 1)),
        RejectionKind::Unsigned
    );
}

#[test]
fn url_checks_need_a_token_and_can_be_switched_off() {
    let check = sealed(KEY, &url_check(TOKEN, "abc"));
    let no_token = builder().encrypt_key(KEY).build().unwrap();
    let reason = refused(no_token.open(&HeaderMap::new(), check.clone()));
    assert_eq!(reason, RejectionKind::Unsigned);
    challenge(no_token.open(&signed(KEY, &check), check.clone()));

    let off = builder()
        .encrypt_key(KEY)
        .verification_token(TOKEN)
        .url_checks(false);
    let off = off.build().unwrap();
    let reason = refused(off.open(&HeaderMap::new(), check.clone()));
    assert_eq!(reason, RejectionKind::Unsigned);
    challenge(off.open(&signed(KEY, &check), check));

    let off = builder()
        .verification_token(TOKEN)
        .url_checks(false)
        .build()
        .unwrap();
    let reason = refused(off.open(&HeaderMap::new(), url_check(TOKEN, "abc").into()));
    assert_eq!(reason, RejectionKind::Unsigned);
    delivery(off.open(&HeaderMap::new(), event(TOKEN).into()));
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
        assert_eq!(rejection.kind(), RejectionKind::Token, "{body}");
        assert_eq!(rejection.status(), StatusCode::UNAUTHORIZED);
    }
    let reason = refused(plain.open(&HeaderMap::new(), Bytes::from_static(b"\xff")));
    assert_eq!(reason, RejectionKind::Token);
    let admission = plain.admit(&HeaderMap::new()).unwrap().body_limit();
    assert_eq!(admission, MAX_EVENT_BYTES);

    let authentic = r#"{"token":"v-token"}"#.to_owned();
    assert_eq!(refused(open(authentic)), RejectionKind::Malformed);
    // Signature headers mean nothing where there is no key to check them with.
    let headers = signature_headers("x", "", "");
    delivery(plain.open(&headers, event(TOKEN).into()));
}
