//! Pages that were hidden or not connected for a while, and connect again: they show the present state.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use axum::routing::post;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::http::Events;
use super::live::{kept, part};
use super::{Console, EVENT};
use crate::push;

/// An app that rejects each message, and takes another event once it is released.
fn holding() -> (String, Arc<Notify>) {
    let release = Arc::new(Notify::new());
    let held = Arc::clone(&release);
    let answer = async |held: Arc<Notify>, body: Bytes| {
        let document: Value = serde_json::from_slice(&body).unwrap();
        if document.get("challenge").is_some() {
            return document.to_string().into_response();
        }
        if document["header"]["event_type"] == EVENT {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
        held.notified().await;
        StatusCode::OK.into_response()
    };
    let router = Router::new().route(
        "/webhook/event",
        post(move |body| answer(Arc::clone(&held), body)),
    );
    (push::serve(router), release)
}

#[test]
fn rows_that_enter_a_full_list_while_a_page_is_hidden_are_not_lost() {
    let (url, release) = holding();
    let args = ["--no-key", "--redeliver", "1h", "--timeout", "5m"];
    let console = Console::of(&url, &args);
    for _ in 0..200 {
        console.push_sample();
    }
    let last = console.push(&json!({"type": "im.chat.disbanded_v1"}));
    console.until("/api/deliveries/200", |delivery| {
        delivery["attempt_count"] == 1
    });
    let (page, target) = console.page("/?progress=pending");
    assert!(page.contains("id=\"d201\"") && !page.contains("id=\"d1\""));
    release.notify_one();
    console.ended(last);
    let event = Events::open(&console.host, &target, &[]).next().json();
    let kept = kept(&event);
    assert_eq!(kept.len(), 200);
    assert!(kept.contains("d1") && !kept.contains("d201"));
    for id in kept {
        let has = page.contains(&format!("id=\"{id}\"")) || part(&event, id).is_some();
        assert!(has, "{id} is neither in the page nor in the event");
    }
}

#[test]
fn a_page_of_a_delivery_of_another_run_shows_no_other_delivery() {
    let console = Console::start(&[]);
    console.push_sample();
    let target = "/stream?page=delivery&number=1";
    let of_other_run = [("last-event-id", "1-7")];
    let mut events = Events::open(&console.host, target, &of_other_run);
    let first = events.next();
    // It is of the other run also when it connects again.
    assert_eq!(first.id, "1-7");
    let event = first.json();
    let facts = part(&event, "facts").unwrap();
    assert!(facts.contains("has started again"), "{facts}");
    for id in ["attempt-1", "reply", "calls", "commands"] {
        assert_eq!(part(&event, id), None);
    }
    assert_eq!(event.get("keep"), None);
    for id in ["actions", "next"] {
        assert!(!part(&event, id).unwrap().contains("<button"), "{id}");
    }
    console.post("/api/faults", &json!({"fault": "close@0.5"}));
    let later = events.next();
    assert_eq!(later.id, "1-7");
    assert!(part(&later.json(), "status").is_some());
}

#[test]
fn a_page_of_a_delivery_that_is_forgotten_says_so_and_offers_nothing() {
    let console = Console::start(&["--redeliver", "never"]);
    let first = console.push_sample();
    console.ended(first);
    let (page, target) = console.page("/deliveries/1");
    assert!(page.contains("Replay with new ids"));
    let mut events = Events::open(&console.host, &target, &[]);
    for _ in 0..1000 {
        console.push_sample();
    }
    let event = loop {
        let event = events.next().json();
        if part(&event, "facts").is_some_and(|html| html.contains("no longer kept")) {
            break event;
        }
    };
    for id in ["actions", "next"] {
        let html = part(&event, id).unwrap();
        assert!(
            !html.contains("<button") && !html.contains("href"),
            "{html}"
        );
    }
    assert_eq!(event.get("keep"), None, "the attempts stay");
}

#[test]
fn a_page_of_a_delivery_gets_no_events_for_others() {
    let console = Console::start(&["--redeliver", "1h"]);
    console.push_sample();
    let target = "/stream?page=delivery&number=1";
    let mut events = Events::open(&console.host, target, &[]);
    assert!(part(&events.next().json(), "facts").is_some());
    let mut list = Events::open(&console.host, "/stream?page=deliveries", &[]);
    for _ in 0..3 {
        let id = format!("d{}", console.push_sample());
        while part(&list.next().json(), &id).is_none() {}
    }
    // The status changes after all of them.
    console.post("/api/faults", &json!({"fault": "close@0.5"}));
    let mut sent = Vec::new();
    loop {
        let event = events.next().json();
        let parts = event["parts"].as_array().unwrap().clone();
        assert!(!parts.is_empty());
        sent.extend(parts.iter().map(|part| part["id"].clone()));
        if part(&event, "status").is_some_and(|html| html.contains("close@0.5")) {
            break;
        }
    }
    // Its own first attempt may have ended meanwhile.
    let own = ["status", "attempt-1", "next", "commands"];
    sent.retain(|id| !own.contains(&id.as_str().unwrap()));
    assert_eq!(sent, Vec::<Value>::new());
}

#[test]
fn a_page_after_the_oldest_delivery_names_no_filter() {
    let console = Console::start(&["--redeliver", "never"]);
    console.ended(console.push_sample());
    for (query, says) in [
        ("before=1", "No older delivery is kept."),
        (
            "before=1&transport=long-connection",
            "The filter selects no older delivery.",
        ),
        ("before=1&faults=on", "The filter hides all deliveries."),
        ("faults=on", "The filter hides all deliveries."),
    ] {
        let page = console.get(&format!("/?{query}")).body;
        assert!(page.contains(says), "{query}: {page}");
        assert_eq!(
            page.contains("The filter "),
            says.contains("filter"),
            "{query}"
        );
    }
}
