//! How `serve` ends: by a signal, with slow clients, and with an action that runs.

use std::io::Write as _;
use std::net::TcpStream;
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use lark_events_inbox::State;
use rusqlite::Connection;
use serde_json::{Value, json};

use super::super::{Stored, seven};
use super::{LIMIT, Page, in_state};

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

/// An action that waits for a writer of the test.
struct Waiting {
    writer: Connection,
    /// The status of each of two forms, one of which wins.
    statuses: Receiver<u16>,
    form: String,
}

impl Waiting {
    fn on(page: &Page, stored: &Stored) -> Self {
        let writer = Connection::open(stored.path()).unwrap();
        writer.execute_batch("BEGIN IMMEDIATE").unwrap();
        let form = page.get("?view=event&seq=2").hidden() + "&action=retry";
        let (sender, statuses) = channel();
        for _ in 0..2 {
            let (client, form, sender) = (page.client.clone(), form.clone(), sender.clone());
            thread::spawn(move || sender.send(client.post(&form).status));
        }
        // The other one has changed its event, but for the writer.
        assert_eq!(statuses.recv_timeout(LIMIT), Ok(409));
        Self {
            writer,
            statuses,
            form,
        }
    }

    /// Sends a signal, and waits until it has arrived.
    fn interrupt(&self, page: &Page) {
        page.signal("-INT");
        let mut refused = page.post(&self.form);
        while refused.status == 409 {
            refused = page.post(&self.form);
        }
        assert_eq!(refused.status, 503, "{refused:?}");
    }
}

#[test]
fn an_action_that_runs_ends_and_is_reported() {
    let stored = Stored::file("page-ends", seven);
    let mut page = Page::start(&stored, &["--allow-changes"]);
    let waiting = Waiting::on(&page, &stored);
    waiting.interrupt(&page);
    waiting.writer.execute_batch("ROLLBACK").unwrap();
    let action = page.next_action();
    assert_eq!(
        (&action["events"], &action["error"]),
        (&json!(1), &Value::Null)
    );
    let status = waiting.statuses.recv_timeout(LIMIT);
    assert!(matches!(status, Ok(303) | Err(_)), "{status:?}");
    assert_eq!(page.ends(), Some(0));
    assert_eq!(in_state(&stored, State::Dead), 2);
}

#[test]
fn a_second_signal_does_not_wait_for_an_action() {
    let stored = Stored::file("page-hurries", seven);
    let mut page = Page::start(&stored, &["--allow-changes"]);
    let waiting = Waiting::on(&page, &stored);
    waiting.interrupt(&page);
    page.signal("-INT");
    let _ = waiting.statuses.recv_timeout(LIMIT);
    assert_eq!(page.ends(), Some(2));
    let why = page.notes.iter().last().unwrap();
    assert!(
        why.contains("stopped while an action was changing events"),
        "{why}"
    );
}
