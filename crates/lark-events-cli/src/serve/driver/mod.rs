//! The running platform: pushes events, runs commands and shows the results.

mod asks;
mod deliveries;
mod script;
#[cfg(test)]
mod tests;
mod webhook;

use std::collections::VecDeque;
use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use lark_events_sim::{Attempt, Platform, PlatformStats, WebhookError, WebhookUrl};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

use self::script::Waiting;
use self::webhook::set_webhook;
use super::command::Command;
use super::control::{self, Ask, Asks, Control};
use super::counts::Counts;
use super::due::Due;
use super::history::{History, Webhook};
use super::lines::Lines;
use super::links::Links;
use super::stream::Stream;
use super::view::View;
use crate::console::web::masked::Masks;
use crate::recording::Record;
use crate::{Error, console, is_broken_pipe};

/// The time between two checks of a webhook that has not passed yet.
const CHECK_INTERVAL: Duration = Duration::from_millis(500);
/// The time for connections to close at the end.
const CLOSE_LIMIT: Duration = Duration::from_secs(2);

pub(crate) struct Settings {
    pub(crate) webhook: Option<WebhookUrl>,
    /// Whether the events are those of another platform. The webhook then gets them before it has passed the URL
    /// check.
    pub(crate) forwards: bool,
    pub(crate) streams: Vec<Stream>,
    pub(crate) script: Vec<Command>,
    pub(crate) redeliver_after: Vec<Duration>,
    pub(crate) ends: Option<Instant>,
    pub(crate) lines: Option<Lines>,
    /// Shown nowhere.
    pub(crate) secrets: Vec<String>,
    pub(crate) record: Option<Record>,
    /// Whether the recording has secrets that the app's answers repeat.
    pub(crate) records_secrets: bool,
}

/// A message of a task to the driver.
enum Happened {
    Attempted(usize, Attempt),
    Ended(usize),
    WebhookRefused(WebhookError),
    WebhookSet,
    /// It is set though it does not pass the URL check.
    WebhookUnchecked(WebhookError),
    ConsoleFailed(io::Error),
}

pub(crate) struct Driver {
    platform: Arc<Platform>,
    view: View,
    webhook: Option<WebhookUrl>,
    forwards: bool,
    streams: Vec<Due>,
    script: VecDeque<Command>,
    /// How many of the script's commands are from the file, before those of stdin.
    from_file: usize,
    /// Whether a command that nobody typed has failed.
    has_failed: bool,
    lines: Option<Lines>,
    secrets: Vec<String>,
    record: Option<Record>,
    records_secrets: bool,
    masks: Masks,
    wait: Option<Waiting>,
    redeliver_after: Vec<Duration>,
    ends: Option<Instant>,
    history: Arc<History>,
    links: Links,
    asks: Asks,
    /// For each [`Control`].
    ask: mpsc::Sender<Ask>,
    tasks: JoinSet<()>,
    happened: mpsc::UnboundedReceiver<Happened>,
    tell: mpsc::UnboundedSender<Happened>,
    stats: PlatformStats,
    /// The number of the last call of the API that was shown.
    shown_calls: usize,
    /// Whether a stream has skipped a push.
    has_skipped: bool,
    counts: Counts,
}

impl Driver {
    pub(crate) fn new(platform: Platform, settings: Settings, mut view: View) -> Self {
        let masks = Masks::new(settings.secrets.iter().map(String::as_str));
        view.mask(masks.clone());
        let (tell, happened) = mpsc::unbounded_channel();
        let (ask, asks) = control::asks();
        let at = Instant::now();
        let due = |stream| Due { stream, at };
        Self {
            platform: Arc::new(platform),
            view,
            webhook: settings.webhook,
            forwards: settings.forwards,
            streams: settings.streams.into_iter().map(due).collect(),
            from_file: settings.script.len(),
            has_failed: false,
            script: settings.script.into(),
            lines: settings.lines,
            secrets: settings.secrets,
            record: settings.record,
            records_secrets: settings.records_secrets,
            masks,
            wait: None,
            redeliver_after: settings.redeliver_after,
            ends: settings.ends,
            history: Arc::new(History::new()),
            links: Links::default(),
            asks,
            ask,
            tasks: JoinSet::new(),
            happened,
            tell,
            stats: PlatformStats::default(),
            shown_calls: 0,
            has_skipped: false,
            counts: Counts::default(),
        }
    }

    /// A way to ask for changes, for a task of this driver: it keeps the platform from its end.
    pub(crate) fn control(&self) -> Control {
        let (history, platform) = (Arc::clone(&self.history), Arc::clone(&self.platform));
        Control::new(self.ask.clone(), history, platform)
    }

    /// Serves the console until the driver ends.
    pub(crate) fn serve_console(&mut self, listener: TcpListener) {
        let (control, secrets, tell) = (self.control(), self.secrets.clone(), self.tell.clone());
        self.tasks.spawn(async move {
            let secrets = secrets.iter().map(String::as_str);
            let Err(error) = console::serve(listener, control, secrets).await;
            // The receiver is gone at the end.
            let _ = tell.send(Happened::ConsoleFailed(error));
        });
    }

