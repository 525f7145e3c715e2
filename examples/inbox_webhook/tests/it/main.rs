//! The contract of the example: its environment, its lines, and its end.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[cfg(any(feature = "nats", feature = "postgres"))]
mod app;
#[cfg(any(feature = "nats", feature = "postgres"))]
mod balancer;
#[cfg(feature = "nats")]
mod clustered;
#[cfg(all(target_os = "linux", feature = "sqlite"))]
mod durable;
#[cfg(any(feature = "nats", feature = "postgres"))]
mod fleet;
#[cfg(feature = "sqlite")]
mod killed;
#[cfg(any(feature = "nats", feature = "postgres", feature = "sqlite"))]
mod load;
#[cfg(feature = "postgres")]
mod pair;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(any(feature = "nats", feature = "postgres", feature = "sqlite"))]
mod printed;
mod process;
#[cfg(feature = "postgres")]
mod replicated;
#[cfg(all(target_os = "linux", feature = "sqlite"))]
mod strace;

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Command;

use lark_events_sim::Document;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use self::process::{Process, example, free_port, listening, message, platform, with_settings};

#[tokio::test]
async fn each_acknowledged_event_is_one_line_in_the_order_of_its_chat_and_a_signal_drains() {
    drains(|command, port| with_settings(command, port, "memory:")).await;
}

/// How many events the contract is about.
const EVENTS: usize = 24;

/// The contract with a store. A volatile store has no events left after a drain; those of another one are
/// handled by the next process.
async fn drains(settings: impl Fn(&mut Command, u16) -> &mut Command) {
    let port = free_port();
    let mut command = example();
    let command = settings(&mut command, port).env("HANDLER_MS", "20");
    let process = Process(command.spawn().unwrap());
    listening(port).await;
    let platform = platform(port).start().await.unwrap();
    for number in 0..8 {
        let mut pushes = JoinSet::new();
        for chat in ["oc_1", "oc_2"] {
            let id = format!("{chat}: {number}");
            pushes.spawn(platform.push(message(chat, &id)));
        }
        let other = Document::v2("contact.user.updated_v3", &json!({})).unwrap();
        pushes.spawn(platform.push(other));
        for report in pushes.join_all().await {
            assert!(report.acknowledged(), "{report:?}");
        }
    }
    // At once, with events in the queue.
    let (mut lines, log) = ended(process, 0);
    assert!(!lines.is_empty(), "{log}");
    let inbox = command.get_envs().find(|(name, _)| *name == "INBOX");
    if inbox.is_none_or(|(_, inbox)| inbox != Some("memory:".as_ref())) {
        let (left, _) = ended(Process(command.spawn().unwrap()), EVENTS - lines.len());
        lines.extend(left);
    }
    assert_eq!(lines.len(), EVENTS, "{log}");
    let mut lanes = HashMap::<_, Vec<_>>::new();
    for line in &lines {
        assert_eq!(line["attempt"], 1);
        let lane = line["lane"].as_str().unwrap_or_default();
        let id = line["event_id"].as_str().unwrap();
        lanes
            .entry(lane.to_owned())
            .or_default()
            .push(id.to_owned());
    }
    for chat in ["oc_1", "oc_2"] {
        let expected: Vec<_> = (0..8).map(|number| format!("{chat}: {number}")).collect();
        assert_eq!(lanes[chat], expected);
    }
}

/// Stops a process after some lines. Returns all its lines, and its log.
fn ended(mut process: Process, after: usize) -> (Vec<Value>, String) {
    let stdout = process.0.stdout.take().unwrap();
    let lines = BufReader::new(stdout).lines();
    let mut lines = lines.map(|line| serde_json::from_str(&line.unwrap()).unwrap());
    let mut all: Vec<_> = lines.by_ref().take(after).collect();
    process.terminate();
    all.extend(lines);
    let child = &mut process.0;
    let mut log = String::new();
    let mut stderr = child.stderr.take().unwrap();
    stderr.read_to_string(&mut log).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{log}");
    (all, log)
}

#[test]
fn a_wrong_setting_is_an_error_that_names_it() {
    for (name, value, expected) in [
        (
            "ROLE",
            "reader",
            "ROLE: set `receive`, `work` or `both`, got `reader`",
        ),
        ("HANDLER_MS", "fast", "HANDLER_MS: `fast`"),
        (
            "INBOX",
            "mysql://user:secret@host",
            "or `nats://…` (feature `nats`), got `mysql:`",
        ),
        ("ROLE", "work", "INBOX: `memory:` is within one process"),
    ] {
        let output = example().env(name, value).output().unwrap();
        let log = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{log}");
        assert!(log.contains(expected) && !log.contains("secret"), "{log}");
        assert!(output.stdout.is_empty());
    }
}
