//! How `serve` ends: by a signal, with slow clients, and with an action that runs.

use std::io::Write as _;
use std::net::TcpStream;
use std::process::Command;
use std::thread;
use std::time::Duration;

use lark_events_inbox::State;

use super::super::{Stored, seven};
use super::{Page, dead, in_state};

impl Page {
    fn signal(&self, name: &str) {
        let process = self.child.id().to_string();
        let sent = Command::new("kill").args([name, &process]).status();
        assert!(sent.unwrap().success());
    }

    #[track_caller]
    fn ends(&mut self) -> Option<i32> {
        for _ in 0..1_500 {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            thread::sleep(Duration::from_millis(20));
        }
        panic!("the command did not end");
    }
}

#[test]
fn a_signal_ends_it_though_clients_are_slow() {
    let stored = Stored::file("page-slow", seven);
    for signal in ["-INT", "-TERM"] {
        let mut page = Page::start(&stored, &["--allow-changes"]);
        let host = page.address.clone();
        let slow = [
            "GET / HTTP/1.1\r\nho".to_owned(),
            format!(
                "POST / HTTP/1.1\r\nhost: {host}\r\norigin: http://{host}\r\n\
                 content-type: application/x-www-form-urlencoded\r\ncontent-length: 99\r\n\r\naction"
            ),
        ];
        let slow: Vec<_> = slow.iter().cycle().take(20).collect();
        let slow = slow.into_iter().map(|start| {
            let mut stream = TcpStream::connect(&host).unwrap();
            stream.write_all(start.as_bytes()).unwrap();
            stream
        });
        let slow: Vec<_> = slow.collect();
        assert_eq!(page.get("").status, 200);
        page.signal(signal);
        assert_eq!(page.ends(), Some(0));
        assert_eq!(page.notes.iter().count(), 0);
        drop(slow);
    }
}

#[test]
fn an_action_that_runs_ends_its_batch_and_is_reported() {
    let stored = Stored::file("page-ends", async |store| dead(store, 1_200).await);
    let mut page = Page::start(&stored, &["--allow-changes"]);
    let form = page.confirmation();
    // The first batch waits for this writer.
    let writer = rusqlite::Connection::open(stored.path()).unwrap();
    writer.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(page.post(&form).status, 303);
    page.signal("-INT");
    // The same form is a conflict until the command ends.
    let mut refused = page.post(&form);
    while refused.status == 409 {
        refused = page.post(&form);
    }
    assert_eq!(refused.status, 503, "{refused:?}");
    writer.execute_batch("ROLLBACK").unwrap();
    let action = page.next_action();
    assert_eq!(page.ends(), Some(0));
    assert_eq!(action["events"], 200, "{action}");
    assert_eq!(action["error"], "the process stopped");
    assert_eq!(in_state(&stored, State::Ready), 200);
    assert_eq!(in_state(&stored, State::Dead), 1_000);
}

#[test]
fn a_second_signal_does_not_wait_for_an_action() {
    let stored = Stored::file("page-hurries", async |store| dead(store, 1).await);
    let mut page = Page::start(&stored, &["--allow-changes"]);
    let form = page.confirmation();
    let writer = rusqlite::Connection::open(stored.path()).unwrap();
    writer.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(page.post(&form).status, 303);
    page.signal("-INT");
    while page.post(&form).status == 409 {}
    page.signal("-INT");
    assert_eq!(page.ends(), Some(2));
    let why = page.notes.iter().last().unwrap();
    assert!(
        why.contains("stopped while an action was changing events"),
        "{why}"
    );
}
