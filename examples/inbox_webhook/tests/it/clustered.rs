//! Two receivers and two workers on a cluster of NATS lose nothing that they have acknowledged, though processes and
//! the leader of the stream are killed under load. `cargo xtask soak-inbox --store nats` does the same for minutes.

use std::env;
use std::time::{Duration, Instant};

use lark_events_inbox::Store as _;
use lark_events_inbox_nats::{NatsStore, NatsStoreBuilder};
use lark_events_test_servers::{Nats, NatsCluster, NatsProgram, NatsSettings};
use serde_json::Value;
use tokio::time::{sleep, timeout};

use crate::app::App;
use crate::fleet::LOOK;
use crate::load::Sent;
use crate::process::PATIENCE;

const WHAT: &str = "the inbox of replicas on NATS";
const NODES: usize = 3;
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

/// The servers, of which one may be dead.
struct Servers {
    cluster: NatsCluster,
    /// The dead server, and since when.
    dead: Option<(String, Instant)>,
}

impl Servers {
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
}

/// An app whose parts fail.
struct Run {
    failures: Failures,
    servers: Servers,
    killed_leaders: usize,
    app: App,
}

impl Run {
    async fn start(program: &NatsProgram, failures: Failures) -> Self {
        let settings = NatsSettings::new().line("max_payload: 8MB");
        let cluster = program.start_cluster(NODES, &settings);
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
        let app = App::start(&cluster.url(), &[("INBOX_REPLICAS", "3")], PAUSE).await;
        Self {
            failures,
            servers: Servers {
                cluster,
                dead: None,
            },
            killed_leaders: 0,
            app,
        }
    }

    fn is_over(&self, after: Duration) -> bool {
        self.app.kills() >= self.failures.kills
            && self.killed_leaders >= self.failures.leaders
            && after >= self.failures.lasts
    }

    fn is_leader_due(&self, after: Duration) -> bool {
        let killed = u32::try_from(self.killed_leaders).unwrap();
        // A process is killed before, so that the queue is not empty.
        self.killed_leaders < self.failures.leaders
            && self.app.kills() > 0
            && after >= self.failures.every * (killed + 1)
    }

    async fn some_lines(&mut self) {
        let restart_dead = || self.servers.restart_dead(DEAD);
        let max_lines = self.failures.max_lines;
        self.app.some_lines(max_lines, restart_dead).await;
    }

    async fn fail(&mut self) {
        let began = Instant::now();
        while !self.is_over(began.elapsed()) {
            self.some_lines().await;
            self.app.fleet.revive();
            if self.is_leader_due(began.elapsed()) {
                self.servers.kill_leader().await;
                self.killed_leaders += 1;
            } else {
                self.app.kill();
            }
        }
        self.some_lines().await;
    }

    /// Waits until the last events are acknowledged and all are handled.
    async fn finish(&mut self) -> Sent {
        self.servers.restart_dead(Duration::ZERO);
        let sent = self.app.stop_load().await;
        self.app.handle_all(&sent).await;
        // All processes run for a while before they are asked to stop.
        sleep(DEAD).await;
        while !self.app.fleet.all_run() {
            self.app.fleet.revive();
            sleep(DEAD).await;
        }
        sent
    }

    fn table(&self, program: &NatsProgram, sent: &Sent, took: Duration) -> String {
        let (major, minor) = program.version();
        let version = ("NATS", format!("{major}.{minor}"));
        let failed = [("kills of leaders", self.killed_leaders)];
        self.app.table(version, &failed, sent, took)
    }

    async fn check(self, sent: &Sent) {
        self.app.check(sent);
        let cluster = self.servers.cluster;
        // The workers have stopped, so that the rest of a lost acknowledgement is given to this store.
        let store = builder(&cluster).connect().await.unwrap();
        let status = store.status().await.unwrap();
        assert_eq!(status.dead, 0, "{status:?}");
        let unfinished = status.ready + status.waiting + status.leased;
        println!("{:<40}{unfinished:>10}", "left by lost acknowledgements");
        // A redelivered event is stored once. A server may be behind, but not all of them.
        let stored = cluster.nodes().iter().map(messages).max();
        assert_eq!(stored, Some(sent.all.len()), "events in the stream");
    }
}

fn builder(cluster: &NatsCluster) -> NatsStoreBuilder {
    NatsStore::builder(cluster.url())
}

/// The messages of the stream of events, as a server has them.
fn messages(server: &Nats) -> usize {
    let text = server.monitor("/jsz?streams=true").unwrap();
    let all: Value = serde_json::from_str(&text).unwrap();
    let accounts = all["account_details"].as_array().into_iter().flatten();
    let streams = accounts.filter_map(|account| account["stream_detail"].as_array());
    let mut inbox = streams
        .flatten()
        .filter(|stream| stream["name"] == "LARK_INBOX");
    inbox.next().map_or(0, |stream| {
        stream["state"]["messages"].as_u64().unwrap() as usize
    })
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
