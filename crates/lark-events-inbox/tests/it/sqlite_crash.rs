//! A machine that crashes: claims do not wait for the disk, and what is left of the file without them is the
//! file before them. No fence is used twice.

use std::env;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use lark_events_inbox::{
    Admin as _, AttemptOutcome, Claimed, Entry, Settled, Settlement, SqliteStore, Store,
};
use lark_events_test_servers::skipped;
use tokio::time::timeout;

use crate::app::{SECOND, event};
use crate::files::Folder;
use crate::sqlite_failures::{again, succeeded};

async fn append(store: &SqliteStore, id: usize) {
    let mut entry = Entry::new(event(None, id));
    entry.key = Some(id.to_string());
    store.append(vec![entry]).await.unwrap();
}

async fn claim(store: &SqliteStore) -> Option<Claimed> {
    let claimed = Store::claim(store, 1, 60 * SECOND).await.unwrap();
    claimed.into_iter().next()
}

async fn settle(store: &SqliteStore, claimed: &Claimed, settled: Settled) -> bool {
    let settlement = Settlement::new(claimed.fence, settled, AttemptOutcome::Handled);
    store.settle(vec![settlement]).await.unwrap() == [true]
}

/// The log of a file.
fn log(file: &Path) -> Vec<u8> {
    std::fs::read(file.with_extension("db-wal")).unwrap()
}

#[tokio::test]
async fn a_claim_that_a_crash_undoes_is_made_again_with_another_fence() {
    let folder = Folder::new();
    let file = folder.file("events.db");
    let store = SqliteStore::open(&file).await.unwrap();
    for id in 0..2 {
        append(&store, id).await;
    }
    let synced = log(&file).len();
    let before = claim(&store).await.unwrap();
    let (whole, mut first_is_lost) = (log(&file), log(&file));
    assert!(
        whole.len() > synced,
        "a crash of the process keeps the claim"
    );
    first_is_lost[synced..synced + 512].fill(0);
    let mut left = vec![first_is_lost];
    let cuts = (synced..whole.len()).step_by(512);
    left.extend(cuts.map(|cut| whole[..cut].to_vec()));
    for (number, left) in left.into_iter().enumerate() {
        let copy = folder.file(&format!("{number}.db"));
        std::fs::copy(&file, &copy).unwrap();
        std::fs::write(copy.with_extension("db-wal"), left).unwrap();
        let store = SqliteStore::open(&copy).await.unwrap();
        let status = store.status().await.unwrap();
        assert_eq!((status.ready, status.leased), (2, 0), "{number}");
        let after = claim(&store).await.unwrap();
        assert_eq!((after.fence.seq(), after.attempt), (before.fence.seq(), 1));
        assert!(!settle(&store, &before, Settled::Done).await, "{number}");
        assert!(settle(&store, &after, Settled::Done).await, "{number}");
    }
    // Nothing was lost here.
    assert!(settle(&store, &before, Settled::Done).await);
    let shown = store.show(before.fence.seq()).await.unwrap().unwrap();
    assert_eq!(shown.history.len(), 1);
}

#[test]
fn a_claim_waits_for_no_disk_and_every_other_call_does() {
    let folder = Folder::new();
    let trace = folder.file("trace");
    let wrapper = ["strace", "-f", "-y", "-s", "24", "-o"];
    let mut wrapper = wrapper.to_vec();
    wrapper.push(trace.to_str().unwrap());
    let probed = std::process::Command::new("strace")
        .args(["-f", "-o", "/dev/null", "true"])
        .output();
    if !probed.is_ok_and(|probed| probed.status.success()) {
        skipped("syncs of a file, which need strace and ptrace: apt-get install strace");
        return;
    }
    wrapper.extend(["-e", "trace=pwrite64,write,fdatasync,fsync"]);
    let file = folder.file("events.db");
    let test = "sqlite_crash::appends_claims_and_settles";
    succeeded(&again(&wrapper, test, &file));
    let trace = std::fs::read_to_string(trace).unwrap();
    let steps = steps(&trace);
    let expected = [
        ("append", Log::Synced),
        ("claim", Log::Written),
        ("extend", Log::Written),
        ("append", Log::Synced),
        ("claim", Log::Written),
        ("settle", Log::Synced),
        ("settle", Log::Synced),
    ];
    assert_eq!(steps, expected, "{trace}");
}

/// The state of the log when a call has returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Log {
    Unchanged,
    Written,
    Synced,
}

/// The calls of the test below, and how each left the log.
fn steps(trace: &str) -> Vec<(&str, Log)> {
    let mut steps: Vec<(&str, Log)> = Vec::new();
    for line in trace.lines() {
        if let Some((_, name)) = line.split_once("\"step: ") {
            let name = name.split(['\\', '"']).next().unwrap_or_default();
            steps.push((name, Log::Unchanged));
        }
        let Some((_, log)) = steps.last_mut() else {
            continue;
        };
        let of_the_log = line.contains("-wal>");
        if of_the_log && line.contains(" pwrite64(") {
            *log = Log::Written;
        } else if of_the_log && line.contains("sync(") {
            *log = Log::Synced;
        }
    }
    // The last one only ends the one before.
    steps.pop();
    steps
}

#[tokio::test]
#[ignore = "the test above runs it under strace"]
async fn appends_claims_and_settles() {
    let Some(file) = env::var_os("FILE") else {
        return;
    };
    let store = SqliteStore::open(file).await.unwrap();
    // As one call.
    let step = |name: &str| {
        let line = format!("step: {name}\n");
        std::io::stderr().write_all(line.as_bytes()).unwrap();
    };
    let run = async {
        step("append");
        append(&store, 1).await;
        step("claim");
        let first = claim(&store).await.unwrap();
        step("extend");
        let extended = store.extend(&[first.fence], 60 * SECOND).await.unwrap();
        assert_eq!(extended, [true]);
        step("append");
        append(&store, 2).await;
        step("claim");
        let second = claim(&store).await.unwrap();
        step("settle");
        assert!(settle(&store, &first, Settled::RetryIn(Duration::ZERO)).await);
        step("settle");
        assert!(settle(&store, &second, Settled::Done).await);
        step("end");
    };
    timeout(60 * SECOND, run).await.unwrap();
}
