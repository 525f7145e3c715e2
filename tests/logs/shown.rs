//! The `Debug` and `Display` forms of our values, which reach logs, show no secrets.

use std::time::SystemTime;

use http::HeaderMap;
use lark_events::{
    Delivery, EncryptKey, Event, EventHeader, Opened, Outcome, RawJson, RawReply, Transport,
    VerificationToken, Webhook, Webhooks,
};
use lark_events_inbox::{
    AttemptOutcome, Claimed, Entry, Fence, Listed, Settled, Settlement, Shown, State,
};
use lark_events_tower::EventService;
use lark_events_ws::LongConnection;
use lark_events_ws::frame::Frame;
use tracing::trace;

use crate::app::{dispatcher, documents, layered, stored};
use crate::platform::{KEY, TOKEN, posted, url_check, webhook};

macro_rules! shown {
    ($($value:expr),+ $(,)?) => {
        $(trace!(target: "lark_events", "shown: {:?}", $value);)+
    };
}

pub(crate) fn all() {
    credentials();
    openers();
    what_is_opened();
    entries();
    services();
}

fn credentials() {
    let (key, token) = (EncryptKey::new(KEY), VerificationToken::new(TOKEN));
    shown!(
        key,
        token,
        Webhook::builder()
            .encrypt_key(KEY)
            .verification_token(TOKEN)
    );
    for error in [
        Webhook::builder().build().unwrap_err(),
        Webhook::builder()
            .encrypt_key(KEY)
            .build_old_card()
            .unwrap_err(),
    ] {
        shown!(error, error.to_string());
    }
    let proxied = LongConnection::builder("cli_1", "marked-secret")
        .header("authorization", "marked-header")
        .proxy("http://marked-user:marked-password@127.0.0.1:1");
    shown!(proxied, proxied.build());
}

fn openers() {
    let cards = Webhook::builder()
        .verification_token(TOKEN)
        .build_old_card();
    let cards = cards.unwrap();
    shown!(webhook(), cards, Webhooks::by_signature([webhook()]));
    shown!(cards.admit(&HeaderMap::new()));
    for document in documents().into_iter().chain([url_check()]) {
        let (parts, body) = posted(document).into_parts();
        let admission = webhook().admit(&parts.headers).unwrap();
        shown!(admission);
        let opened = admission.open(body);
        if let Err(error) = &opened {
            shown!(error.to_string(), error.kind());
        }
        // The challenge of a URL check is no secret.
        if let Ok(Opened::Delivery(_)) | Err(_) = &opened {
            shown!(opened);
        }
    }
}

fn what_is_opened() {
    let raw = RawJson::parse(r#"{"scope_id":["marked-payload"],"marked-payload":1}"#).unwrap();
    let header = EventHeader::new("a_v1").with_extra("resource_id", raw.clone());
    let reply = RawReply::json(&"marked-reply");
    shown!(
        raw,
        header,
        Delivery::new(header.clone(), raw.clone()),
        Event::new(header.clone(), raw.clone()),
        Outcome::Replied(raw.clone()),
        reply,
        Frame::data(1).with_payload("marked-payload"),
    );
    let now = SystemTime::now();
    let errors = [
        raw.decode::<u64>().unwrap_err(),
        raw.decode_leniently::<u64>().unwrap_err(),
        RawJson::parse("marked-payload").unwrap_err(),
        Delivery::parse_unauthenticated("marked-payload", Transport::Local, now).unwrap_err(),
        Delivery::parse_unauthenticated(r#""marked-payload""#, Transport::Local, now).unwrap_err(),
    ];
    for error in errors {
        shown!(error, error.to_string());
    }
}

/// Values of a store, whose events are whole.
fn entries() {
    let raw = RawJson::parse(r#"{"marked-payload":"marked-payload"}"#).unwrap();
    let delivery = Delivery::new(EventHeader::new("a_v1"), raw);
    let mut entry = Entry::new(delivery.clone());
    let fence = Fence::draw(1);
    shown!(
        entry,
        fence,
        Settlement::new(fence, Settled::Done, AttemptOutcome::Handled)
    );
    entry.lane = Some("a lane".to_owned());
    let listed = Listed::new(1, State::Ready, &delivery);
    shown!(listed, Claimed::new(fence, 1, entry));
    shown!(Shown::new(listed, delivery, None, Vec::new()));
}

fn services() {
    let service = EventService::builder(webhook(), dispatcher());
    shown!(stored(), dispatcher(), dispatcher().manifest(), service);
    shown!(EventService::new(webhook(), layered(true)));
}
