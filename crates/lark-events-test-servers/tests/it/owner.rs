//! A server ends with the process that started it, even if that process is killed.

use std::env;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread::{park, sleep};
use std::time::{Duration, Instant};

use lark_events_test_servers::{Nats, PgBouncer, Postgres};

use crate::postgres::{WHAT, is_listening};

const MARK: &str = "server: ";

#[test]
fn the_servers_of_a_killed_process_end() {
    if Postgres::installed_or_skip(WHAT).is_none()
        || PgBouncer::installed_or_skip(WHAT).is_none()
        || Nats::installed_or_skip(WHAT).is_none()
    {
        return;
    }
    let mut owner = Command::new(env::current_exe().unwrap())
        .args([
            "owner::starts_servers",
            "--exact",
            "--ignored",
            "--nocapture",
        ])
        .env("STARTS_SERVERS", "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(owner.stdout.take().unwrap());
    let lines = output.lines().map(Result::unwrap);
    let found = lines.filter_map(|it| it.split_once(MARK).map(|(_, server)| server.to_owned()));
    let servers: Vec<_> = found.take(3).collect();
    let servers: Vec<(u16, PathBuf)> = servers
        .iter()
        .map(|it| it.split_once(' ').unwrap())
        .map(|(port, folder)| (port.parse().unwrap(), folder.into()))
        .collect();
    assert_eq!(servers.len(), 3);
    for (port, folder) in &servers {
        assert!(is_listening(*port) && folder.exists());
    }
    // With SIGKILL.
    owner.kill().unwrap();
    owner.wait().unwrap();
    let start = Instant::now();
    while servers
        .iter()
        .any(|(port, folder)| is_listening(*port) || folder.exists())
    {
        assert!(start.elapsed() < Duration::from_secs(60), "{servers:?}");
        sleep(Duration::from_millis(20));
    }
}

#[test]
#[ignore = "the test above runs it in a process that it kills"]
fn starts_servers() {
    if env::var_os("STARTS_SERVERS").is_none() {
        return;
    }
    let postgres = Postgres::start_or_skip(WHAT).unwrap();
    let pooler = PgBouncer::start(&postgres);
    let nats = Nats::start_or_skip(WHAT).unwrap();
    println!("{MARK}{} {}", postgres.port(), postgres.folder().display());
    println!("{MARK}{} {}", pooler.port(), pooler.folder().display());
    println!("{MARK}{} {}", nats.port(), nats.folder().display());
    loop {
        park();
    }
}
