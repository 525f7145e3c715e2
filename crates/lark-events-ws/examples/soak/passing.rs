//! A connection that comes and goes under load, as with each deployment of an app: its drain must
//! end in due form, whatever becomes of its socket meanwhile.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use lark_events::{BoxError, LateHandler};
use lark_events_sim::Platform;
use lark_events_ws::{ConnectError, LongConnectionBuildError, Monitor, Stats};
use tokio::sync::oneshot;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::app;
use crate::figures::{add, unbalanced};
use crate::ledger::Ledger;
use crate::settings::{PASSING_SECONDS, PATIENCE};

pub(crate) struct Passing {
    platform: Arc<Platform>,
    ledger: Arc<Ledger>,
    rng: Rng,
    /// The one that is there; `None` after the last.
    run: Option<Run>,
    /// The counts of those that have gone, and how many they are.
    gone: Stats,
    rounds: usize,
}

struct Run {
    monitor: Monitor,
    task: JoinHandle<Result<(), ConnectError>>,
    /// Taken when it is asked to end.
    shut_down: Option<oneshot::Sender<()>>,
    /// When it is asked to end, and then when it must have.
    until: Instant,
}

impl Run {
    fn start(
        platform: &Platform,
        ledger: &Arc<Ledger>,
        rng: &mut Rng,
    ) -> Result<Self, LongConnectionBuildError> {
        let connection = app::passing(platform)?;
        let monitor = connection.monitor();
        let (shut_down, asked) = oneshot::channel();
        let asked = async {
            // Dropping the sender is a shutdown too.
            let _ = asked.await;
        };
        let dispatcher = app::dispatcher(ledger, LateHandler::Finish);
        Ok(Self {
            monitor,
            task: tokio::spawn(
                connection
                    .run(dispatcher)
                    .with_graceful_shutdown(asked)
                    .into_future(),
            ),
            shut_down: Some(shut_down),
            until: Instant::now() + Duration::from_secs(rng.u64(PASSING_SECONDS)),
        })
    }
}

impl Passing {
    pub(crate) fn start(
        platform: &Arc<Platform>,
        ledger: &Arc<Ledger>,
        seed: u64,
    ) -> Result<Self, LongConnectionBuildError> {
        let mut rng = Rng::with_seed(!seed);
        Ok(Self {
            run: Some(Run::start(platform, ledger, &mut rng)?),
            platform: Arc::clone(platform),
            ledger: Arc::clone(ledger),
            rng,
            gone: Stats::default(),
            rounds: 0,
        })
    }

    /// Has the connection go and the next one come, for ever. Nothing is lost when the future is
    /// dropped.
    pub(crate) async fn pass(&mut self) -> Result<Infallible, BoxError> {
        loop {
            if let Some(run) = self.run.as_ref().filter(|run| run.shut_down.is_some()) {
                sleep_until(run.until).await;
            }
            self.end().await;
            let Self {
                platform,
                ledger,
                rng,
                ..
            } = self;
            self.run = Some(Run::start(platform, ledger, rng)?);
        }
    }

    /// Ends the connection that is there. Every second time all connections are lost meanwhile.
    pub(crate) async fn end(&mut self) {
        let Some(run) = &mut self.run else { return };
        if let Some(shut_down) = run.shut_down.take() {
            let _ = shut_down.send(());
            if self.rng.bool() {
                self.platform.disconnect();
            }
            run.until = Instant::now() + PATIENCE;
        }
        let ended = timeout_at(run.until, &mut run.task).await;
        let stats = run.monitor.stats();
        self.run = None;
        self.gone = add(self.gone, stats);
        self.rounds += 1;
        let told = ended.map_or_else(|_| Some("it is not over in time".to_owned()), told);
        for what in told.into_iter().chain(unbalanced(&stats)) {
            let what = format!("a connection that was shut down: {what}");
            self.ledger.wrong(what);
        }
    }

    /// The counts of all so far.
    pub(crate) fn stats(&self) -> Stats {
        match &self.run {
            Some(run) => add(self.gone, run.monitor.stats()),
            None => self.gone,
        }
    }

    /// How many have gone.
    pub(crate) fn rounds(&self) -> usize {
        self.rounds
    }
}

/// What is wrong with how a run ended.
pub(crate) fn told(ended: Result<Result<(), ConnectError>, JoinError>) -> Option<String> {
    match ended {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(format!("it ended with an error: {error}")),
        Err(error) => Some(format!("it panicked: {error}")),
    }
}
