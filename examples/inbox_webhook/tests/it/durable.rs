//! An acknowledgement follows the sync of its event, seen from outside. Killing the process would not show
//! it: the system still writes what a dead process has left in its cache.

use std::env;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::Command;

use rusqlite::Connection;

use crate::process::{
    Folder, Process, example, free_port, listening, message, platform, with_settings,
};
use crate::strace::{Acknowledged, check, read, traced};

const EVENTS: usize = 20;
const SKIPPED: &str = "skipped: durability, which needs strace and ptrace: apt-get install strace";

#[tokio::test]
async fn each_acknowledgement_follows_the_sync_of_its_event() {
    let folder = Folder::new("durable");
    let port = free_port();
    let trace = folder.file("trace");
    let Some(mut command) = traced(&example(), &trace) else {
        println!("{SKIPPED}");
        return;
    };
    let inbox = format!("sqlite:{}", folder.file("events.db").display());
    // A worker would write too.
    let command = with_settings(&mut command, port, &inbox).env("ROLE", "receive");
    let mut process = Process(command.spawn().unwrap());
    listening(port).await;
    let platform = platform(port).start().await.unwrap();
    for number in 0..EVENTS {
        let report = platform.push(message("oc_1", &number.to_string())).await;
        assert!(report.acknowledged(), "{report:?}");
    }
    // A duplicate too: the write of the first may not be on disk yet.
    let report = platform.push(message("oc_1", "7")).await;
    assert!(report.acknowledged(), "{report:?}");
    process.terminate();
    assert_eq!(process.0.wait().unwrap().code(), Some(0));
    // The check of the URL is the first, after the tables were created.
    let expected = Acknowledged {
        all: EVENTS + 2,
        after_a_write: EVENTS + 2,
    };
    assert_eq!(check(&read(&trace)), Ok(expected));
}

#[test]
fn the_check_finds_a_log_that_is_not_synced() {
    let folder = Folder::new("not-durable");
    for (synchronous, is_durable) in [("FULL", true), ("NORMAL", false)] {
        let trace = folder.file(synchronous);
        let mut again = Command::new(env::current_exe().unwrap());
        let name = "durable::appends_and_answers";
        again.args([name, "--exact", "--ignored"]);
        again.env("SYNCHRONOUS", synchronous);
        let file = folder.file(&format!("{synchronous}.db"));
        again.env("FILE", file);
        let Some(mut command) = traced(&again, &trace) else {
            println!("{SKIPPED}");
            return;
        };
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let checked = check(&read(&trace));
        if is_durable {
            let expected = Acknowledged {
                all: EVENTS,
                after_a_write: EVENTS,
            };
            assert_eq!(checked, Ok(expected));
        } else {
            assert!(checked.is_err(), "{checked:?}");
        }
    }
}

#[test]
#[ignore = "the test above runs it under strace"]
fn appends_and_answers() {
    let Some(file) = env::var_os("FILE") else {
        return;
    };
    let connection = Connection::open(file).unwrap();
    let pragmas = [
        ("journal_mode", "WAL"),
        ("synchronous", &env::var("SYNCHRONOUS").unwrap()),
    ];
    for (name, value) in pragmas {
        connection
            .pragma_update_and_check(None, name, value, |_| Ok(()))
            .or_else(|_| connection.pragma_update(None, name, value))
            .unwrap();
    }
    connection.execute_batch("CREATE TABLE event (id)").unwrap();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let mut sender = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (mut answers, _) = listener.accept().unwrap();
    let answer = b"HTTP/1.1 200 OK\r\n\r\n";
    for _ in 0..EVENTS {
        let insert = "INSERT INTO event VALUES (1)";
        connection.execute(insert, ()).unwrap();
        answers.write_all(answer).unwrap();
        sender.read_exact(&mut [0; 19]).unwrap();
    }
}
