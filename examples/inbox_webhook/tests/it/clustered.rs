//! Two receivers and two workers on a cluster of NATS lose nothing that they have acknowledged, though processes and
//! the leader of the stream are killed under load. `cargo xtask soak-inbox --store nats` does the same for minutes.

use std::env;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lark_events_inbox::Store as _;
use lark_events_inbox_nats::{NatsStore, NatsStoreBuilder};
use lark_events_test_servers::{Nats, NatsCluster, NatsProgram, NatsSettings};
use serde_json::Value;
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::time::{sleep, timeout};

use crate::balancer::Balancer;
use crate::fleet::Fleet;
use crate::load::{Acknowledged, Load, Sent, patient};
use crate::printed::{Line, Printed};
use crate::process::{PATIENCE, platform};

const WHAT: &str = "the inbox of replicas on NATS";
const NODES: usize = 3;
/// How often processes are looked at that may have ended.
const LOOK: Duration = Duration::from_millis(100);
/// Between two events of a sender. Three servers and the processes share the processors: without it the load alone
/// would occupy them.
const PAUSE: Duration = Duration::from_millis(50);
const PARTITIONS: u16 = 16;
/// How long a leader is dead.
const DEAD: Duration = Duration::from_secs(3);

/// What fails, and for how long.
#[derive(Clone, Copy)]
struct Failures {
    /// The processes that are killed. They are killed for as long as the run takes, if it takes time.
    kills: usize,
    /// The leaders that are killed, one at a time and after so long.
    leaders: usize,
    every: Duration,
    lasts: Duration,
    /// The number of lines that the workers print before the next failure is 1 to this.
    max_lines: usize,
}

/// What has failed.
#[derive(Debug, Default)]
struct Failed {
    receivers: usize,
    workers: usize,
    leaders: usize,
}

impl Failures {
    fn is_over(&self, failed: &Failed, after: Duration) -> bool {
        let kills = failed.receivers + failed.workers;
        kills >= self.kills && failed.leaders >= self.leaders && after >= self.lasts
    }

    fn is_leader_due(&self, failed: &Failed, after: Duration) -> bool {
        let killed = u32::try_from(failed.leaders).unwrap();
        // A process is killed before, so that the queue is not empty.
        failed.leaders < self.leaders
            && failed.receivers + failed.workers > 0
            && after >= self.every * (killed + 1)
    }
}

/// An app whose parts fail.
struct Run {
    failures: Failures,
    failed: Failed,
    cluster: NatsCluster,
    /// The dead server, and since when.
    dead: Option<(String, Instant)>,
    fleet: Fleet,
    /// `None` once it has stopped.
    load: Option<Load>,
    acknowledged: Arc<Acknowledged>,
    _balancer: Balancer,
    printed: Printed,
    lines: UnboundedReceiver<Line>,
}

impl Run {
    async fn start(program: &NatsProgram, failures: Failures) -> Self {
        let settings = NatsSettings::new().line("max_payload: 8MB");
        let cluster = program.start_cluster(NODES, &settings);
        let (sender, lines) = mpsc::unbounded_channel();
        // The streams exist before the processes, which do not wait for each other.
        let store = builder(&cluster).replicas(NODES).partitions(PARTITIONS);
        let store = store.ack_wait(NatsStore::MIN_ACK_WAIT);
        let opened = async {
            // A new cluster may still take one of its servers for offline.
            while store.clone().connect().await.is_err() {
                sleep(LOOK).await;
            }
        };
        timeout(PATIENCE, opened).await.unwrap();
        let fleet = Fleet::start(&cluster.url(), &[("INBOX_REPLICAS", "3")], sender).await;
        let balancer = Balancer::start(fleet.ports.clone()).await;
        let platform = patient(platform(balancer.port)).start().await.unwrap();
        let load = Load::paced(&Arc::new(platform), PAUSE);
        Self {
            failures,
            failed: Failed::default(),
            cluster,
            dead: None,
            fleet,
            acknowledged: Arc::clone(&load.acknowledged),
            load: Some(load),
            _balancer: balancer,
            printed: Printed::default(),
            lines,
        }
    }

    /// Waits until a worker has handled an event.
    async fn next(&mut self) {
        let began = Instant::now();
        loop {
            self.restart_dead(DEAD);
            if let Ok(line) = timeout(LOOK, self.lines.recv()).await {
                return self.printed.add(line.unwrap());
            }
            self.fleet.revive();
            assert!(began.elapsed() < PATIENCE, "the workers handle events");
        }
    }

    async fn some_lines(&mut self) {
        for _ in 0..fastrand::usize(1..=self.failures.max_lines) {
            self.next().await;
        }
    }

    fn kill(&mut self) {
        if self.fleet.kill_one() {
            self.failed.receivers += 1;
        } else {
            self.failed.workers += 1;
        }
    }

