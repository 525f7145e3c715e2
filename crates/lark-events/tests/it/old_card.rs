//! The opener of the old card callback, and that its weaker rule stays its own.

use std::time::Duration;

use http::{HeaderMap, StatusCode};
use lark_events::callback::{CardActionTriggerV1, OldCardReply, Toast};
use lark_events::error::RejectionKind;
use lark_events::error::WebhookBuildErrorKind;
use lark_events::limits::{MAX_ENVELOPE_TEXT_BYTES, MAX_EVENT_BYTES, MAX_UNSIGNED_BYTES};
use lark_events::webhook::{OldCardWebhook, WebhookBuilder};
use lark_events::{Dispatcher, Event, Opened, Outcome, Transport, VerificationToken, Webhooks};
use tower::ServiceExt as _;

use crate::support::{
    KEY, NOW, TOKEN, builder, delivery, event, keyed, now, refused, sealed, signature_headers,
    signed, url_check,
};

const CARD: &str = r#"{"open_id":"ou_1","user_id":"eu_1","open_message_id":"om_1",
    "tenant_key":"t-1","token":"c-1","action":{"value":{"key":"value"},"tag":"button"}}"#;

fn cards() -> OldCardWebhook {
    builder()
        .verification_token(TOKEN)
        .build_old_card()
        .unwrap()
}

fn signed_at(timestamp: u64, token: &str, body: &str) -> HeaderMap {
    let timestamp = timestamp.to_string();
    let token = VerificationToken::new(token);
    let signature = token.sign_old_card(&timestamp, "n", body.as_bytes());
    signature_headers(&timestamp, "n", &signature)
}

#[tokio::test]
async fn a_signed_card_callback_reaches_its_typed_handler() {
    let opened = cards()
        .open(&signed_at(NOW, TOKEN, CARD), CARD.into())
        .unwrap();
    let Opened::Delivery(delivery) = opened else {
        panic!("not a delivery: {opened:?}");
    };
    assert_eq!(delivery.header.event_type, "card.action.trigger_v1");
    assert_eq!(delivery.header.tenant_key.as_deref(), Some("t-1"));
    assert_eq!(delivery.transport, Transport::Webhook);
    assert_eq!(delivery.received_at, now());
    let window = Duration::from_mins(8 * 60 + 10);
    assert_eq!(delivery.replayable_for, Some(window));
    assert_eq!(delivery.raw.as_str(), CARD);
    assert!(delivery.is_callback());

    let on_card = |event: Event<CardActionTriggerV1>| async move {
        assert_eq!(event.body.open_message_id.as_deref(), Some("om_1"));
        OldCardReply::new().toast(Toast::info(event.body.open_id.unwrap()))
    };
    let dispatcher = Dispatcher::builder().on(on_card).build().unwrap();
    let outcome = dispatcher.oneshot(delivery).await.unwrap();
    let Outcome::Replied(reply) = outcome else {
        panic!("not a reply: {outcome:?}");
    };
    assert_eq!(
        reply.as_str(),
        r#"{"toast":{"type":"info","content":"ou_1"}}"#
    );
}

#[test]
fn a_tenant_key_that_is_too_long_is_malformed() {
    let long = CARD.replace("t-1", &"t".repeat(MAX_ENVELOPE_TEXT_BYTES + 1));
    let opened = cards().open(&signed_at(NOW, TOKEN, &long), long.clone().into());
    assert_eq!(refused(opened), RejectionKind::Malformed);
}

#[test]
fn a_forged_or_stale_signature_is_refused() {
    for (headers, reason) in [
        (signed_at(NOW, "other", CARD), RejectionKind::Signature),
        (signed_at(NOW, TOKEN, "{}"), RejectionKind::Signature),
        (
            signed_at(NOW - 8 * 3600 - 1, TOKEN, CARD),
            RejectionKind::Timestamp,
        ),
        (
            signed(KEY, CARD.as_bytes()),
            RejectionKind::SignatureHeaders,
        ),
        (HeaderMap::new(), RejectionKind::Unsigned),
    ] {
        let rejection = cards().open(&headers, CARD.into()).unwrap_err();
        assert_eq!(rejection.kind(), reason);
        assert_eq!(rejection.status(), StatusCode::UNAUTHORIZED);
    }
}

#[test]
fn a_card_callback_is_of_the_app_whose_webhook_it_is() {
    let cards = builder().app_id("cli_a").verification_token(TOKEN);
    let cards = cards.build_old_card().unwrap();
    let named = |app_id: &str| CARD.replacen('{', &format!("{{\"app_id\":{app_id},"), 1);
    let open = |body: &str| cards.open(&signed_at(NOW, TOKEN, body), body.to_owned().into());
    for own in [CARD, &named("null"), &named("[]"), &named("\"cli_a\"")] {
        assert_eq!(
            delivery(open(own)).header.app_id.as_deref(),
            Some("cli_a"),
            "{own}"
        );
    }
    let foreign = refused(open(&named("\"cli_b\"")));
    assert_eq!(foreign, RejectionKind::ForeignApp);

    let of_any = self::cards().open(&signed_at(NOW, TOKEN, CARD), CARD.into());
    assert_eq!(delivery(of_any).header.app_id, None);
}

#[test]
fn url_checks_are_answered_by_their_token() {
    let check = url_check(TOKEN, "abc");
    for headers in [HeaderMap::new(), signed_at(NOW, TOKEN, &check)] {
        let opened = cards().open(&headers, check.clone().into());
        assert!(matches!(opened, Ok(Opened::Challenge(_))), "{opened:?}");
    }
    let forged = url_check("forged", "abc");
    let reason = refused(cards().open(&HeaderMap::new(), forged.into()));
    assert_eq!(reason, RejectionKind::Unsigned);
}

