//! The example as a process: who sees the page, who changes events, and what is logged about it. Its source is also
//! what the guide shows.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead as _, BufReader, Lines, Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lark_events::{Delivery, EventHeader, RawJson};
use lark_events_inbox::{
    Admin as _, AttemptOutcome, Entry, Filter, Page, Settled, Settlement, SqliteStore, State,
    Store as _,
};

const LIMIT: Duration = Duration::from_secs(30);
const OPERATOR: &str = "ann:marked-password-1";
const READER: &str = "bob:marked-password-2";

/// A store with one dead letter.
async fn dead_letter(path: &PathBuf) -> SqliteStore {
    let store = SqliteStore::open(path).await.unwrap();
    let mut header = EventHeader::new("im.message.receive_v1");
    header.event_id = Some("e-1".to_owned());
    let body = RawJson::parse(r#"{"text": "marked-body"}"#).unwrap();
    let entry = Entry::new(Delivery::new(header, body));
    store.append(vec![entry]).await.unwrap();
    let claimed = store.claim(1, LIMIT).await.unwrap();
    let failed = AttemptOutcome::Failed;
    let settlement = Settlement::new(claimed[0].fence, Settled::Dead, failed);
    assert_eq!(store.settle(vec![settlement]).await.unwrap(), [true]);
    store
}

/// The example, which ends with this.
struct App {
    child: Child,
    log: Lines<BufReader<ChildStdout>>,
    address: String,
}

impl App {
    fn start(file: &PathBuf) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_inbox_page"))
            .env("LISTEN_ADDR", "127.0.0.1:0")
            .env("INBOX_FILE", file)
            .env("OPERATORS", OPERATOR)
            .env("READERS", READER)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let log = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut app = Self {
            child,
            log,
            address: String::new(),
        };
        let line = app.line();
        let (_, url) = line.split_once("http://").unwrap();
        app.address = url.strip_suffix("/admin/inbox").unwrap().to_owned();
        app
    }

    fn line(&mut self) -> String {
        self.log.next().unwrap().unwrap()
    }

    /// The status, and all of the answer.
    fn send(&self, account: Option<&str>, method: &str, target: &str, form: &str) -> (u16, String) {
        let credentials = account.map(|account| STANDARD.encode(account));
        let credentials = credentials.map(|it| format!("authorization: Basic {it}\r\n"));
        let request = format!(
            "{method} /admin/inbox{target} HTTP/1.1\r\nhost: {host}\r\nsec-fetch-site: same-origin\r\n{}\
             content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\
             connection: close\r\n\r\n{form}",
            credentials.unwrap_or_default(),
            form.len(),
            host = self.address,
        );
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        (answer[9..12].parse().unwrap(), answer)
    }
}

impl Drop for App {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_change_events_readers_see_them_and_others_have_to_log_in() {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("inbox-page.db");
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{suffix}", file.display()));
    }
    let store = dead_letter(&file).await;
    let mut app = App::start(&file);
    let wrong = [
        "ann:marked-password-2",
        "ann:",
        "",
        "ann:marked-password-1 ",
    ];
    for account in [None].into_iter().chain(wrong.map(Some)) {
        for (method, target) in [("GET", ""), ("GET", "/?view=events"), ("POST", "?")] {
            let (status, answer) = app.send(account, method, target, "");
            assert_eq!(status, 401, "{account:?}: {answer}");
            assert!(
                answer.contains("www-authenticate: Basic realm="),
                "{answer}"
            );
            assert!(!answer.contains("receive_v1"), "{answer}");
        }
    }
    let form = "action=retry&seq=1&state=dead&revision=";
    for target in ["", "/", "/?view=event&seq=1"] {
        let (status, answer) = app.send(Some(READER), "GET", target, "");
        assert_eq!(status, 200, "{answer}");
        assert!(!answer.contains("method=\"post\""), "{answer}");
    }
    let (status, answer) = app.send(Some(READER), "POST", "", form);
    assert_eq!(status, 403, "{answer}");
    assert_eq!(in_state(&store, State::Dead).await, 1);
    let (status, answer) = app.send(Some(OPERATOR), "POST", "", form);
    assert_eq!(status, 303, "{answer}");
    assert_eq!(in_state(&store, State::Ready).await, 1);
    let mut audit = app.line();
    while !audit.contains("audit") {
        audit = app.line();
    }
    assert!(audit.contains("who: Some(\"ann\")"), "{audit}");
    assert!(audit.contains("events: 1"), "{audit}");
    assert!(!audit.contains("marked"), "{audit}");
}

async fn in_state(store: &SqliteStore, state: State) -> usize {
    let mut filter = Filter::default();
    filter.states = vec![state];
    store.list(&filter, Page::first(10)).await.unwrap().len()
}

#[test]
fn users_without_a_password_of_some_length_are_an_error() {
    for (operators, why) in [
        ("", "no users: set OPERATORS or READERS"),
        ("ann", "OPERATORS: expected NAME:PASSWORD"),
        ("ann:marked-short", "OPERATORS: expected NAME:PASSWORD"),
    ] {
        let operators = operators.replace("marked-short", "marked");
        let mut app = Command::new(env!("CARGO_BIN_EXE_inbox_page"));
        app.env("OPERATORS", operators).env_remove("READERS");
        let output = app.output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains(why) && !error.contains("marked"), "{error}");
        assert!(!output.status.success());
    }
}

#[test]
fn the_guide_shows_this_program() {
    let (_, program) = include_str!("../src/main.rs").split_once("\n\n").unwrap();
    let guide = include_str!("../../../docs/inbox-page.md");
    assert!(
        guide.contains(program),
        "docs/inbox-page.md shows another program"
    );
}
