//! The contract of the example: its environment, its lines, and its end.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[cfg(feature = "postgres")]
mod balancer;
#[cfg(all(target_os = "linux", feature = "sqlite"))]
mod durable;
#[cfg(feature = "postgres")]
mod fleet;
#[cfg(feature = "sqlite")]
mod killed;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod load;
#[cfg(feature = "postgres")]
mod pair;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod printed;
mod process;
#[cfg(feature = "postgres")]
mod replicated;
#[cfg(all(target_os = "linux", feature = "sqlite"))]
mod strace;

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _};

use lark_events_sim::Document;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use self::process::{Process, example, free_port, listening, message, platform, with_settings};

#[tokio::test]
async fn each_acknowledged_event_is_one_line_in_the_order_of_its_chat_and_a_signal_drains() {
    let port = free_port();
    let mut command = example();
    let command = with_settings(&mut command, port, "memory:").env("HANDLER_MS", "20");
    let mut process = Process(command.spawn().unwrap());
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
    process.terminate();
    let child = &mut process.0;
    let (stdout, mut stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let lines: Vec<Value> = BufReader::new(stdout)
        .lines()
        .map(|line| serde_json::from_str(&line.unwrap()).unwrap())
        .collect();
    let mut log = String::new();
    stderr.read_to_string(&mut log).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{log}");
    assert_eq!(lines.len(), 24, "{log}");
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
            "INBOX: expected `memory:`, `sqlite:PATH` (feature `sqlite`) or `postgres://…` (feature `postgres`), got `mysql:`",
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
