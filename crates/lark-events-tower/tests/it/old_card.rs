//! The service for the old card callback.

use std::time::UNIX_EPOCH;

use http::Request;
use http_body_util::Full;
use lark_events::callback::{CardActionTriggerV1, OldCardReply, Toast};
use lark_events::webhook::{SIGNATURE_HEADER, SIGNATURE_NONCE_HEADER, SIGNATURE_TIMESTAMP_HEADER};
use lark_events::{Dispatcher, VerificationToken, Webhook};
use lark_events_sim::Platform;
use lark_events_tower::OldCardService;

use crate::support::{TOKEN, post, send, status, unsigned};

const CARD: &str = r#"{"open_id":"ou_1","token":"c-1","action":{"tag":"button"}}"#;

/// Signed by the old scheme, which `Platform` does not know.
fn signed(token: &str) -> Request<Full<bytes::Bytes>> {
    let timestamp = UNIX_EPOCH.elapsed().unwrap().as_secs().to_string();
    let signature = VerificationToken::new(token).sign_old_card(&timestamp, "n", CARD.as_bytes());
    Request::post("/webhook/card")
        .header(SIGNATURE_TIMESTAMP_HEADER, timestamp)
        .header(SIGNATURE_NONCE_HEADER, "n")
        .header(SIGNATURE_HEADER, signature)
        .body(Full::from(CARD))
        .unwrap()
}

#[tokio::test]
async fn an_old_card_callback_is_answered_with_its_reply_and_a_forged_one_refused() {
    let dispatcher = Dispatcher::builder()
        .on::<CardActionTriggerV1>(|event| async move {
            OldCardReply::new().toast(Toast::info(event.body.open_id.unwrap_or_default()))
        })
        .build()
        .unwrap();
    let webhook = Webhook::builder()
        .verification_token(TOKEN)
        .build_old_card()
        .unwrap();
    let service = OldCardService::new(webhook, dispatcher);
    let answered = send(&service, signed(TOKEN)).await;
    assert_eq!(answered.status, 200);
    assert_eq!(
        answered.body,
        r#"{"toast":{"type":"info","content":"ou_1"}}"#
    );
    assert_eq!(status(&service, signed("forged")).await, 401);
    assert_eq!(status(&service, unsigned(CARD)).await, 401);
    assert_eq!(status(&service, post("quick_v1")).await, 401);

    let platform = Platform::builder().verification_token(TOKEN);
    let started = platform.webhook_service(service).start().await;
    assert!(started.is_ok(), "{started:?}");
}
