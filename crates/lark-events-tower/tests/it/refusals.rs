//! Refusals of unsigned requests: at one time after the request, whatever it was.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use bytes::Bytes;
use lark_events::limits::{MAX_UNSIGNED_BYTES, REFUSAL_DELAY};
use lark_events::{EncryptKey, Webhook, Webhooks};
use lark_events_tower::{EventService, Opener};
use tokio::time::Instant;

use crate::support::{KEY, Pieces, TOKEN, send, status, unsigned, watched, webhook};

fn url_check(token: &str, kind: &str) -> String {
    format!(r#"{{"challenge":"abc","token":"{token}","type":"{kind}"}}"#)
}

fn wrapped(message: &[u8]) -> Bytes {
    format!(r#"{{"encrypt":"{}"}}"#, BASE64.encode(message)).into()
}

/// Encrypted whole blocks: with the padding that `plaintext` ends in, or none.
fn blocks(plaintext: impl Into<Vec<u8>>) -> Bytes {
    let mut plaintext = plaintext.into();
    plaintext.resize(plaintext.len().next_multiple_of(16), b' ');
    let sealed = EncryptKey::new(KEY).seal(&plaintext, [7; 16]);
    let mut message = BASE64.decode(sealed).unwrap();
    message.truncate(16 + plaintext.len());
    wrapped(&message)
}

/// What a sender may try, by what it would learn.
fn classes() -> Vec<(String, Bytes)> {
    let event = format!(
        r#"{{"schema":"2.0","header":{{"token":"{TOKEN}","event_type":"x_v1"}},"event":{{"text":"{:100}"}}}}"#,
        ""
    );
    let changed = |at: usize, byte: u8| {
        let mut event = event.clone().into_bytes();
        event[at] = byte;
        blocks(event)
    };
    let mut classes = vec![
        ("an event", blocks(event.clone())),
        ("good padding", blocks(format!("{event:207}\u{1}"))),
        ("no UTF-8 early", changed(1, 0x80)),
        ("no UTF-8 late", changed(150, 0x80)),
        ("no JSON early", changed(0, b'x')),
        ("no JSON late", changed(150, b'"')),
        ("JSON", blocks(r#"{"a":1}"#)),
        ("a wrong type", blocks(url_check(TOKEN, "event_callback"))),
        (
            "no challenge",
            blocks(url_check(TOKEN, "url_verification").replace("abc", "")),
        ),
        ("no base64", r#"{"encrypt":"!"}"#.into()),
        ("no blocks", r#"{"encrypt":"YQ=="}"#.into()),
        ("no wrapper", "{}".into()),
        ("nothing", Bytes::new()),
        ("a long body", vec![b' '; MAX_UNSIGNED_BYTES + 1].into()),
    ]
    .into_iter()
    .map(|(class, body)| (class.to_owned(), body))
    .collect::<Vec<_>>();
    for right in 0..TOKEN.len() {
        let mut token = TOKEN.as_bytes().to_vec();
        token[right] ^= 1;
        let token = String::from_utf8(token).unwrap();
        let check = blocks(url_check(&token, "url_verification"));
        classes.push((format!("{right} bytes of the token"), check));
    }
    classes
}

async fn come_at_one_time<O: Opener>(opener: O) {
    let service = EventService::new(opener, watched().0);
    for (class, body) in classes() {
        let began = Instant::now();
        let answer = send(&service, unsigned(body)).await;
        assert_eq!(answer.status, 401, "{class}");
        assert_eq!(began.elapsed(), REFUSAL_DELAY, "{class}");
    }
    let check = blocks(url_check(TOKEN, "url_verification"));
    assert_eq!(status(&service, unsigned(check)).await, 200);
}

#[tokio::test(start_paused = true)]
async fn every_refusal_of_an_unsigned_request_comes_at_one_time_after_it() {
    come_at_one_time(webhook()).await;
    let app = |id: &str, key: &str| {
        let app = Webhook::builder().app_id(id).verification_token(TOKEN);
        app.encrypt_key(key).build().unwrap()
    };
    let apps = || [app("cli_other", "other key"), app("cli_1", KEY)];
    come_at_one_time(Webhooks::by_signature(apps()).unwrap()).await;

    // A path that names no app is refused before anything is read or decrypted.
    let by_path = EventService::new(Webhooks::by_path(apps()).unwrap(), watched().0);
    for (path, delay) in [("/cli_1", REFUSAL_DELAY), ("/cli_2", Duration::ZERO)] {
        let mut request = unsigned(blocks("{}"));
        *request.uri_mut() = path.parse().unwrap();
        let began = Instant::now();
        assert_eq!(status(&by_path, request).await, 401, "{path}");
        assert_eq!(began.elapsed(), delay, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_time_counts_from_the_last_byte() {
    let service = EventService::new(webhook(), watched().0);
    let pause = Duration::from_millis(400);
    for (class, body) in classes() {
        if body.is_empty() || body.len() > MAX_UNSIGNED_BYTES {
            continue;
        }
        let halves = [body.slice(..body.len() / 2), body.slice(body.len() / 2..)];
        let slow = unsigned("").map(|_| Pieces::new(halves).with_pause(pause));
        let began = Instant::now();
        assert_eq!(status(&service, slow).await, 401, "{class}");
        assert_eq!(began.elapsed(), 3 * pause + REFUSAL_DELAY, "{class}");
    }
}

#[tokio::test(start_paused = true)]
async fn refusals_that_wait_are_bounded_and_beyond_the_bound_nothing_is_decrypted() {
    const BOUND: usize = 1_024;
    let service = EventService::new(webhook(), watched().0);
    let refused = async {
        let began = Instant::now();
        let status = status(&service, unsigned(blocks("{}"))).await;
        (status, began.elapsed())
    };
    let waiting: Vec<_> = (0..BOUND)
        .map(|_| {
            let service = service.clone();
            tokio::spawn(async move { status(&service, unsigned(blocks("{}"))).await })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(1)).await; // all of them have run
    assert_eq!(refused.await, (401, Duration::ZERO));
    // Not even this is opened.
    let check = blocks(url_check(TOKEN, "url_verification"));
    assert_eq!(status(&service, unsigned(check.clone())).await, 401);
    for refused in waiting {
        assert_eq!(refused.await.unwrap(), 401);
    }
    assert_eq!(status(&service, unsigned(check)).await, 200);
}
