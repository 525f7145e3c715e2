//! The soak test, for `cargo xtask soak`: the long connection against the simulator, over real
//! sockets, while everything goes wrong that the platform can have go wrong. Whatever is leaked,
//! lost or said twice adds up.
//!
//! ```sh
//! soak [--minutes N] [--seed N]
//! ```

mod app;
mod figures;
mod ledger;
mod load;
mod memory;
mod passing;
mod settings;
mod verdict;

use std::env;
use std::panic;
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use lark_events::{BoxError, LateHandler};
use lark_events_sim::{ClientConfig, Platform, ProtocolViolation, ProtocolViolationKind};
use lark_events_ws::{Monitor, Stats};
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio::time::{Instant, interval, interval_at, sleep, sleep_until, timeout};

use self::app::{APP_ID, APP_SECRET, Planned};
use self::figures::{add, unbalanced};
use self::ledger::Ledger;
use self::load::Load;
use self::passing::{Passing, told};
use self::settings::{
    ANSWER_LIMIT, FRAGMENT_BYTES, MEMORY_MARK, PATIENCE, REDELIVER_AFTER, REPORT_EVERY,
    STEADY_CONNECTIONS, TICK,
};
use self::verdict::Verdict;

/// One for the platform and one for the app, more or less.
const WORKERS: usize = 2;

struct Arguments {
    length: Duration,
    seed: u64,
}

fn main() -> ExitCode {
    let Some(arguments) = arguments(env::args().skip(1)) else {
        eprintln!("usage: soak [--minutes N] [--seed N]");
        return ExitCode::from(2);
    };
    let ledger = Arc::new(Ledger::default());
    hush_planned_panics(&ledger);
    let runtime = Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .enable_all()
        .build();
    let ended = match runtime {
        Ok(runtime) => runtime.block_on(run(&arguments, &ledger)),
        Err(error) => Err(error.into()),
    };
    match ended {
        Ok(verdict) => verdict.end(&ledger),
        Err(error) => {
            eprintln!("soak: {error}");
            ExitCode::FAILURE
        }
    }
}

fn arguments(mut given: impl Iterator<Item = String>) -> Option<Arguments> {
    let mut arguments = Arguments {
        length: Duration::from_secs(10 * 60),
        seed: fastrand::u64(..),
    };
    while let Some(flag) = given.next() {
        let value = given.next()?;
        match &*flag {
            "--minutes" => {
                let seconds = value.parse::<f64>().ok()? * 60.0;
                arguments.length = Duration::try_from_secs_f64(seconds).ok()?;
            }
            "--seed" => arguments.seed = value.parse().ok()?,
            _ => return None,
        }
    }
    Some(arguments)
}

/// Keeps planned panics out of the output, and counts all others.
fn hush_planned_panics(ledger: &Arc<Ledger>) {
    let ledger = Arc::clone(ledger);
    let hook = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        if !panic.payload().is::<Planned>() {
            ledger.figures.other_panics.one();
            hook(panic);
        }
    }));
}

