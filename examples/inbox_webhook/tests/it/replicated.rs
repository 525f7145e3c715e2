//! Two receivers and two workers on PostgreSQL lose nothing that they have acknowledged, though processes, the
//! primary, and the connection to its standby fail under load. `cargo xtask soak-inbox --store postgres` does the
//! same for minutes.

use std::env;
use std::time::{Duration, Instant};

use lark_events_test_servers::{Installation, Postgres};
use tokio::time::timeout;

use crate::app::App;
use crate::load::Sent;
use crate::pair::Pair;
use crate::process::{PATIENCE, message};

const WHAT: &str = "the inbox of replicas on PostgreSQL";
/// The chat of the events that are sent while the standby is black-holed.
const PROBED: &str = "oc_probe";

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

/// What has failed, except processes.
#[derive(Debug, Default)]
struct Failed {
    promotions: usize,
    promotions_of_black_holed: usize,
    black_holes: usize,
}

impl Failures {
    fn kills_processes(&self) -> bool {
        self.kills > 0
    }
}

/// An app whose parts fail.
struct Run {
    failures: Failures,
    failed: Failed,
    pair: Pair,
    app: App,
    probes: Vec<String>,
}

impl Run {
    async fn start(installation: &Installation, failures: Failures) -> Self {
        let pair = Pair::start(installation);
        let app = App::start(&pair.url(), &[], Duration::ZERO).await;
        Self {
            failures,
            failed: Failed::default(),
            pair,
            app,
            probes: Vec::new(),
        }
    }

    async fn some_lines(&mut self) {
        self.app.some_lines(self.failures.max_lines, || ()).await;
    }

    fn next_failure(&self, after: Duration) -> Option<Failure> {
        let Self {
            failures, failed, ..
        } = self;
        // Spread over the time.
        let is_due = |done: usize, all: usize| {
            let part = |all: usize| u32::try_from(all).unwrap();
            done < all && after >= failures.lasts * part(done + 1) / part(all + 1)
        };
        if is_due(failed.black_holes, failures.black_holes) {
            Some(Failure::BlackHole)
        } else if is_due(failed.promotions, failures.promotions) {
            Some(Failure::Promotion)
        } else if self.app.kills() < failures.kills || after < failures.lasts {
            Some(Failure::Kill)
        } else {
            None
        }
    }

    /// Nothing is acknowledged that the standby does not have.
    async fn black_hole(&mut self) {
        self.pair.freeze();
        self.app.acknowledged.forbid();
        let event = message(PROBED, &format!("{PROBED}: {}", self.probes.len()));
        let mut probe = self.app.platform.push(event);
        let attempt = timeout(PATIENCE, probe.next_attempt()).await;
        let attempt = attempt.expect("the platform waits 3 seconds").unwrap();
        assert!(!attempt.accepted(), "{attempt:?}");
        if self.failures.kills_processes() {
            self.app.kill();
        }
        self.app.acknowledged.allow();
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
            self.app.acknowledged.forbid();
            self.failed.promotions_of_black_holed += 1;
        }
        self.pair.kill_primary();
        if is_black_holed {
            self.app.acknowledged.allow();
        }
        if self.failures.kills_processes() {
            self.app.kill();
        }
        self.pair.promote();
        self.app.fleet.revive();
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
        while let Some(failure) = self.next_failure(began.elapsed()) {
            self.some_lines().await;
            self.app.fleet.revive();
            match failure {
                Failure::Kill => self.app.kill(),
                Failure::Promotion => self.promotion(),
                Failure::BlackHole => self.black_hole().await,
            }
            self.look();
        }
        self.some_lines().await;
    }

    /// Waits until the last events are acknowledged and all are handled.
    async fn finish(&mut self) -> Sent {
        let mut sent = self.app.stop_load().await;
        sent.add(Some(PROBED.to_owned()), std::mem::take(&mut self.probes));
        self.app.handle_all(&sent).await;
        sent
    }

    fn table(&self, installation: &Installation, sent: &Sent, took: Duration) -> String {
        let version = ("PostgreSQL", installation.major().to_string());
        let Failed {
            promotions,
            promotions_of_black_holed,
            black_holes,
        } = self.failed;
        let failed = [
            ("promotions", promotions),
            ("  of a black-holed standby", promotions_of_black_holed),
            ("black holes that ended", black_holes),
        ];
        self.app.table(version, &failed, sent, took)
    }

    fn check(self, sent: &Sent) {
        let printed = self.app.check(sent);
        // A claim waits for no disk: with the primary, the count of an attempt may be lost that has begun.
        if self.failed.promotions == 0 {
            let repeated = printed.repeated_attempts();
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
