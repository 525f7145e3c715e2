//! The contract of the example: its environment, its lines, and its end.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use lark_events_sim::{Document, Platform};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

const KEY: &str = "test key";
const TOKEN: &str = "v-token";
const PATIENCE: Duration = Duration::from_secs(60);

fn example() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_inbox_webhook"));
    command.env_clear();
    command
}

/// A running example, which is killed when this is dropped.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn started(port: u16, handler_ms: u32) -> Process {
    let child = example()
        .env("LISTEN_ADDR", format!("127.0.0.1:{port}"))
        .env("LARK_ENCRYPT_KEY", KEY)
        .env("LARK_VERIFICATION_TOKEN", TOKEN)
        .env("INBOX", "memory:")
        .env("HANDLER_MS", handler_ms.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let process = Process(child.unwrap());
    let listening = async {
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, listening)
        .await
        .expect("the example listens");
    process
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}

fn message(chat: &str, id: &str) -> Document {
    let body = json!({"message": {"chat_id": chat}});
    let message = Document::v2("im.message.receive_v1", &body).unwrap();
    message.event_id(id)
}

#[tokio::test]
async fn each_acknowledged_event_is_one_line_in_the_order_of_its_chat_and_a_signal_drains() {
    let port = free_port();
    let mut process = started(port, 20).await;
    let platform = Platform::builder()
        .encrypt_key(KEY)
        .verification_token(TOKEN)
        .redeliver_after([])
        .webhook(&format!("http://127.0.0.1:{port}/webhook/event"));
    let platform = platform.start().await.unwrap();
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
    let pid = process.0.id().to_string();
    assert!(Command::new("kill").arg(pid).status().unwrap().success());
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
            "INBOX: expected `memory:` or `sqlite:PATH` (feature `sqlite`), got `mysql:`",
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
