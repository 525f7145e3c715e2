//! A server ends with the process that started it, even if that process is killed.

use std::env;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::{park, sleep};
use std::time::{Duration, Instant};

use lark_events_test_servers::{Nats, PgBouncer, Postgres, Redis};

use crate::postgres::{WHAT, is_listening};

const MARK: &str = "server: ";
const SERVERS: usize = if cfg!(feature = "browser") { 5 } else { 4 };

/// Whether a process has the folder of a server in its command line, other than the shell that removes the folder.
pub(crate) fn is_running(folder: &Path) -> bool {
    let output = Command::new("ps").args(["-A", "-o", "args="]).output();
    let output = output.expect("ps");
    let lines = String::from_utf8_lossy(&output.stdout);
    let folder = folder.display().to_string();
    lines
        .lines()
        .any(|line| line.contains(&folder) && !line.starts_with("/bin/sh "))
}

#[test]
fn the_servers_of_a_killed_process_end() {
    if Postgres::installed_or_skip(WHAT).is_none()
        || PgBouncer::installed_or_skip(WHAT).is_none()
        || Nats::installed_or_skip(WHAT).is_none()
        || Redis::installed_or_skip(WHAT).is_none()
    {
        return;
    }
    #[cfg(feature = "browser")]
    if lark_events_test_servers::Browser::installed_or_skip(WHAT).is_none() {
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
    let servers: Vec<_> = found.take(SERVERS).collect();
    let servers: Vec<(u16, PathBuf)> = servers
        .iter()
        .map(|it| it.split_once(' ').unwrap())
        .map(|(port, folder)| (port.parse().unwrap(), folder.into()))
        .collect();
    assert_eq!(servers.len(), SERVERS);
    for (port, folder) in &servers {
        assert!(is_listening(*port) && folder.exists());
    }
    // With SIGKILL.
    owner.kill().unwrap();
    owner.wait().unwrap();
    let start = Instant::now();
    while servers
        .iter()
        .any(|(port, folder)| is_listening(*port) || folder.exists() || is_running(folder))
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
    let redis = Redis::start_or_skip(WHAT).unwrap();
    println!("{MARK}{} {}", postgres.port(), postgres.folder().display());
    println!("{MARK}{} {}", pooler.port(), pooler.folder().display());
    println!("{MARK}{} {}", nats.port(), nats.folder().display());
    println!("{MARK}{} {}", redis.port(), redis.folder().display());
    #[cfg(feature = "browser")]
    let _opened = opens_a_browser();
    loop {
        park();
    }
}

#[cfg(feature = "browser")]
fn opens_a_browser() -> impl Sized {
    use lark_events_test_servers::{Browser, View};

    let browser = Browser::start_or_skip(WHAT).expect("Chromium");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let tab = runtime.block_on(browser.open("about:blank", View::WIDE));
    assert!(is_running(browser.folder()));
    println!("{MARK}{} {}", browser.port(), browser.folder().display());
    (tab, browser, runtime)
}