async fn run(arguments: &Arguments, ledger: &Arc<Ledger>) -> Result<Verdict, BoxError> {
    let Arguments { length, seed } = *arguments;
    println!("seed {seed}, {length:?}");
    let mut verdict = Verdict::default();
    verdict.tasks.before = tasks();
    let platform = Platform::builder()
        .app(APP_ID, APP_SECRET)
        .answer_limit(ANSWER_LIMIT)
        .redeliver_after(REDELIVER_AFTER)
        .fragment_above(FRAGMENT_BYTES)
        .client_config(
            ClientConfig::default()
                .reconnect_nonce(1)
                .reconnect_interval(1)
                .ping_interval(1),
        )
        .seed(seed);
    let platform = Arc::new(platform.start().await?);
    let steady = app::steady(&platform)?;
    let monitors = steady.monitors();
    let (shut_down, asked) = oneshot::channel::<()>();
    let asked = async {
        // The end of this function is one too.
        let _ = asked.await;
    };
    let dispatcher = app::dispatcher(ledger, LateHandler::Cancel);
    let mut running = tokio::spawn(
        steady
            .run(dispatcher)
            .with_graceful_shutdown(asked)
            .into_future(),
    );
    let all = platform.until(|stats| stats.connections == STEADY_CONNECTIONS);
    timeout(PATIENCE, all).await?;

    // The load.
    let mut load = Load::new(Arc::clone(&platform), Arc::clone(ledger), seed);
    timeout(PATIENCE, load.warm_up()).await?;
    let began = Instant::now();
    let mut passing = Passing::start(&platform, ledger, seed)?;
    let mut ticks = interval(TICK);
    let mut reports = interval_at(began + REPORT_EVERY, REPORT_EVERY);
    let mut marking = pin!(sleep_until(began + MEMORY_MARK));
    let mut ending = pin!(sleep_until(began + length));
    let mut is_marked = false;
    loop {
        tokio::select! {
            biased;
            () = &mut ending => break,
            () = &mut marking, if !is_marked => {
                is_marked = true;
                verdict.memory.at_mark = memory::resident_kib();
            }
            _ = reports.tick() => {
                let stats = sum(&monitors, passing.stats());
                report(began, &platform, ledger, &load, &stats);
            }
            over = &mut running => {
                return Err(format!("the connections ended by themselves: {over:?}").into());
            }
            _ = ticks.tick() => load.tick(),
            never = passing.pass() => match never? {},
        }
    }
    verdict.memory.at_end = memory::resident_kib();

    // The end: all that was pushed, the handlers, the connections, the platform.
    passing.end().await;
    let ended = timeout(PATIENCE, load.end()).await;
    let all_ended = ended.is_ok() && ledger.open() == 0;
    verdict.check("all pushes have ended", all_ended, || {
        format!("{} have not, {} of events", load.open(), ledger.open())
    });
    let running_now = || sum(&monitors, Stats::default()).running;
    let idle = eventually(|| running_now() == 0).await;
    verdict.check("all handlers have ended", idle, || {
        format!("{} have not", running_now())
    });
    let _ = shut_down.send(());
    let over = timeout(PATIENCE, &mut running).await;
    let wrong = over.map_or_else(|_| Some("it is not over in time".to_owned()), told);
    verdict.check(
        "the run of the connections was ended",
        wrong.is_none(),
        || wrong.unwrap_or_default(),
    );
    let unbalanced = monitors
        .iter()
        .find_map(|monitor| unbalanced(&monitor.stats()));
    verdict.check("the counts go together", unbalanced.is_none(), || {
        unbalanced.unwrap_or_default()
    });
    // An event without a message id is one of the kinds of garbage, and its answer has none either.
    let all = platform.violations();
    let is_complete = platform.stats().violations == all.len();
    verdict.check("the platform remembers all violations", is_complete, || {
        platform.stats().violations.to_string()
    });
    let is_other =
        |violation: &ProtocolViolation| violation.kind != ProtocolViolationKind::NoMessageId;
    let others = all.into_iter().filter(is_other).collect::<Vec<_>>();
    verdict.violations(&others);

    verdict.passed = passing.rounds();
    verdict.stats = sum(&monitors, passing.stats());
    verdict.platform = platform.stats();
    drop((load, passing));
    match Arc::into_inner(platform) {
        Some(platform) => platform.shutdown().await,
        None => return Err("somebody holds the platform".into()),
    }
    eventually(|| tasks() <= verdict.tasks.before).await;
    verdict.tasks.after = tasks();
    Ok(verdict)
}

fn tasks() -> usize {
    Handle::current().metrics().num_alive_tasks()
}

/// Waits for a condition, and returns whether it held in time.
async fn eventually(holds: impl Fn() -> bool) -> bool {
    let waiting = async {
        while !holds() {
            sleep(TICK).await;
        }
    };
    timeout(PATIENCE, waiting).await.is_ok()
}

/// The counts of several connections together.
fn sum(monitors: &[Monitor], first: Stats) -> Stats {
    monitors.iter().map(Monitor::stats).fold(first, add)
}

fn report(began: Instant, platform: &Platform, ledger: &Ledger, load: &Load, stats: &Stats) {
    let figures = &ledger.figures;
    println!(
        "{:>5} s: {} pushed, {} attempts, {} acked, {} handled, {} open, {} running, \
         {} connections, {} reconnects, {} late, {} KiB, {} tasks",
        began.elapsed().as_secs(),
        figures.pushed.get(),
        platform.stats().attempts,
        figures.acked.get(),
        figures.handled.get(),
        load.open(),
        stats.running,
        platform.stats().connections,
        stats.reconnects,
        stats.deadline_missed,
        memory::resident_kib().unwrap_or(0),
        tasks(),
    );
}