#[test]
fn signed_but_malformed_says_so() {
    for body in [
        "",
        "[]",
        "{",
        "{}{}",
        r#"{"tenant_key":"a","tenant_key":"b"}"#,
    ] {
        let reason = refused(cards().open(&signed_at(NOW, TOKEN, body), body.into()));
        assert_eq!(reason, RejectionKind::Malformed, "{body:?}");
    }
}

#[test]
fn an_odd_key_costs_its_own_member() {
    let body = CARD.replacen('{', r#"{"\ud800":1,"#, 1);
    let opened = cards().open(&signed_at(NOW, TOKEN, &body), body.into());
    assert_eq!(delivery(opened).header.tenant_key.as_deref(), Some("t-1"));
}

#[test]
fn bodies_have_the_limits_of_the_other_webhook() {
    let signed = signed_at(NOW, TOKEN, CARD);
    let cards = cards();
    let admission = cards.admit(&signed).unwrap();
    assert_eq!(admission.body_limit(), MAX_EVENT_BYTES);
    assert_eq!(admission.too_large().kind(), RejectionKind::TooLarge);
    assert_eq!((admission.keys(), admission.refusal_delay()), (1, None));
    let unsigned = HeaderMap::new();
    let admission = cards.admit(&unsigned).unwrap();
    assert_eq!((admission.keys(), admission.refusal_delay()), (0, None));
    assert_eq!(admission.body_limit(), MAX_UNSIGNED_BYTES);
    assert_eq!(admission.too_large().kind(), RejectionKind::Unsigned);

    let large = vec![b' '; MAX_EVENT_BYTES + 1];
    let reason = refused(cards.open(&signed, large.into()));
    assert_eq!(reason, RejectionKind::TooLarge);
    let mut check = url_check(TOKEN, "abc").into_bytes();
    check.resize(MAX_UNSIGNED_BYTES, b' ');
    assert!(cards.open(&unsigned, check.clone().into()).is_ok());
    check.push(b' ');
    let reason = refused(cards.open(&unsigned, check.into()));
    assert_eq!(reason, RejectionKind::Unsigned);
}

#[test]
fn the_weaker_rule_never_opens_the_other_webhook() {
    let headers = signed_at(NOW, TOKEN, CARD);
    let reason = refused(keyed().open(&headers, CARD.into()));
    assert_eq!(reason, RejectionKind::SignatureHeaders);
    let token_alone = builder().verification_token(TOKEN).build().unwrap();
    let reason = refused(token_alone.open(&headers, CARD.into()));
    assert_eq!(reason, RejectionKind::Token);

    let named = || builder().app_id("cli_1").verification_token(TOKEN);
    let by_path = Webhooks::by_path([named().build().unwrap()]).unwrap();
    let reason = refused(by_path.open("/cli_1", &headers, CARD.into()));
    assert_eq!(reason, RejectionKind::Token);
    let keyed = named().encrypt_key(KEY).build().unwrap();
    let by_signature = Webhooks::by_signature([keyed]).unwrap();
    let reason = refused(by_signature.open("/", &headers, CARD.into()));
    assert_eq!(reason, RejectionKind::SignatureHeaders);
}

#[test]
fn the_rule_of_the_other_webhook_never_opens_the_old_card_callback() {
    let event = event(TOKEN);
    let reason = refused(cards().open(&HeaderMap::new(), event.clone().into()));
    assert_eq!(reason, RejectionKind::Unsigned);
    let encrypted = sealed(KEY, &event);
    let reason = refused(cards().open(&signed(KEY, &encrypted), encrypted));
    assert_eq!(reason, RejectionKind::SignatureHeaders);
    // What the token has signed is a card callback, whatever it says it is.
    let opened = cards().open(&signed_at(NOW, TOKEN, &event), event.into());
    assert_eq!(delivery(opened).header.event_type, "card.action.trigger_v1");
}

#[test]
fn it_is_configured_like_the_other_webhook() {
    let rotating = builder()
        .verification_token("old token")
        .verification_token(TOKEN)
        .max_event_bytes(CARD.len())
        .url_checks(false)
        .build_old_card()
        .unwrap();
    for token in ["old token", TOKEN] {
        assert!(
            rotating
                .open(&signed_at(NOW, token, CARD), CARD.into())
                .is_ok()
        );
    }
    let longer = format!("{CARD} ");
    let reason = refused(rotating.open(&signed_at(NOW, TOKEN, &longer), longer.into()));
    assert_eq!(reason, RejectionKind::TooLarge);
    let check = url_check(TOKEN, "abc");
    let reason = refused(rotating.open(&HeaderMap::new(), check.into()));
    assert_eq!(reason, RejectionKind::Unsigned);
    let small = builder().verification_token(TOKEN).max_event_bytes(9);
    let small = small.build_old_card().unwrap();
    assert_eq!(small.admit(&HeaderMap::new()).unwrap().body_limit(), 9);
}

#[test]
fn it_needs_a_token_and_no_key() {
    let error = |builder: WebhookBuilder| builder.build_old_card().unwrap_err().kind();
    assert_eq!(error(builder()), WebhookBuildErrorKind::NoSecret);
    assert_eq!(
        error(builder().verification_token("")),
        WebhookBuildErrorKind::EmptySecret
    );
    let keyed = builder().verification_token(TOKEN).encrypt_key(KEY);
    let keyed = keyed.build_old_card().unwrap_err();
    assert_eq!(keyed.kind(), WebhookBuildErrorKind::NeverEncrypted);
    assert!(keyed.to_string().contains("old card callback"));
}
