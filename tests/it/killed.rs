//! Examples that are killed under load, again and again: what the platform counts as acknowledged was
//! handled, and all the rest is, by a later process.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use lark_events_sim::{Answer, Missing, Platform, Report};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::examples::example;
use crate::platform::{KEY, PATH, PATIENCE, TOKEN, event, platform};

/// Pushed at once, to each process that is killed.
const EVENTS: usize = 150;
/// How many of them each prints before it is killed.
const PRINTED: [usize; 4] = [1, 20, 60, 100];
/// For as long as a process may take to start, and more.
const REDELIVERIES: [Duration; 200] = [Duration::from_millis(100); 200];

/// A running example, which is killed when this is dropped.
struct Process {
    child: Child,
    reading: Option<JoinHandle<()>>,
}

impl Process {
    /// Starts it; the id of each event that it prints goes to `printed`.
    fn start(command: &mut Command, printed: mpsc::UnboundedSender<String>) -> Self {
        let command = command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let reading = thread::spawn(move || {
            // What is cut short was not handled.
            let ids = lines.filter_map(|line| event_id(&line.unwrap()));
            ids.for_each(|id| drop(printed.send(id)));
        });
        Self {
            child,
            reading: Some(reading),
        }
    }
}

fn event_id(line: &str) -> Option<String> {
    let line: Value = serde_json::from_str(line).ok()?;
    Some(line["header"]["event_id"].as_str()?.to_owned())
}

impl Drop for Process {
    fn drop(&mut self) {
        // With SIGKILL.
        let _ = self.child.kill();
        let _ = self.child.wait();
        // All that it has printed is still there to be read.
        let _ = self.reading.take().map(JoinHandle::join);
    }
}

/// Pushes events to one process after the other, and kills all but the last in the middle of it.
async fn nothing_is_lost(name: &str, platform: &Platform, mut command: Command) {
    let began = Instant::now();
    let (sender, mut printed) = mpsc::unbounded_channel();
    let mut start = || Process::start(&mut command, sender.clone());
    let mut process = start();
    let mut pushed = JoinSet::new();
    let mut lines = HashMap::<String, usize>::new();
    for count in PRINTED {
        for _ in 0..EVENTS {
            pushed.spawn(platform.push(event("kitchen.tea.ready_v1")));
        }
        for _ in 0..count {
            let line = timeout(PATIENCE, printed.recv()).await;
            let event_id = line.expect("the process handles events").unwrap();
            *lines.entry(event_id).or_default() += 1;
        }
        drop(process);
        process = start();
    }
    let reports = timeout(PATIENCE, pushed.join_all()).await;
    let reports = reports.expect("all events come to their end");
    drop((process, sender));
    while let Some(event_id) = printed.recv().await {
        *lines.entry(event_id).or_default() += 1;
    }

    for report in &reports {
        let times = lines.get(&report.event_id).copied().unwrap_or(0);
        assert!(report.acknowledged(), "{name} never handled {report:?}");
        assert!(times > 0, "{name} acknowledged without a line: {report:?}");
        let attempts = report.attempts.len();
        assert!(times <= attempts, "{name}: {times} lines of {report:?}");
    }
    let cut_off = reports.iter().filter(|report| was_cut_off(report)).count();
    assert!(
        cut_off > 0,
        "no event was on its way when {name} was killed"
    );
    let handled: usize = lines.values().sum();
    println!(
        "{name}: {} events, {} kills, {cut_off} events cut off by them, {} handled again, in {:?}",
        reports.len(),
        PRINTED.len(),
        handled - reports.len(),
        began.elapsed(),
    );
}

/// Whether the process was killed while the platform waited for its answer.
fn was_cut_off(report: &Report) -> bool {
    let lost = Answer::Missing(Missing::ConnectionLost);
    let mut attempts = report.attempts.iter();
    attempts.any(|attempt| attempt.answer == lost)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_is_killed_loses_nothing() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let mut command = example("axum_webhook");
    command
        .env("LISTEN_ADDR", address.to_string())
        .env("LARK_ENCRYPT_KEY", KEY)
        .env("LARK_VERIFICATION_TOKEN", TOKEN);

    // The URL is checked once, when it is set.
    let checked = Process::start(&mut command, mpsc::unbounded_channel().0);
    let listening = async {
        while TcpStream::connect(address).is_err() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, listening).await.unwrap();
    let platform = platform().webhook(&format!("http://{address}{PATH}"));
    let platform = platform.redeliver_after(REDELIVERIES).start().await;
    drop(checked);
    nothing_is_lost("axum_webhook", &platform.unwrap(), command).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_connection_that_is_killed_loses_nothing() {
    let platform = Platform::builder().redeliver_after(REDELIVERIES);
    let platform = platform.app("cli_a1b2c3d4e5f60718", "app-secret");
    let platform = platform.start().await.unwrap();
    let mut command = example("long_connection");
    command
        .env("LARK_APP_ID", platform.app_id())
        .env("LARK_APP_SECRET", "app-secret")
        .env("LARK_BASE_URL", platform.base_url())
        .env("NO_PROXY", "127.0.0.1");
    nothing_is_lost("long_connection", &platform, command).await;
    assert_eq!(platform.violations(), []);
}
