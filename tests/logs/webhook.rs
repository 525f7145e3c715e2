//! Whatever may come to a webhook, good and bad.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use lark_events::callback::{CardActionTriggerV1, OldCardReply};
use lark_events::webhook::{SIGNATURE_HEADER, SIGNATURE_NONCE_HEADER, SIGNATURE_TIMESTAMP_HEADER};
use lark_events::{Dispatcher, VerificationToken, Webhook};
use lark_events_sim::Platform;
use lark_events_tower::{EventService, OldCardService};
use tokio::task::JoinSet;
use tower::ServiceExt as _;
use tracing::trace;

use crate::app::{dispatcher, documents, layered, stored};
use crate::platform::{
    TOKEN, answer, event, platform, posted, signed, unsigned, url_check, webhook,
};

pub(crate) async fn whatever_comes() {
    let bare = EventService::new(webhook(), dispatcher());
    for request in good().chain(bad().await) {
        answer(&bare, request).await;
    }
    for store_grants in [true, false] {
        let service = EventService::new(webhook(), layered(store_grants));
        // Of three at once, one runs, one waits for it, and one finds no room to.
        let mut answers = JoinSet::new();
        for request in good().flat_map(|request| std::iter::repeat_n(request, 3)) {
            let service = service.clone();
            answers.spawn(async move { answer(&service, request).await });
        }
        answers.join_all().await;
    }
    by_an_inbox().await;
    by_token_alone().await;
    old_cards().await;
}

/// Events that are acknowledged first: attempts fail, events die, and at the end some are lost.
async fn by_an_inbox() {
    let inbox = stored();
    let service = EventService::new(webhook(), inbox.clone());
    let received = async {
        tokio::task::yield_now().await; // the worker runs
        for request in good() {
            for _ in 0..2 {
                answer(&service, request.clone()).await;
            }
        }
        tokio::time::sleep(Duration::from_secs(400)).await;
    };
    let error = inbox.run(received).await.unwrap_err();
    trace!(target: "lark_events", "{error}: {error:?} of {inbox:?}");
}

fn good() -> impl Iterator<Item = Request<Bytes>> {
    documents().into_iter().chain([url_check()]).map(posted)
}

/// Forged, unsigned, malformed and changed on the way.
async fn bad() -> Vec<Request<Bytes>> {
    let forger = platform().encrypt_key("marked-other-key");
    let forger = forger.start().await.unwrap();
    let mut changed = posted(event("good_v1"));
    let signature = "marked-signature".parse().unwrap();
    changed.headers_mut().insert(SIGNATURE_HEADER, signature);
    vec![
        forger.request(event("good_v1").header("token", "marked-payload")),
        posted(event("good_v1").header("token", "marked-forged-token")),
        unsigned(posted(url_check()).into_body()),
        unsigned(r#"{"type":"url_verification","token":"marked-no","challenge":"marked-payload"}"#),
        unsigned("marked-payload"),
        signed("marked-payload"),
        signed(r#"{"encrypt":"marked-payload"}"#),
        signed(r#"{"encrypt":"bWFya2VkLXBheWxvYWQ="}"#),
        changed,
    ]
}

/// Without an Encrypt Key, so that all is plain.
async fn by_token_alone() {
    let webhook = Webhook::builder().verification_token(TOKEN).build();
    let service = EventService::new(webhook.unwrap(), dispatcher());
    for token in [TOKEN, "marked-other-token"] {
        let platform = Platform::builder().verification_token(token);
        for document in documents() {
            answer(&service, platform.request(document)).await;
        }
    }
}

async fn old_cards() {
    let dispatcher = Dispatcher::builder().on::<CardActionTriggerV1>(|event| async move {
        match event.body.open_id.as_deref() {
            Some("marked-fails") => Err(crate::app::FAILURE),
            _ => Ok(OldCardReply::new()),
        }
    });
    let webhook = Webhook::builder()
        .verification_token(TOKEN)
        .build_old_card();
    let service = OldCardService::new(webhook.unwrap(), dispatcher.build().unwrap());
    let now = SystemTime::UNIX_EPOCH
        .elapsed()
        .unwrap()
        .as_secs()
        .to_string();
    for (token, card) in [
        (
            TOKEN,
            r#"{"open_id":"marked-payload","token":"marked-c","action":{"tag":"button"}}"#,
        ),
        (
            TOKEN,
            r#"{"open_id":"marked-fails","token":"marked-c","action":{"tag":"button"}}"#,
        ),
        (TOKEN, r#"["marked-payload"]"#),
        (TOKEN, "marked-payload"),
        ("marked-other-token", r#"{"open_id":"marked-payload"}"#),
    ] {
        let token = VerificationToken::new(token);
        let mut request = unsigned(card).map(Full::new);
        let Ok(_) = service.clone().oneshot(request.clone()).await;
        for (name, value) in [
            (SIGNATURE_TIMESTAMP_HEADER, now.clone()),
            (SIGNATURE_NONCE_HEADER, "marked-nonce".to_owned()),
            (
                SIGNATURE_HEADER,
                token.sign_old_card(&now, "marked-nonce", card.as_bytes()),
            ),
        ] {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        let Ok(_) = service.clone().oneshot(request).await;
    }
}
