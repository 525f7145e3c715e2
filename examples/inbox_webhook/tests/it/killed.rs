//! The example is killed under load, again and again: each acknowledged event is handled, in the order of
//! its chat, and never again once its settlement is in the file. `cargo xtask soak-inbox` kills it more
//! often.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::env;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use lark_events_sim::{Document, Platform};
use rusqlite::Connection;
use serde_json::{Value, json};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::process::{
    Folder, PATIENCE, Process, example, free_port, listening, message, platform, with_settings,
};

/// The kills, unless `KILLS` sets their number.
const KILLS: usize = 20;
const CHATS: usize = 12;
/// The senders of events without a chat, which share the lane of the tenant.
const OTHERS: usize = 4;
/// The number of lines that a process prints before it is killed is 1 to this.
const MAX_LINES: usize = 40;
/// A dead process's events are handled after this.
const LEASE_MS: u32 = 400;
const HANDLER_MS: u32 = 2;
/// The redeliveries of an event, for longer than a process takes to start.
const REDELIVERIES: usize = 1_200;
const REDELIVERED_AFTER: Duration = Duration::from_millis(50);

/// A line that a process prints.
#[derive(Debug, Clone)]
struct Line {
    event_id: String,
    lane: String,
    attempt: u64,
}

impl Line {
    /// `None` if it is cut short: then the handler did not succeed.
    fn parse(line: &str) -> Option<Self> {
        let line: Value = serde_json::from_str(line).ok()?;
        let text = |name: &str| Some(line[name].as_str()?.to_owned());
        Some(Self {
            event_id: text("event_id")?,
            lane: text("lane")?,
            attempt: line["attempt"].as_u64()?,
        })
    }
}

struct Running {
    process: Process,
    reading: JoinHandle<()>,
}

impl Running {
    fn start(command: &mut Command, lines: UnboundedSender<Line>) -> Self {
        let mut process = Process(command.spawn().unwrap());
        let stdout = BufReader::new(process.0.stdout.take().unwrap()).lines();
        let reading = thread::spawn(move || {
            let printed = stdout.filter_map(|line| Line::parse(&line.unwrap()));
            printed.for_each(|line| drop(lines.send(line)));
        });
        Self { process, reading }
    }

    /// Ends when all that it has printed is read.
    fn kill(self) {
        drop(self.process);
        self.reading.join().unwrap();
    }

    fn stop(mut self) {
        self.process.terminate();
        assert_eq!(self.process.0.wait().unwrap().code(), Some(0));
        self.reading.join().unwrap();
    }
}

/// What the processes have printed.
#[derive(Default)]
struct Printed {
    lines: Vec<Line>,
    times: HashMap<String, usize>,
    /// The events whose settlement was in the file when a process was killed.
    settled: HashSet<String>,
}

impl Printed {
    fn add(&mut self, line: Line) {
        assert!(
            !self.settled.contains(&line.event_id),
            "handled again after it was settled: {line:?}"
        );
        *self.times.entry(line.event_id.clone()).or_default() += 1;
        self.lines.push(line);
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
            let times = self.times.get(event_id).copied().unwrap_or(0);
            assert!(times > 0, "settled without a line: {event_id}");
        }
    }

    /// The events of a lane in the order in which they were first handled.
    fn first(&self, lane: &str) -> Vec<String> {
        let mut seen = HashSet::new();
        let of_lane = self.lines.iter().filter(|line| line.lane == lane);
        let ids = of_lane.map(|line| line.event_id.clone());
        ids.filter(|event_id| seen.insert(event_id.clone()))
            .collect()
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

/// Sends events until it is to stop, each after the one before is acknowledged. Returns their ids.
async fn send(
    platform: Arc<Platform>,
    stop: Arc<AtomicBool>,
    mut event: impl FnMut(usize) -> Document,
) -> Vec<String> {
    let mut sent = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let report = platform.push(event(sent.len())).await;
        assert!(report.acknowledged(), "never acknowledged: {report:?}");
        sent.push(report.event_id);
    }
    sent
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
    let waits = std::iter::repeat_n(REDELIVERED_AFTER, REDELIVERIES);
    let platform = platform(port).redeliver_after(waits).start().await;
    let platform = Arc::new(platform.unwrap());
    let stop = Arc::new(AtomicBool::new(false));
    let mut chats = BTreeMap::new();
    let mut sending = JoinSet::new();
    for chat in 0..CHATS {
        let chat = format!("oc_{chat}");
        let named = chat.clone();
        let event = move |number| message(&named, &format!("{named}: {number}"));
        let sent = send(Arc::clone(&platform), Arc::clone(&stop), event);
        sending.spawn(async move { (Some(chat), sent.await) });
    }
    for _ in 0..OTHERS {
        let event = |_| Document::v2("contact.user.updated_v3", &json!({})).unwrap();
        let sent = send(Arc::clone(&platform), Arc::clone(&stop), event);
        sending.spawn(async move { (None, sent.await) });
    }

    let mut printed = Printed::default();
    for _ in 0..kills {
        for _ in 0..fastrand::usize(1..=MAX_LINES) {
            printed.add(next(&mut lines).await);
        }
        running.kill();
        while let Ok(line) = lines.try_recv() {
            printed.add(line);
        }
        printed.settle(&copied(&file, &folder));
        running = start();
    }
    stop.store(true, Ordering::Relaxed);
    let sent = timeout(PATIENCE, sending.join_all()).await;
    let sent = sent.expect("all events come to their end");
    let mut all = HashSet::new();
    for (chat, ids) in sent {
        all.extend(ids.iter().cloned());
        if let Some(chat) = chat {
            chats.insert(chat, ids);
        }
    }
    // The last process handles what the others have left.
    while printed.times.len() < all.len() {
        printed.add(next(&mut lines).await);
    }
    running.stop();
    while let Ok(line) = lines.try_recv() {
        printed.add(line);
    }
    printed.settle(&copied(&file, &folder));

    let handled: HashSet<_> = printed.times.keys().cloned().collect();
    assert_eq!(handled, all);
    assert_eq!(printed.settled, all, "nothing is left");
    for (chat, ids) in &chats {
        assert_eq!(printed.first(chat), *ids, "in the order of the chat");
    }
    let attempts = printed.lines.iter();
    let attempts = attempts.map(|line| (&line.event_id, line.attempt));
    let attempts: HashSet<_> = attempts.collect();
    assert_eq!(attempts.len(), printed.lines.len(), "an attempt ran twice");
    println!(
        "{} events, {kills} kills, {} handled again, in {:?}",
        all.len(),
        printed.lines.len() - all.len(),
        began.elapsed(),
    );
}
