//! What other libraries got wrong, and this one decided otherwise: a test for each decision.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use http_body_util::Full;
use lark_events::callback::{CardActionReply, CardActionTrigger};
use lark_events::limits::{MAX_EVENT_BYTES, MAX_LIVE_SECRETS, MAX_UNSIGNED_BYTES};
use lark_events::{Dispatcher, Event, EventType as _, RawJson, UnhandledPolicy};
use lark_events_sim::Document;
use lark_events_tower::{DEFAULT_MAX_BYTES_IN_FLIGHT, DEFAULT_MAX_RUNNING, EventService};
use serde_json::{Value, json};
use tower::ServiceExt as _;
use vc_events::{ReserveConfigUpdatedV1, ScopeType};

use crate::platform::{answer, event, posted, sample, unsigned, url_check, webhook};

/// A service with one typed handler, and how often it ran.
fn counting() -> (EventService<Dispatcher>, Arc<AtomicUsize>) {
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&runs);
    let dispatcher = Dispatcher::builder()
        .on::<ReserveConfigUpdatedV1>(move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
            async {}
        })
        .build()
        .unwrap();
    (EventService::new(webhook(), dispatcher), runs)
}

#[tokio::test]
async fn the_rule_leaves_no_padding_oracle_and_runs_no_handler_for_a_forged_token() {
    let (service, runs) = counting();
    let mut answers = BTreeSet::new();
    // An attacker has captured an encrypted event and an encrypted URL check. The attacker posts both
    // unsigned, with every value of the last byte before the last block: one gives good padding.
    for document in [sample(), url_check()] {
        let body: Value = serde_json::from_slice(posted(document).body()).unwrap();
        let message = BASE64.decode(body["encrypt"].as_str().unwrap()).unwrap();
        for change in 1..=255 {
            let mut guess = message.clone();
            guess[message.len() - 17] ^= change;
            let body = format!(r#"{{"encrypt":"{}"}}"#, BASE64.encode(guess));
            answers.insert(answer(&service, unsigned(body)).await);
        }
    }
    let forged = posted(sample().header("token", "forged"));
    answers.insert(answer(&service, forged).await);
    assert_eq!(Vec::from_iter(answers), [(401, String::new())]);
    assert_eq!(runs.load(Ordering::Relaxed), 0);

    assert_eq!(answer(&service, posted(sample())).await.0, 200);
    assert_eq!(runs.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn the_event_carries_its_header_to_every_handler() {
    fn check<E>(event: &Event<E>) {
        assert_eq!(event.header.event_id.as_deref(), Some("e-1"));
        assert_eq!(event.header.tenant_key.as_deref(), Some("t-1"));
        assert_eq!(event.header.app_id.as_deref(), Some("cli_1"));
        assert_eq!(event.header.create_time.as_deref(), Some("1608725989000"));
        assert!(event.header.created_at().is_some());
    }
    let dispatcher = Dispatcher::builder()
        .on::<ReserveConfigUpdatedV1>(|event| async move { check(&event) })
        .on_raw("raw_v1", |event| async move { check(&event) })
        .fallback(|event| async move { check(&event) })
        .with_state(())
        .on_with::<CardActionTrigger>(|(), event| async move {
            check(&event);
            CardActionReply::new()
        })
        .build()
        .unwrap();
    let service = EventService::new(webhook(), dispatcher);
    for event_type in [
        "vc.reserve_config.updated_v1",
        "raw_v1",
        "other_v1",
        "card.action.trigger",
    ] {
        let document = event(event_type).event_id("e-1").tenant_key("t-1");
        let document = document.header("app_id", "cli_1");
        let posted = posted(document.create_time("1608725989000"));
        assert_eq!(answer(&service, posted).await.0, 200, "{event_type}");
    }
}

fn sample_body() -> Value {
    let sample = ReserveConfigUpdatedV1::SAMPLE.unwrap();
    let sample: Value = serde_json::from_str(sample).unwrap();
    sample["event"].clone()
}

/// The JSON pointers of every value below `value`.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(members) => members.iter().map(|(k, v)| (k.clone(), v)).collect(),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(i, v)| (i.to_string(), v))
            .collect(),
        _ => return,
    };
    for (name, child) in children {
        let pointer = format!("{at}/{name}");
        pointers(child, &pointer, found);
        found.push(pointer);
    }
}

/// A number is the same number whether it is written `1` or `1.0`.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let same_member = |(key, value)| other.get(key).is_some_and(|other| same(value, other));
            one.len() == other.len() && one.iter().all(same_member)
        }
        _ => one == other,
    }
}

#[test]
fn decoding_is_lenient_so_that_one_odd_field_costs_that_field_at_most() {
    let body = sample_body();
    let mut all = Vec::new();
    pointers(&body, "", &mut all);
    assert_eq!(all.len(), 30, "the sample has this many values: {all:?}");
    for pointer in &all {
        for odd in [
            Value::Null,
            json!(-7.5),
            json!("odd"),
            json!(["x"]),
            json!({"x": 1}),
        ] {
            let mut changed = body.clone();
            *changed.pointer_mut(pointer).unwrap() = odd.clone();
            let decoded: ReserveConfigUpdatedV1 = serde_json::from_value(changed).unwrap();
            let mut kept = serde_json::to_value(decoded).unwrap();
            // Whatever became of the odd value: with the right one back, all is there.
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            match kept.pointer_mut(parent).unwrap() {
                Value::Object(members) => {
                    members.insert(name.to_owned(), body.pointer(pointer).unwrap().clone());
                }
                Value::Array(items) => {
                    let place = name.parse().unwrap();
                    items.truncate(place);
                    items.insert(place, body.pointer(pointer).unwrap().clone());
                }
                _ => unreachable!("a parent has members"),
            }
            assert!(same(&kept, &body), "{pointer} = {odd}: {kept}");
        }
    }
}

