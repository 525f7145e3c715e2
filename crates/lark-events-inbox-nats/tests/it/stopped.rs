//! A worker whose process is stopped for longer than its claims last, while another handles its events. The server
//! would accept its late acknowledgements: it sends none.

use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use std::{env, io};

use futures_util::StreamExt as _;
use lark_events_inbox::{
    AttemptOutcome, Claimed, Entry, Settled, Settlement, Store as _, WorkerId, WorkerState,
};
use lark_events_inbox_nats::{NatsStore, NatsStoreBuilder};

use crate::app::{SECOND, event};
use crate::server::{claim, server};

const PREFIX: &str = "STOPPED";
/// One for each way to end a claim, and one that is given back.
const EVENTS: usize = 4;
const LEASE: Duration = SECOND.saturating_mul(60);
/// Before each line of the other process, among those of its test.
const MARK: &str = "worker: ";

fn builder(url: String) -> NatsStoreBuilder {
    let builder = NatsStore::builder(url).prefix(PREFIX).partitions(64);
    builder.ack_wait(NatsStore::MIN_ACK_WAIT)
}

/// Claims until all events are claimed, in their order.
async fn claim_all(store: &NatsStore) -> Vec<Claimed> {
    let mut claimed = Vec::new();
    while claimed.len() < EVENTS {
        claimed.extend(claim(store, EVENTS, LEASE).await);
    }
    claimed.sort_by_key(|one| one.fence.seq());
    claimed
}

fn settlement(claimed: &Claimed, settled: Settled) -> Settlement {
    Settlement::new(claimed.fence, settled, AttemptOutcome::Failed)
}

/// A process that runs [`worker`]. It ends with this value.
struct Process(Child, Lines<BufReader<ChildStdout>>);

impl Process {
    fn start(url: &str) -> Self {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["stopped::worker", "--exact", "--ignored", "--nocapture"]);
        command.env("STOPPED_URL", url);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self(child, lines)
    }

    /// Its next line.
    fn says(&mut self) -> String {
        let lines = self.1.by_ref().map(|line| line.unwrap());
        let mut lines = lines.filter_map(|line| Some(line.split_once(MARK)?.1.to_owned()));
        lines.next().unwrap()
    }

    fn signal(&self, name: &str) {
        let mut kill = Command::new("kill");
        let kill = kill.args(["-s", name, &self.0.id().to_string()]);
        assert!(kill.status().unwrap().success());
    }

    fn goes_on(&mut self) {
        self.0.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Also one that is stopped.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

// The test waits for lines of the other process while its store extends its claims.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_worker_that_was_stopped_for_too_long_sends_nothing() {
    let Some(server) = server("a worker of NATS that is stopped") else {
        return;
    };
    let store = builder(server.url()).connect().await.unwrap();
    for id in 0..EVENTS {
        let mut entry = Entry::new(event(Some("t"), id));
        entry.lane = Some(format!("lane {id}"));
        store.append(vec![entry]).await.unwrap();
    }
    let mut other = Process::start(&server.url());
    assert_eq!(other.says(), "claimed 1 1 1 1");
    other.signal("STOP");
    let claimed = claim_all(&store).await;
    assert!(claimed.iter().all(|one| one.attempt == 2), "{claimed:?}");

    let client = async_nats::connect(server.url()).await.unwrap();
    let said = client.subscribe(format!("$JS.ACK.{PREFIX}_INBOX.>"));
    let mut said = said.await.unwrap();
    client.flush().await.unwrap();
    other.signal("CONT");
    other.goes_on();
    assert_eq!(other.says(), "extended false false false");
    assert_eq!(other.says(), "settled false false false");
    assert_eq!(other.says(), "end");

    let settlements = claimed.iter().map(|one| settlement(one, Settled::Done));
    let settled = store.settle(settlements.collect()).await.unwrap();
    assert_eq!(settled, [true; EVENTS]);
    // It comes after all the others.
    let end = format!("$JS.ACK.{PREFIX}_INBOX.end");
    client.publish(end.clone(), "".into()).await.unwrap();
    let mut acknowledged = 0;
    while let Some(message) = said.next().await {
        if *message.subject == end {
            break;
        }
        // `$JS.ACK`, the stream, the consumer, and the number of the delivery.
        let delivery = message.subject.split('.').nth(4);
        let what = String::from_utf8_lossy(&message.payload);
        assert_eq!(delivery, Some("2"), "{what} to {}", message.subject);
        acknowledged += usize::from(what == "+ACK");
    }
    assert_eq!(acknowledged, EVENTS);
    let status = store.status().await.unwrap();
    let left = [status.ready, status.waiting, status.leased, status.dead];
    assert_eq!(left, [0; 4]);
}

#[test]
#[ignore = "the test above runs it as a process"]
fn worker() {
    let Some(url) = env::var_os("STOPPED_URL") else {
        return;
    };
    // All tasks of the store wait while this thread does.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(async {
        let store = builder(url.into_string().unwrap()).connect().await.unwrap();
        let store = Arc::new(store);
        let mut claimed = claim_all(&store).await;
        let attempts: Vec<_> = claimed.iter().map(|one| one.attempt.to_string()).collect();
        // It is claimed by the next claim of this process.
        let released = settlement(&claimed.pop().unwrap(), Settled::Release(Duration::ZERO));
        assert_eq!(store.settle(vec![released]).await.unwrap(), [true]);
        println!("\n{MARK}claimed {}", attempts.join(" "));
        io::stdin().lock().read_line(&mut String::new()).unwrap();
        let worker = WorkerId::draw();
        store.heartbeat(worker, WorkerState::Stopped).await.unwrap();
        let fences: Vec<_> = claimed.iter().map(|one| one.fence).collect();
        let extended = store.extend(&fences, LEASE).await.unwrap();
        println!("\n{MARK}extended {}", text(&extended));
        let ends = [Settled::Done, Settled::RetryIn(SECOND), Settled::Dead];
        let ends = claimed.iter().zip(ends);
        let settlements = ends.map(|(one, end)| settlement(one, end)).collect();
        let settled = store.settle(settlements).await.unwrap();
        println!("\n{MARK}settled {}", text(&settled));
        // Whatever it has sent before has arrived when this is answered.
        store.status().await.unwrap();
        println!("\n{MARK}end");
    });
}

fn text(answers: &[bool]) -> String {
    let answers: Vec<_> = answers.iter().map(ToString::to_string).collect();
    answers.join(" ")
}
