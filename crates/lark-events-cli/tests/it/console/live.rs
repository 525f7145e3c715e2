//! The streams: what a client gets that resumes, and what a page gets for its rows.

use std::collections::BTreeSet;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::http::{Events, LIMIT};
use super::{Console, EVENT};
use crate::push;

fn numbers(value: &Value) -> Vec<u64> {
    let rows = value["deliveries"].as_array().unwrap();
    rows.iter()
        .map(|row| row["number"].as_u64().unwrap())
        .collect()
}

/// The ids that a page keeps.
pub(super) fn kept(event: &Value) -> BTreeSet<&str> {
    let ids = event["keep"]["ids"].as_array().unwrap();
    ids.iter().map(|id| id.as_str().unwrap()).collect()
}

pub(super) fn part<'a>(event: &'a Value, id: &str) -> Option<&'a str> {
    let mut parts = event["parts"].as_array().unwrap().iter();
    parts.find(|part| part["id"] == id)?["html"].as_str()
}

#[test]
fn a_client_that_resumes_gets_each_later_change_once() {
    let (url, _handled) = push::app();
    let console = Console::of_with_env(&url, &[], &secrets());
    let first = console.push_sample();
    console.ended(first);
    let mut events = Events::open(&console.host, "/api/stream", &[]);
    let seen = events.next_named("delivery");
    assert_eq!(seen.json()["number"], 1);
    drop(events);

    for _ in 0..3 {
        let number = console.push_sample();
        console.ended(number);
    }
    let resume = |headers: &[(&str, &str)], query: &str| {
        let target = format!("/api/stream{query}");
        let mut events = Events::open(&console.host, &target, headers);
        let mut numbers = Vec::new();
        loop {
            let event = events.next();
            match &*event.name {
                "delivery" => numbers.push(event.json()["number"].as_u64().unwrap()),
                "status" => return (numbers, event.id),
                _ => {}
            }
        }
    };
    let header = [("last-event-id", seen.id.as_str())];
    let (numbers, last) = resume(&header, "?after=1-1");
    assert_eq!(numbers, [2, 3, 4]);
    assert_eq!(resume(&[], &format!("?after={last}")).0, [0; 0]);
    assert_eq!(resume(&[], "").0, [1, 2, 3, 4]);
}

#[test]
fn a_position_of_another_run_starts_again() {
    let console = Console::start(&[]);
    console.push_sample();
    let last = [("last-event-id", "1-7")];
    let mut events = Events::open(&console.host, "/api/stream", &last);
    assert_eq!(events.next().name, "reset");
    assert_eq!(events.next_named("delivery").json()["number"], 1);
    let mut events = Events::open(&console.host, "/stream", &last);
    let event = events.next();
    assert_eq!(event.name, "reset");
    let event = event.json();
    assert!(part(&event, "d1").is_some() && part(&event, "counts").is_some());
    assert_eq!(kept(&event), BTreeSet::from(["d1"]));
    let answer = console.get("/stream?after=tea");
    assert_eq!(answer.status, 400);
    assert!(answer.error().contains("expected the id of an event"));
}

#[test]
fn a_page_and_its_stream_lose_nothing_between_them() {
    let (url, _handled) = push::app();
    let console = Console::of_with_env(&url, &[], &secrets());
    let first = console.push_sample();
    console.ended(first);
    let (page, target) = console.page("/");
    assert!(page.contains("id=\"d1\""));
    let second = console.push_sample();
    console.ended(second);
    let mut events = Events::open(&console.host, &target, &[]);
    let event = events.next().json();
    assert!(part(&event, "d2").unwrap().contains("acknowledged"));
    assert_eq!(kept(&event), BTreeSet::from(["d1", "d2"]));
}

#[test]
fn a_row_that_the_filter_no_longer_selects_is_not_kept() {
    let (url, _handled) = push::app();
    let console = Console::of_with_env(&url, &["--redeliver", "1ms"], &secrets());
    // Pending for as long as the fault lasts.
    console.post("/api/faults", &json!({"fault": "delay:2s"}));
    let target = "/stream?page=deliveries&progress=pending";
    let mut events = Events::open(&console.host, target, &[]);
    console.push_sample();
    loop {
        let event = events.next().json();
        if kept(&event).contains("d1") {
            break;
        }
    }
    loop {
        let event = events.next().json();
        if kept(&event).is_empty() {
            let counts = part(&event, "counts").unwrap();
            assert!(counts.contains("0 of 1 shown; 1 hidden by the filter"));
            assert!(part(&event, "empty").unwrap().contains("hides all"));
            break;
        }
    }
}