#[tokio::test]
async fn a_body_nested_20_000_deep_costs_the_field_at_most() {
    let dispatcher = Dispatcher::builder()
        .on::<ReserveConfigUpdatedV1>(|event| async move {
            assert_eq!(event.body.scope_type, Some(ScopeType::Room));
            assert!(event.body.time_config.is_some());
        })
        .build()
        .unwrap();
    let service = EventService::new(webhook(), dispatcher);
    let arrays = format!("{}1{}", "[".repeat(20_000), "]".repeat(20_000));
    let objects = format!("{}1{}", r#"{"user_id":"#.repeat(20_000), "}".repeat(20_000));
    let sample = sample_body().to_string();
    let scope_id = r#""omm_3c5dd7e09bac0c1758fcf9511bd1a771""#;
    for deep in [&arrays, &objects] {
        for place in [scope_id, r#""ou_84aad35d084aa403a838cf73ee18467""#] {
            assert!(sample.contains(place));
            let body = RawJson::parse(sample.replace(place, deep)).unwrap();
            let document = Document::v2(ReserveConfigUpdatedV1::EVENT_TYPE, &body).unwrap();
            assert_eq!(answer(&service, posted(document)).await.0, 200);
        }
    }
}

#[tokio::test]
async fn one_handler_error_panic_or_bad_request_never_ends_the_server() {
    let dispatcher = Dispatcher::builder()
        .on::<ReserveConfigUpdatedV1>(|_| async move {})
        .on_raw("fails_v1", |_| async move { Err::<(), _>("failed") })
        .on_raw("panics_v1", |_| async move {
            assert!(std::hint::black_box(false));
        })
        .build()
        .unwrap();
    let service = EventService::new(webhook(), dispatcher);
    for (bad, status) in [
        (posted(event("fails_v1")), 500),
        (posted(event("panics_v1")), 500),
        (posted("{"), 400),
        (unsigned("\0"), 401),
    ] {
        assert_eq!(answer(&service, bad).await, (status, String::new()));
        let next = answer(&service, posted(sample())).await;
        assert_eq!(next, (200, r#"{"msg":"success"}"#.to_owned()));
    }
}

#[tokio::test(start_paused = true)]
async fn every_buffer_and_count_has_a_named_bound() {
    assert_eq!(MAX_EVENT_BYTES, 4 * 1024 * 1024);
    assert_eq!(MAX_UNSIGNED_BYTES, 768);
    assert_eq!(MAX_LIVE_SECRETS, 4);
    assert_eq!(DEFAULT_MAX_BYTES_IN_FLIGHT, 16 * MAX_EVENT_BYTES);

    // More events than may run, of a kind that never ends.
    let hanging = Dispatcher::builder()
        .on::<ReserveConfigUpdatedV1>(|_| std::future::pending::<()>())
        .build()
        .unwrap();
    let service = EventService::new(webhook(), hanging);
    let asked = (0..DEFAULT_MAX_RUNNING + 10).map(|_| {
        let service = service.clone();
        tokio::spawn(async move { answer(&service, posted(sample())).await.0 })
    });
    let asked: Vec<_> = asked.collect();
    let mut statuses = Vec::new();
    for answer in asked {
        statuses.push(answer.await.unwrap());
    }
    let count = |wanted| statuses.iter().filter(|status| **status == wanted).count();
    assert_eq!((count(504), count(503)), (DEFAULT_MAX_RUNNING, 10));
    assert_eq!(service.stats().running, DEFAULT_MAX_RUNNING);
}

#[tokio::test(start_paused = true)]
async fn shutdown_drains_what_runs_and_takes_no_more() {
    let slow = Dispatcher::builder()
        .on::<ReserveConfigUpdatedV1>(|_| tokio::time::sleep(Duration::from_secs(1)))
        .build()
        .unwrap();
    let service = EventService::new(webhook(), slow);
    let running = tokio::spawn(service.clone().oneshot(posted(sample()).map(Full::new)));
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert_eq!(service.drain(Duration::from_secs(5)).await, Ok(()));
    assert_eq!(running.await.unwrap().unwrap().status(), 200);
    assert_eq!(answer(&service, posted(sample())).await.0, 503);
}

#[tokio::test]
async fn what_happens_to_an_unhandled_event_is_a_named_policy() {
    for (policy, status) in [
        (UnhandledPolicy::Acknowledge, 200),
        (UnhandledPolicy::Fail, 500),
    ] {
        let dispatcher = Dispatcher::builder().unhandled(policy).build().unwrap();
        let service = EventService::new(webhook(), dispatcher);
        assert_eq!(answer(&service, posted(sample())).await.0, status);
        let callback = posted(event("card.action.trigger"));
        assert_eq!(
            answer(&service, callback).await.0,
            500,
            "callbacks always fail"
        );
    }
}
