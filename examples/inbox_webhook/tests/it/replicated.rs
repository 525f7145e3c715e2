//! Two receivers and two workers on PostgreSQL lose nothing that they have acknowledged, though processes, the
//! primary, and the connection to its standby fail under load. `cargo xtask soak-inbox --store postgres` does the
//! same for minutes.

use std::env;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lark_events_sim::Platform;
use lark_events_test_servers::{Installation, Postgres};
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::time::timeout;

use crate::balancer::Balancer;
use crate::fleet::Fleet;
use crate::load::{Acknowledged, Load, Sent, patient};
use crate::pair::Pair;
use crate::printed::{Line, Printed};
use crate::process::{PATIENCE, message, platform};

const WHAT: &str = "the inbox of replicas on PostgreSQL";
/// The chat of the events that are sent while the standby is black-holed.
const PROBED: &str = "oc_probe";
/// How often processes are looked at that may have ended.
const LOOK: Duration = Duration::from_millis(100);

/// What fails, and for how long.
#[derive(Clone, Copy)]
struct Failures {
    /// The processes that are killed. They are killed for as long as the run takes, if it takes time.
    kills: usize,
    /// How often the primary is killed and its standby promoted.
    promotions: usize,
    /// How often the standby is black-holed for a while.
    black_holes: usize,
    lasts: Duration,
    /// The number of lines that the workers print before the next failure is 1 to this.
    max_lines: usize,
}

#[derive(Debug, Clone, Copy)]
enum Failure {
    Kill,
    Promotion,
    BlackHole,
}

/// What has failed.
#[derive(Debug, Default)]
struct Failed {
    receivers: usize,
    workers: usize,
    promotions: usize,
    promotions_of_black_holed: usize,
    black_holes: usize,
}

impl Failures {
    fn next(&self, failed: &Failed, after: Duration) -> Option<Failure> {
        // Spread over the time.
        let is_due = |done: usize, all: usize| {
            let part = |all: usize| u32::try_from(all).unwrap();
            done < all && after >= self.lasts * part(done + 1) / part(all + 1)
        };
        if is_due(failed.black_holes, self.black_holes) {
            Some(Failure::BlackHole)
        } else if is_due(failed.promotions, self.promotions) {
            Some(Failure::Promotion)
        } else if failed.receivers + failed.workers < self.kills || after < self.lasts {
            Some(Failure::Kill)
        } else {
            None
        }
    }

    fn kills_processes(&self) -> bool {
        self.kills > 0
    }
}

/// An app whose parts fail.
struct Run {
    failures: Failures,
    failed: Failed,
    pair: Pair,
    fleet: Fleet,
    /// `None` once it has stopped.
    load: Option<Load>,
    acknowledged: Arc<Acknowledged>,
    _balancer: Balancer,
    platform: Arc<Platform>,
    printed: Printed,
    lines: UnboundedReceiver<Line>,
    probes: Vec<String>,
}

impl Run {
    async fn start(installation: &Installation, failures: Failures) -> Self {
        let pair = Pair::start(installation);
        let (sender, lines) = mpsc::unbounded_channel();
        let fleet = Fleet::start(&pair.url(), &[], sender).await;
        let balancer = Balancer::start(fleet.ports.clone()).await;
        let platform = patient(platform(balancer.port)).start().await.unwrap();
        let platform = Arc::new(platform);
        let load = Load::start(&platform);
        Self {
            failures,
            failed: Failed::default(),
            acknowledged: Arc::clone(&load.acknowledged),
            load: Some(load),
            _balancer: balancer,
            platform,
            pair,
            fleet,
            printed: Printed::default(),
            lines,
            probes: Vec::new(),
        }
    }