#[test]
fn a_filtered_stream_says_which_deliveries_have_left_it() {
    let (url, _handled) = push::app();
    let console = Console::of_with_env(&url, &["--redeliver", "1ms"], &secrets());
    console.post("/api/faults", &json!({"fault": "delay:2s"}));
    let mut others = Events::open(&console.host, "/api/stream?type=other", &[]);
    others.next_named("status");
    let target = "/api/stream?progress=pending";
    let mut events = Events::open(&console.host, target, &[]);
    console.push_sample();
    let seen = events.next_named("delivery");
    assert_eq!(seen.json()["number"], 1);
    assert_eq!(events.next_named("unselected").json(), json!({"number": 1}));
    // Also for a client that was away.
    let header = [("last-event-id", seen.id.as_str())];
    let mut events = Events::open(&console.host, target, &header);
    assert_eq!(events.next_named("unselected").json(), json!({"number": 1}));
    // Not for one that it cannot have selected.
    console.post("/api/faults", &json!({"fault": "close@0.5"}));
    let mut event = others.next();
    while !event.data.contains("close@0.5") {
        assert_eq!(event.name, "status");
        event = others.next();
    }
}

#[test]
fn streams_are_bounded_and_leave_places_for_requests() {
    let console = Console::start(&[]);
    let open = |target| Events::open(&console.host, target, &[]);
    let mut all: Vec<_> = (0..16).map(|_| open("/stream")).collect();
    all.extend((0..16).map(|_| open("/api/stream")));
    for target in ["/stream", "/api/stream"] {
        let answer = console.get(target);
        assert_eq!(answer.status, 503);
        assert!(answer.error().contains("at most 32 open streams"));
    }
    console.json("/api/status");
    drop(all);
    let deadline = Instant::now() + LIMIT;
    while Events::try_open(&console.host, "/stream", &[]).is_err() {
        assert!(Instant::now() < deadline);
        sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_delivery_that_is_open_shows_its_attempts_as_they_end() {
    let (url, _handled) = push::app();
    let args = ["--redeliver", "100ms", "--timeout", "2s"];
    let console = Console::of_with_env(&url, &args, &secrets());
    console.post("/api/faults", &json!({"fault": "lose-answer"}));
    console.push_sample();
    let target = "/stream?page=delivery&number=1";
    let mut events = Events::open(&console.host, target, &[]);
    let mut attempts = Vec::new();
    while attempts.len() < 2 {
        let event = events.next().json();
        for id in ["attempt-1", "attempt-2"] {
            if let Some(html) = part(&event, id) {
                attempts.push(html.to_owned());
            }
        }
    }
    assert!(attempts[0].contains("no answer in time") && attempts[0].contains("lose-answer"));
    assert!(attempts[1].contains("status 200 OK"));
    assert!(attempts[1].contains("x-lark-signature"));
}

#[test]
fn faults_and_the_status_are_live_and_agree_with_the_terminal() {
    let mut console = Console::start(&[]);
    let mut events = Events::open(&console.host, "/stream?page=faults", &[]);
    console.serving.types("fault close@0.5");
    loop {
        let event = events.next().json();
        let Some(html) = part(&event, "faults") else {
            continue;
        };
        if html.contains("close@0.5") {
            assert!(part(&event, "status").unwrap().contains("1 in effect"));
            break;
        }
    }
    console.serving.types("calm");
    console.until("/api/faults", |faults| faults["faults"] == json!([]));
}

#[test]
fn a_busy_stream_is_bounded_and_complete() {
    let console = Console::start(&[]);
    let mut events = Events::open(&console.host, "/stream?page=deliveries", &[]);
    for _ in 0..250 {
        console.push(&json!({"type": EVENT}));
    }
    let mut rows = BTreeSet::new();
    loop {
        let event = events.next().json();
        for part in event["parts"].as_array().unwrap() {
            if part["into"] == "deliveries" {
                rows.insert(part["id"].as_str().unwrap().to_owned());
            }
        }
        let kept = kept(&event);
        assert!(kept.len() <= 200);
        rows.retain(|id| kept.contains(id.as_str()));
        if kept.contains("d250") {
            assert_eq!(rows.len(), 200);
            assert!(part(&event, "paging").is_none_or(|html| html.contains("before=51")));
            break;
        }
    }
    let list = console.json("/api/deliveries");
    assert_eq!(numbers(&list).len(), 200);
    assert_eq!(list["before"], 51);
    let older = console.json("/api/deliveries?before=51");
    assert_eq!(numbers(&older), (1..=50).rev().collect::<Vec<_>>());
    assert_eq!(older["before"], Value::Null);
}

/// Those of [`push::app`].
fn secrets() -> [(&'static str, &'static str); 2] {
    [
        ("LARK_ENCRYPT_KEY", crate::KEY),
        ("LARK_VERIFICATION_TOKEN", crate::TOKEN),
    ]
}