    /// Kills the leader of the stream of events.
    async fn kill_leader(&mut self) {
        self.restart_dead(Duration::ZERO);
        self.cluster.wait_until_healthy();
        let leader = loop {
            let facts = builder(&self.cluster).facts().await;
            let events = facts.ok().and_then(|facts| facts.events);
            if let Some(leader) = events.and_then(|events| events.leader) {
                break leader;
            }
            sleep(LOOK).await;
        };
        self.cluster.node_by_name(&leader).kill();
        self.dead = Some((leader, Instant::now()));
        self.failed.leaders += 1;
    }

    /// Starts a server again that has been dead for long enough.
    fn restart_dead(&mut self, long: Duration) {
        if let Some((name, since)) = &self.dead
            && since.elapsed() >= long
        {
            self.cluster.node_by_name(name).restart();
            self.dead = None;
        }
    }

    async fn fail(&mut self) {
        let began = Instant::now();
        while !self.failures.is_over(&self.failed, began.elapsed()) {
            self.some_lines().await;
            self.fleet.revive();
            if self.failures.is_leader_due(&self.failed, began.elapsed()) {
                self.kill_leader().await;
            } else {
                self.kill();
            }
        }
        self.some_lines().await;
    }

    /// Waits until the last events are acknowledged and all are handled.
    async fn finish(&mut self) -> Sent {
        self.restart_dead(Duration::ZERO);
        let mut stopping = pin!(self.load.take().unwrap().stop());
        let sent = loop {
            match timeout(LOOK, &mut stopping).await {
                Ok(sent) => break sent,
                Err(_) => self.fleet.revive(),
            }
        };
        while self.printed.times.len() < sent.all.len() {
            self.next().await;
        }
        // All processes run for a while before they are asked to stop.
        sleep(DEAD).await;
        while !self.fleet.all_run() {
            self.fleet.revive();
            sleep(DEAD).await;
        }
        sent
    }

    fn table(&self, program: &NatsProgram, sent: &Sent, took: Duration) -> String {
        let Failed {
            receivers,
            workers,
            leaders,
        } = self.failed;
        let (major, minor) = program.version();
        let rows = [
            ("NATS", format!("{major}.{minor}")),
            ("kills of receivers", receivers.to_string()),
            ("kills of workers", workers.to_string()),
            ("kills of leaders", leaders.to_string()),
            ("acknowledged", sent.all.len().to_string()),
            ("handled", self.printed.times.len().to_string()),
            ("handled again", self.printed.again().to_string()),
            (
                "longest time without an acknowledgement",
                format!("{:.1?}", self.acknowledged.longest_pause()),
            ),
            ("time", format!("{took:.1?}")),
        ];
        let rows = rows.map(|(name, value)| format!("{name:<40}{value:>10}\n"));
        rows.concat()
    }

    async fn check(mut self, sent: &Sent) {
        self.fleet.stop();
        while let Ok(line) = self.lines.try_recv() {
            self.printed.add(line);
        }
        self.printed.check(sent);
        // The workers have stopped, so that the rest of a lost acknowledgement is given to this store.
        let store = builder(&self.cluster).connect().await.unwrap();
        let status = store.status().await.unwrap();
        assert_eq!(status.dead, 0, "{status:?}");
        let unfinished = status.ready + status.waiting + status.leased;
        println!("{:<40}{unfinished:>10}", "left by lost acknowledgements");
        // A redelivered event is stored once.
        let stored = messages(self.cluster.node(0));
        assert_eq!(stored, sent.all.len() as u64, "events in the stream");
    }
}

fn builder(cluster: &NatsCluster) -> NatsStoreBuilder {
    NatsStore::builder(cluster.url())
}

/// The messages of the stream of events, as a server has them.
fn messages(server: &Nats) -> u64 {
    let text = server.monitor("/jsz?streams=true").unwrap();
    let all: Value = serde_json::from_str(&text).unwrap();
    let accounts = all["account_details"].as_array().unwrap().iter();
    let streams = accounts.flat_map(|account| account["stream_detail"].as_array().unwrap());
    let mut inbox = streams.filter(|stream| stream["name"] == "LARK_INBOX");
    inbox.next().unwrap()["state"]["messages"].as_u64().unwrap()
}

async fn run(failures: Failures) {
    let Some(program) = Nats::installed_or_skip(WHAT) else {
        return;
    };
    let mut run = Run::start(&program, failures).await;
    let began = Instant::now();
    run.fail().await;
    let sent = run.finish().await;
    print!("{}", run.table(&program, &sent, began.elapsed()));
    run.check(&sent).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_is_handled_though_the_leader_is_killed() {
    run(Failures {
        kills: 6,
        leaders: 1,
        every: Duration::ZERO,
        lasts: Duration::ZERO,
        max_lines: 100,
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "cargo xtask soak-inbox --store nats runs it"]
async fn soak() {
    let minutes = env::var("MINUTES").map_or(2.0, |minutes| minutes.parse().unwrap());
    let lasts = Duration::from_secs_f64(minutes * 60.0);
    run(Failures {
        kills: 20,
        // The last one is not at the end.
        leaders: ((minutes * 6.0) as usize).saturating_sub(1).max(1),
        every: Duration::from_secs(10),
        lasts,
        max_lines: 400,
    })
    .await;
}