    /// Waits until a worker has handled an event.
    async fn next(&mut self) {
        let began = Instant::now();
        loop {
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

    /// Nothing is acknowledged that the standby does not have.
    async fn black_hole(&mut self) {
        self.pair.freeze();
        self.acknowledged.forbid();
        let event = message(PROBED, &format!("{PROBED}: {}", self.probes.len()));
        let mut probe = self.platform.push(event);
        let attempt = timeout(PATIENCE, probe.next_attempt()).await;
        let attempt = attempt.expect("the platform waits 3 seconds").unwrap();
        assert!(!attempt.accepted(), "{attempt:?}");
        if self.failures.kills_processes() {
            self.kill();
        }
        self.acknowledged.allow();
        self.pair.thaw();
        let probed = timeout(PATIENCE, probe).await;
        let probed = probed.expect("the standby is there again");
        assert!(probed.acknowledged(), "{probed:?}");
        self.probes.push(probed.event_id);
        self.failed.black_holes += 1;
    }

    fn promotion(&mut self) {
        // Every second time the standby has been cut off before.
        let is_black_holed = self.failed.promotions % 2 == 1;
        if is_black_holed {
            self.pair.freeze();
            self.acknowledged.forbid();
            self.failed.promotions_of_black_holed += 1;
        }
        self.pair.kill_primary();
        if is_black_holed {
            self.acknowledged.allow();
        }
        if self.failures.kills_processes() {
            self.kill();
        }
        self.pair.promote();
        self.fleet.revive();
        self.pair.renew();
        self.failed.promotions += 1;
    }

    /// No lane with events is without a head, and nothing has failed for good.
    fn look(&self) {
        let stuck = "SELECT (SELECT count(DISTINCT lane) FROM lark_inbox.task)
            - (SELECT count(*) FROM lark_inbox.task WHERE is_head AND lane IS NOT NULL),
            (SELECT count(*) FROM lark_inbox.dead)";
        assert_eq!(self.pair.psql(stuck), "0|0", "stuck lanes, dead letters");
    }

    async fn fail(&mut self) {
        let began = Instant::now();
        while let Some(failure) = self.failures.next(&self.failed, began.elapsed()) {
            self.some_lines().await;
            self.fleet.revive();
            match failure {
                Failure::Kill => self.kill(),
                Failure::Promotion => self.promotion(),
                Failure::BlackHole => self.black_hole().await,
            }
            self.look();
        }
        self.some_lines().await;
    }

    /// Waits until the last events are acknowledged and all are handled.
    async fn finish(&mut self) -> Sent {
        let mut stopping = pin!(self.load.take().unwrap().stop());
        let mut sent = loop {
            match timeout(LOOK, &mut stopping).await {
                Ok(sent) => break sent,
                Err(_) => self.fleet.revive(),
            }
        };
        sent.add(Some(PROBED.to_owned()), std::mem::take(&mut self.probes));
        while self.printed.times.len() < sent.all.len() {
            self.next().await;
        }
        sent
    }

    fn table(&self, installation: &Installation, sent: &Sent, took: Duration) -> String {
        let Failed {
            receivers,
            workers,
            promotions,
            promotions_of_black_holed,
            black_holes,
        } = self.failed;
        let rows = [
            ("PostgreSQL", installation.major().to_string()),
            ("kills of receivers", receivers.to_string()),
            ("kills of workers", workers.to_string()),
            ("promotions", promotions.to_string()),
            (
                "  of a black-holed standby",
                promotions_of_black_holed.to_string(),
            ),
            ("black holes that ended", black_holes.to_string()),
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

    fn check(mut self, sent: &Sent) {
        self.fleet.stop();
        while let Ok(line) = self.lines.try_recv() {
            self.printed.add(line);
        }
        self.printed.check(sent);
        // A claim waits for no disk: with the primary, the count of an attempt may be lost that has begun.
        if self.failed.promotions == 0 {
            let repeated = self.printed.repeated_attempts();
            assert_eq!(repeated, 0, "an attempt ran twice");
        }
        let all = sent.all.len();
        let left = "SELECT (SELECT count(*) FROM lark_inbox.event), (SELECT count(*) FROM lark_inbox.task),
            (SELECT count(*) FROM lark_inbox.dead)";
        let expected = format!("{all}|0|0");
        assert_eq!(
            self.pair.psql(left),
            expected,
            "events, tasks, dead letters"
        );
        // The history: each event has succeeded once.
        let succeeded = "SELECT count(*), count(DISTINCT seq) FROM lark_inbox.attempt WHERE outcome = 'handled'";
        assert_eq!(self.pair.psql(succeeded), format!("{all}|{all}"));
    }
}

async fn run(failures: Failures) {
    let Some(installation) = Postgres::installed_or_skip(WHAT) else {
        return;
    };
    let began = Instant::now();
    let mut run = Run::start(&installation, failures).await;
    run.fail().await;
    let sent = run.finish().await;
    print!("{}", run.table(&installation, &sent, began.elapsed()));
    run.check(&sent);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_replicas_have_acknowledged_is_handled_though_they_are_killed() {
    run(Failures {
        kills: 20,
        promotions: 0,
        black_holes: 0,
        lasts: Duration::ZERO,
        max_lines: 40,
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_replicas_have_acknowledged_is_handled_though_the_primary_dies() {
    run(Failures {
        kills: 0,
        promotions: 1,
        black_holes: 1,
        lasts: Duration::ZERO,
        max_lines: 40,
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "cargo xtask soak-inbox --store postgres runs it"]
async fn soak() {
    let number = |name: &str| env::var(name).map(|value| value.parse::<f64>().unwrap());
    let promotions = number("PROMOTIONS").unwrap_or(10.0) as usize;
    run(Failures {
        kills: 20,
        promotions,
        black_holes: promotions,
        lasts: Duration::from_secs_f64(number("MINUTES").unwrap_or(2.0) * 60.0),
        max_lines: 100,
    })
    .await;
}