    /// Runs until a signal, `quit`, or the end of its time. It has failed if a command has that nobody typed.
    pub(crate) async fn run(mut self, stop: impl Future<Output = ()>) -> Result<ExitCode, Error> {
        if let Some(url) = self.webhook.clone() {
            self.history.set_webhook(Webhook::Connecting(url.clone()));
            let (platform, tell) = (Arc::clone(&self.platform), self.tell.clone());
            self.tasks
                .spawn(set_webhook(url, !self.forwards, platform, tell));
        }
        // Those of --fault.
        self.view.faults(&self.platform.faults());
        let mut stop = Box::pin(stop);
        let ran = loop {
            match self.turn(stop.as_mut()).await {
                Ok(true) => {}
                Ok(false) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        let status = match self.has_failed {
            true => ExitCode::FAILURE,
            false => ExitCode::SUCCESS,
        };
        // It may hold a connection, which must take no event that this driver does not deliver.
        drop(stop);
        let ended = self.end().await;
        match ran {
            // A reader that has gone hides no other error.
            Err(error) if is_broken_pipe(&*error) => ended.and(Err(error)),
            ran => ran.and(ended).and(Ok(status)),
        }
    }

    /// Runs the commands that are ready, then waits for one thing to happen; `false` at the end.
    async fn turn(&mut self, stop: impl Future<Output = ()>) -> Result<bool, Error> {
        if !self.run_script()? {
            return Ok(false);
        }
        self.view.settle()?;
        let platform = Arc::clone(&self.platform);
        let stats = self.stats;
        let (due, wait_ends) = (self.next_due(), self.wait_ends());
        let waiting = self.wait.is_some();
        tokio::select! {
            () = stop => return Ok(false),
            () = at(self.ends) => return Ok(false),
            Some(happened) = self.happened.recv() => self.has_happened(happened)?,
            Some(ask) = self.asks.recv() => self.asked(ask)?,
            // Removes a task that has ended, and returns its panic as an error.
            Some(ended) = self.tasks.join_next() => ended?,
            stats = platform.until(|now| *now != stats) => self.counted(stats)?,
            () = at(due) => self.push_due()?,
            () = at(wait_ends) => {}
            lines = next_lines(&mut self.lines, waiting) => match lines {
                Some(lines) => return self.read(lines),
                // Ctrl-D.
                None => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Reads the commands in lines of stdin; `false` at the end.
    fn read(&mut self, lines: io::Result<Vec<String>>) -> Result<bool, Error> {
        let read = lines.map_err(|error| format!("stdin: {error}"))?;
        let (number, are_typed) = match &self.lines {
            Some(lines) => (lines.number, lines.are_typed),
            None => (0, false),
        };
        if !are_typed {
            for line in read {
                let command = Command::parse(&line)
                    .map_err(|error| format!("stdin: line {number}: {error}"))?;
                self.script.extend(command);
            }
            return Ok(true);
        }
        self.view.typed(read.iter().map(String::as_str))?;
        for line in read {
            self.view.echo(&line)?;
            match Command::parse(&line) {
                // Also during a wait.
                Ok(Some(Command::Quit)) => return Ok(false),
                Ok(command) => self.script.extend(command),
                Err(error) => self.view.refused(line.trim(), &error)?,
            }
            if !self.run_script()? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// When the next event of a stream is due; never while the app is not reachable.
    fn next_due(&self) -> Option<Instant> {
        let due = self.streams.iter().map(|due| due.at).min();
        due.filter(|_| !self.modes().is_empty())
    }

    /// When a wait for a time ends.
    fn wait_ends(&self) -> Option<Instant> {
        match self.wait {
            Some(Waiting::Until(moment)) => Some(moment),
            _ => None,
        }
    }

    fn counted(&mut self, stats: PlatformStats) -> io::Result<()> {
        let before = std::mem::replace(&mut self.stats, stats);
        if stats.connections != before.connections {
            let text = format!("long connections: {}", stats.connections);
            self.view.notice("connections", &text)?;
        }
        if stats.faults != before.faults {
            self.view.faults(&self.platform.faults());
        }
        if stats.api_calls != before.api_calls {
            self.called()?;
        }
        if stats.violations != before.violations {
            let new = before.violations..stats.violations;
            for violation in self
                .platform
                .violations()
                .iter()
                .take(new.end)
                .skip(new.start)
            {
                self.view
                    .notice("violation", &format!("protocol violation: {violation}"))?;
            }
        }
        self.history.touch();
        Ok(())
    }

    fn show_counts(&mut self, kind: &str) -> io::Result<()> {
        let on_the_way = self.history.running();
        let (text, json) = match self.forwards {
            true => self.counts.of_forwarded(kind, on_the_way),
            false => self.counts.shown(kind, on_the_way, &self.platform),
        };
        self.view.answer(&text, &json)
    }

    async fn end(mut self) -> Result<(), Error> {
        let finished = self.settle().and_then(|()| self.view.finish());
        let shown = finished.and_then(|()| self.show_counts("summary"));
        self.tasks.shutdown().await;
        let recorded = match self.record {
            Some(record) => record.finish().await,
            None => Ok(()),
        };
        // The connections of the console end on their own then.
        drop(self.ask);
        let are_gone = async { while self.asks.recv().await.is_some() {} };
        let _ = timeout(CLOSE_LIMIT, are_gone).await;
        match Arc::try_unwrap(self.platform) {
            Ok(platform) => platform.shutdown().await,
            // A task that is not the driver's has it still.
            Err(platform) => {
                platform.close_connections();
                let closed = platform.until(|stats| stats.connections == 0);
                let _ = timeout(CLOSE_LIMIT, closed).await;
            }
        }
        // A reader that has gone does not hide that attempts are missing in the recording.
        recorded.and(shown.map_err(Error::from))
    }

    /// Counts and shows the attempts that have ended.
    fn settle(&mut self) -> io::Result<()> {
        while let Ok(happened) = self.happened.try_recv() {
            self.has_happened(happened)?;
        }
        Ok(())
    }
}

/// Sleeps until a moment, or for ever.
async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

/// The next lines; pends for ever if stdin is not read.
async fn next_lines(lines: &mut Option<Lines>, waiting: bool) -> Option<io::Result<Vec<String>>> {
    match lines {
        Some(lines) => lines.next(waiting).await,
        None => std::future::pending().await,
    }
}
