//! The example is killed under load, again and again: each acknowledged event is handled, in the order of
//! its chat, and never again once its settlement is in the file. `cargo xtask soak-inbox` kills it more
//! often.

use std::collections::HashSet;
use std::env;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use rusqlite::Connection;
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::time::timeout;

use crate::load::{Load, patient};
use crate::printed::{Line, Printed, Running};
use crate::process::{Folder, PATIENCE, example, free_port, listening, platform, with_settings};

/// The kills, unless `KILLS` sets their number.
const KILLS: usize = 20;
/// The number of lines that a process prints before it is killed is 1 to this.
const MAX_LINES: usize = 40;
/// A dead process's events are handled after this.
const LEASE_MS: u32 = 400;
const HANDLER_MS: u32 = 2;

/// What the processes have printed, and what is in their file.
#[derive(Default)]
struct Seen {
    printed: Printed,
    /// The events whose settlement was in the file when a process was killed.
    settled: HashSet<String>,
}

impl Seen {
    fn add(&mut self, line: Line) {
        assert!(
            !self.settled.contains(&line.event_id),
            "handled again after it was settled: {line:?}"
        );
        self.printed.add(line);
    }

    /// Looks into the file of a dead process.
    fn settle(&mut self, file: &Connection) {
        let dead = file.query_row("SELECT count(*) FROM dead", (), |row| row.get(0));
        assert_eq!(dead, Ok(0));
        let sql = "SELECT event_id FROM event WHERE seq NOT IN (SELECT seq FROM task)";
        let mut settled = file.prepare(sql).unwrap();
        let settled = settled.query_map((), |row| row.get(0)).unwrap();
        self.settled = settled.map(Result::unwrap).collect();
        for event_id in &self.settled {
            let is_printed = self.printed.times.contains_key(event_id);
            assert!(is_printed, "settled without a line: {event_id}");
        }
    }
}

/// Opens a copy, so that the next process recovers the file itself.
fn copied(file: &Path, to: &Folder) -> Connection {
    let copy = to.file("copy.db");
    for end in ["-shm", "-wal", ""] {
        let [from, to] = [file, &copy].map(|path| format!("{}{end}", path.display()));
        let _ = std::fs::remove_file(&to);
        // A process that stops removes its log.
        if end != "-shm" && Path::new(&from).exists() {
            std::fs::copy(from, to).unwrap();
        }
    }
    Connection::open(copy).unwrap()
}

async fn next(lines: &mut UnboundedReceiver<Line>) -> Line {
    let line = timeout(PATIENCE, lines.recv()).await;
    line.expect("the process handles events").unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_is_handled_though_the_example_is_killed() {
    let kills = env::var("KILLS").map_or(KILLS, |kills| kills.parse().unwrap());
    let began = Instant::now();
    let folder = Folder::new("killed");
    let file = folder.file("events.db");
    let port = free_port();
    let mut command = example();
    with_settings(&mut command, port, &format!("sqlite:{}", file.display()))
        .env("HANDLER_MS", HANDLER_MS.to_string())
        .env("LEASE_MS", LEASE_MS.to_string())
        .stderr(std::process::Stdio::null());
    let (sender, mut lines) = mpsc::unbounded_channel();
    let mut start = || Running::start(&mut command, sender.clone());
    let mut running = start();
    listening(port).await;
    let platform = patient(platform(port)).start().await.unwrap();
    let load = Load::start(&Arc::new(platform));

    let mut seen = Seen::default();
    for _ in 0..kills {
        for _ in 0..fastrand::usize(1..=MAX_LINES) {
            seen.add(next(&mut lines).await);
        }
        running.kill();
        while let Ok(line) = lines.try_recv() {
            seen.add(line);
        }
        seen.settle(&copied(&file, &folder));
        running = start();
    }
    let sent = load.stop().await;
    // The last process handles what the others have left.
    while seen.printed.times.len() < sent.all.len() {
        seen.add(next(&mut lines).await);
    }
    running.stop();
    while let Ok(line) = lines.try_recv() {
        seen.add(line);
    }
    seen.settle(&copied(&file, &folder));

    let Seen { printed, settled } = seen;
    printed.check(&sent);
    assert_eq!(settled, sent.all, "nothing is left");
    assert_eq!(printed.repeated_attempts(), 0, "an attempt ran twice");
    println!(
        "{} events, {kills} kills, {} handled again, in {:?}",
        sent.all.len(),
        printed.again(),
        began.elapsed(),
    );
}
