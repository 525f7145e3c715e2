//! Replies that grow.

use std::time::Duration;

use lark_events_api::{Api, ApiErrorKind, Once};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::platform::{Fault, Platform, Seen};

/// The text of a card in a call.
fn shown(call: &Seen) -> String {
    let content = call.json()["content"].as_str().unwrap().to_owned();
    let card: Value = serde_json::from_str(&content).unwrap();
    card["body"]["elements"][0]["content"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn stream(api: &Api) -> lark_events_api::ReplyStream {
    api.reply_stream("om_user", Once::key("k"), "thinking …")
        .unwrap()
}

/// The replies, and the updates of cards.
fn sent(platform: &Platform) -> (Vec<Seen>, Vec<Seen>) {
    platform
        .calls()
        .into_iter()
        .partition(|call| call.method == "POST")
}

#[tokio::test(start_paused = true)]
async fn a_reply_grows_at_a_pace_and_ends_with_the_last_state() {
    let platform = Platform::new();
    let api = platform.api();
    let reply = stream(&api);
    sleep(Duration::from_secs(2)).await;
    let began = Instant::now();
    for word in 0..100 {
        reply.push(format!("{word} ")).unwrap();
        sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(reply.finish().await.unwrap(), ["om_1"]);
    let (replies, updates) = sent(&platform);
    assert_eq!(shown(&replies[0]), "thinking …");
    assert_eq!(replies.len(), 1);
    // Five seconds, at two updates a second.
    assert!((10..=12).contains(&updates.len()), "{}", updates.len());
    assert!(began.elapsed() < Duration::from_secs(7));
    let texts: Vec<_> = updates.iter().map(shown).collect();
    assert!(
        texts.is_sorted_by(|one, next| next.starts_with(&**one)),
        "{texts:?}"
    );
    assert!(texts.last().unwrap().ends_with("98 99 "));
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_dropped_sends_its_last_state_too() {
    let platform = Platform::new();
    let api = platform.api();
    let reply = stream(&api);
    reply.push("half an ans").unwrap();
    drop(reply);
    assert!(api.drain(Duration::from_secs(10)).await);
    let (_, updates) = sent(&platform);
    assert_eq!(shown(updates.last().unwrap()), "half an ans");
}

#[tokio::test(start_paused = true)]
async fn a_long_reply_goes_on_in_another_card() {
    let platform = Platform::new();
    let api = platform.api();
    let reply = stream(&api);
    let mut all = String::new();
    for number in 0..2_000 {
        let paragraph = format!("Paragraph \"{number}\" of the answer.\n\n");
        reply.push(&paragraph).unwrap();
        all.push_str(&paragraph);
        if number % 100 == 0 {
            sleep(Duration::from_millis(300)).await;
        }
    }
    let ids = reply.finish().await.unwrap();
    assert!(ids.len() > 3, "{ids:?}");
    let (replies, updates) = sent(&platform);
    assert_eq!(replies.len(), ids.len());
    let last_of = |id: &String| {
        let path = format!("/open-apis/im/v1/messages/{id}");
        shown(updates.iter().rfind(|call| call.path == path).unwrap())
    };
    let parts: Vec<String> = ids.iter().map(last_of).collect();
    let joined = parts
        .iter()
        .map(|part| part.trim_end())
        .collect::<Vec<_>>()
        .join("\n\n");
    assert_eq!(joined, all.trim_end());
    for call in replies.iter().chain(&updates) {
        assert!(call.body.len() <= 30_000, "{}", call.body.len());
    }
}

#[tokio::test(start_paused = true)]
async fn tables_and_images_of_a_model_do_not_end_its_reply() {
    let platform = Platform::new();
    let api = platform.api();
    let table = "| a | b |\n|---|---|\n| 1 | 2 |\n\n";
    let reply = stream(&api);
    reply
        .push("![tea](https://example.com/tea.png)\n\n")
        .unwrap();
    for _ in 0..5 {
        reply.push(table).unwrap();
    }
    assert_eq!(reply.finish().await.unwrap(), ["om_1", "om_2"]);
    let (_, updates) = sent(&platform);
    let first = shown(&updates[0]);
    assert!(first.starts_with("[tea](https://"), "{first}");
    assert_eq!(first.matches("|---|").count(), 3);
    assert_eq!(shown(updates.last().unwrap()).matches("|---|").count(), 2);

    // A card that the platform rejects nevertheless.
    for code in [230_099, 200_570] {
        let platform = Platform::new();
        let api = platform.api();
        let reply = stream(&api);
        sleep(Duration::from_secs(1)).await;
        platform.fault(Fault::code(400, code));
        reply.push(table).unwrap();
        reply.finish().await.unwrap();
        let (_, updates) = sent(&platform);
        let texts: Vec<_> = updates.iter().map(shown).collect();
        assert_eq!(texts.len(), 2, "{texts:?}");
        assert!(texts[1].starts_with("```\n| a | b |"), "{texts:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_reply_mentions_nobody_and_fits_into_its_cards_nevertheless() {
    let platform = Platform::new();
    let api = platform.api();
    let reply = stream(&api);
    reply.push("<a").unwrap();
    sleep(Duration::from_secs(1)).await;
    reply.push("t id=all></at> ").unwrap();
    sleep(Duration::from_secs(1)).await;
    for _ in 0..10_000 {
        reply.push("<at id=all></at> ![](https://c.d)\n").unwrap();
    }
    assert!(reply.finish().await.unwrap().len() > 10);
    let (replies, updates) = sent(&platform);
    let texts: Vec<_> = updates.iter().map(shown).collect();
    assert_eq!(texts[..2], ["<a", "<\u{200b}at id=all></at> "]);
    assert!(!texts.concat().contains("<at"));
    for call in replies.iter().chain(&updates) {
        assert!(call.body.len() <= 30_000, "{}", call.body.len());
    }
}

#[tokio::test(start_paused = true)]
async fn faults_on_the_way_delay_a_reply_and_do_not_double_it() {
    for fault in [
        Fault::NotSent,
        Fault::Lost,
        Fault::gateway(502),
        Fault::limited(429, Some("2")),
        Fault::code(401, 99_991_663),
    ] {
        for at in 0..3 {
            let platform = Platform::new();
            let api = platform.api();
            let reply = stream(&api);
            for word in ["one ", "two ", "three"] {
                reply.push(word).unwrap();
                sleep(Duration::from_millis(600)).await;
                if word.starts_with(["one ", "two ", "three"][at]) {
                    platform.fault(fault.clone());
                }
            }
            assert_eq!(reply.finish().await.unwrap(), ["om_1"], "{fault:?}");
            let (_, updates) = sent(&platform);
            assert_eq!(shown(updates.last().unwrap()), "one two three");
            assert_eq!(platform.messages().len(), 1);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_handled_again_writes_into_the_same_card() {
    let platform = Platform::new();
    let api = platform.api();
    for text in ["first", "second"] {
        let reply = stream(&api);
        reply.push(text).unwrap();
        assert_eq!(reply.finish().await.unwrap(), ["om_1"]);
    }
    assert_eq!(platform.messages().len(), 1);
    let (_, updates) = sent(&platform);
    assert_eq!(shown(updates.last().unwrap()), "second");
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_is_rejected_stops_its_writer() {
    let platform = Platform::new();
    let api = platform.api();
    let reply = stream(&api);
    sleep(Duration::from_secs(1)).await;
    platform.fault(Fault::code(400, 230_011));
    reply.push("a").unwrap();
    sleep(Duration::from_secs(1)).await;
    let error = reply.push("b").unwrap_err();
    assert_eq!(
        (error.kind(), error.code()),
        (ApiErrorKind::Refused, Some(230_011))
    );
    assert_eq!(reply.finish().await.unwrap_err().code(), Some(230_011));

    let reply = stream(&api);
    assert!(reply.push("x".repeat(2_000_000)).is_err());
    drop(reply);
    let odd = api.reply_stream("om_1/..", Once::key("k"), "").unwrap_err();
    assert_eq!(odd.kind(), ApiErrorKind::Invalid);
    // For good: no more than three attempts at the end.
    let platform = Platform::new();
    let api = platform.api();
    let reply = stream(&api);
    reply.push("a").unwrap();
    sleep(Duration::from_secs(1)).await;
    for _ in 0..20 {
        platform.fault(Fault::gateway(502));
    }
    reply.push("b").unwrap();
    let error = reply.finish().await.unwrap_err();
    assert_eq!(error.kind(), ApiErrorKind::Unavailable);
}
