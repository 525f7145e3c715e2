//! The running platform: pushes events, runs commands and shows the results.

mod script;

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use lark_events_sim::{Attempt, Mode, Platform, PlatformStats, Push, WebhookError, WebhookUrl};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use self::script::Waiting;
use super::command::Command;
use super::counts::Counts;
use super::due::Due;
use super::lines::Lines;
use super::pushable::Pushable;
use super::row::Row;
use super::stream::Stream;
use super::view::View;
use crate::Error;

/// The time between two checks of a webhook that has not passed yet.
const CHECK_INTERVAL: Duration = Duration::from_millis(500);

pub(crate) struct Settings {
    pub(crate) webhook: Option<WebhookUrl>,
    pub(crate) streams: Vec<Stream>,
    pub(crate) script: Vec<Command>,
    pub(crate) redeliver_after: Vec<Duration>,
    pub(crate) ends: Option<Instant>,
    pub(crate) lines: Option<Lines>,
}

/// A message of a task to the driver.
enum Happened {
    Attempted(usize, Attempt),
    Ended(usize),
    WebhookRefused(WebhookError),
    WebhookSet,
}

pub(crate) struct Driver {
    platform: Arc<Platform>,
    view: View,
    webhook: Option<WebhookUrl>,
    webhook_is_set: bool,
    streams: Vec<Due>,
    script: VecDeque<Command>,
    lines: Option<Lines>,
    wait: Option<Waiting>,
    redeliver_after: Vec<Duration>,
    ends: Option<Instant>,
    /// The deliveries that have not ended.
    deliveries: BTreeMap<usize, Row>,
    tasks: JoinSet<()>,
    happened: mpsc::UnboundedReceiver<Happened>,
    tell: mpsc::UnboundedSender<Happened>,
    stats: PlatformStats,
    /// The number of the last call of the API that was shown.
    shown_calls: usize,
    counts: Counts,
}

impl Driver {
    pub(crate) fn new(platform: Platform, settings: Settings, view: View) -> Self {
        let (tell, happened) = mpsc::unbounded_channel();
        let at = Instant::now();
        let due = |stream| Due { stream, at };
        Self {
            platform: Arc::new(platform),
            view,
            webhook: settings.webhook,
            webhook_is_set: false,
            streams: settings.streams.into_iter().map(due).collect(),
            script: settings.script.into(),
            lines: settings.lines,
            wait: None,
            redeliver_after: settings.redeliver_after,
            ends: settings.ends,
            deliveries: BTreeMap::new(),
            tasks: JoinSet::new(),
            happened,
            tell,
            stats: PlatformStats::default(),
            shown_calls: 0,
            counts: Counts::default(),
        }
    }

    /// Runs until a signal, `quit`, or the end of its time.
    pub(crate) async fn run(mut self, stop: impl Future<Output = ()>) -> Result<(), Error> {
        if let Some(url) = self.webhook.clone() {
            let (platform, tell) = (Arc::clone(&self.platform), self.tell.clone());
            self.tasks.spawn(set_webhook(url, platform, tell));
        }
        let mut stop = std::pin::pin!(stop);
        let ran = loop {
            match self.turn(stop.as_mut()).await {
                Ok(true) => {}
                Ok(false) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        let ended = self.end().await;
        ran.and(ended)
    }

    /// Runs the commands that are ready, then waits for one thing to happen; `false` at the end.
    async fn turn(&mut self, stop: impl Future<Output = ()>) -> Result<bool, Error> {
        if !self.run_script()? {
            return Ok(false);
        }
        let platform = Arc::clone(&self.platform);
        let stats = self.stats;
        let (due, wait_ends) = (self.next_due(), self.wait_ends());
        let waiting = self.wait.is_some();
        tokio::select! {
            () = stop => return Ok(false),
            () = at(self.ends) => return Ok(false),
            Some(happened) = self.happened.recv() => self.has_happened(happened)?,
            // Removes a task that has ended, and returns its panic as an error.
            Some(ended) = self.tasks.join_next() => ended?,
            stats = platform.until(|now| *now != stats) => self.counted(stats)?,
            () = at(due) => self.push_due()?,
            () = at(wait_ends) => {}
            line = next_line(&mut self.lines, waiting) => match line {
                Some(line) => return self.read(line),
                // Ctrl-D.
                None => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Reads a command from a line of stdin; `false` at the end.
    fn read(&mut self, line: io::Result<String>) -> Result<bool, Error> {
        let line = line.map_err(|error| format!("stdin: {error}"))?;
        self.view.typed();
        match Command::parse(&line) {
            // Also during a wait.
            Ok(Some(Command::Quit)) => return Ok(false),
            Ok(command) => self.script.extend(command),
            Err(error) => match &self.lines {
                Some(lines) if !lines.are_typed => {
                    return Err(format!("stdin: line {}: {error}", lines.number).into());
                }
                _ => self.view.refused(&error),
            },
        }
        Ok(true)
    }

    /// The transports on which the app is reachable.
    fn modes(&self) -> Vec<Mode> {
        let webhook = self.webhook_is_set.then_some(Mode::Webhook);
        let connection = (self.stats.connections > 0).then_some(Mode::LongConnection);
        webhook.into_iter().chain(connection).collect()
    }

    fn default_mode(&self) -> Mode {
        match self.webhook {
            Some(_) => Mode::Webhook,
            None => Mode::LongConnection,
        }
    }

    fn push(&mut self, event: &Pushable, mode: Mode) -> io::Result<()> {
        let again: &[Duration] = match event.is_callback {
            true => &[],
            false => &self.redeliver_after,
        };
        let again = again.iter().copied();
        let push = self.platform.push_by(mode, event.document.clone(), again);
        self.counts.pushes += 1;
        let number = self.counts.pushes;
        let row = Row {
            number,
            event_type: event.event_type.clone(),
            event_id: push.event_id().to_owned(),
            mode,
            attempt: None,
            acknowledged: false,
            ended: false,
        };
        self.view.row(&row)?;
        self.deliveries.insert(number, row);
        self.tasks.spawn(follow(push, number, self.tell.clone()));
        Ok(())
    }

    /// When the next event of a stream is due; never while the app is not reachable.
    fn next_due(&self) -> Option<Instant> {
        let due = self.streams.iter().map(|due| due.at).min();
        due.filter(|_| !self.modes().is_empty())
    }

    fn push_due(&mut self) -> io::Result<()> {
        let now = Instant::now();
        let modes = self.modes();
        let mut events = Vec::new();
        self.streams.retain_mut(|due| {
            if due.at > now {
                return true;
            }
            events.push(due.stream.event.clone());
            due.go_on(now)
        });
        for event in events {
            for mode in &modes {
                self.push(&event, *mode)?;
            }
        }
        Ok(())
    }

    /// When a wait for a time ends.
    fn wait_ends(&self) -> Option<Instant> {
        match self.wait {
            Some(Waiting::Until(moment)) => Some(moment),
            _ => None,
        }
    }

    fn has_happened(&mut self, happened: Happened) -> Result<(), Error> {
        match happened {
            Happened::Attempted(number, attempt) => {
                self.counts.attempts += 1;
                self.counts.redeliveries += usize::from(attempt.number > 1 && !attempt.copy);
                if let Some(row) = self.deliveries.get_mut(&number) {
                    let before = row.acknowledged;
                    row.attempted(attempt);
                    self.counts.acknowledged += usize::from(row.acknowledged && !before);
                    self.view.row(row)?;
                }
            }
            Happened::Ended(number) => {
                if let Some(mut row) = self.deliveries.remove(&number) {
                    self.counts.given_up += usize::from(!row.acknowledged);
                    row.ended = true;
                    self.view.ended(&row)?;
                }
            }
            Happened::WebhookSet => {
                self.webhook_is_set = true;
                self.view
                    .notice("webhook-set", "the webhook has passed the URL check")?;
            }
            Happened::WebhookRefused(error) => {
                let text = format!("the webhook is not set yet: {error}");
                self.view.notice("webhook-refused", &text)?;
            }
        }
        Ok(())
    }

    fn counted(&mut self, stats: PlatformStats) -> io::Result<()> {
        let before = std::mem::replace(&mut self.stats, stats);
        if stats.connections != before.connections {
            let text = format!("long connections: {}", stats.connections);
            self.view.notice("connections", &text)?;
        }
        if stats.api_calls != before.api_calls {
            for call in self.platform.api_calls() {
                if call.number > self.shown_calls {
                    self.shown_calls = call.number;
                    self.view.call(&call)?;
                }
            }
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
        Ok(())
    }

    fn show_counts(&mut self, kind: &str) -> io::Result<()> {
        let on_the_way = self.deliveries.len();
        let (text, json) = self.counts.shown(kind, on_the_way, &self.platform);
        self.view.answer(&text, Some(&json))
    }

    async fn end(mut self) -> Result<(), Error> {
        let finished = self.view.finish();
        let shown = finished.and_then(|()| self.show_counts("summary"));
        self.tasks.shutdown().await;
        if let Some(platform) = Arc::into_inner(self.platform) {
            platform.shutdown().await;
        }
        Ok(shown?)
    }
}

/// Sets the webhook as soon as it passes the check, and reports why it does not pass.
async fn set_webhook(
    url: WebhookUrl,
    platform: Arc<Platform>,
    tell: mpsc::UnboundedSender<Happened>,
) {
    let url = url.to_string();
    let mut last = None;
    while let Err(error) = platform.set_webhook(&url).await {
        if last.as_ref() != Some(&error) {
            last = Some(error.clone());
            // The receiver is gone at the end.
            let _ = tell.send(Happened::WebhookRefused(error));
        }
        sleep(CHECK_INTERVAL).await;
    }
    let _ = tell.send(Happened::WebhookSet);
}

/// Sleeps until a moment, or for ever.
async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

/// The next line; pends for ever if stdin is not read.
async fn next_line(lines: &mut Option<Lines>, waiting: bool) -> Option<io::Result<String>> {
    match lines {
        Some(lines) => lines.next(waiting).await,
        None => std::future::pending().await,
    }
}

/// Reports each attempt of a push.
async fn follow(mut push: Push, number: usize, tell: mpsc::UnboundedSender<Happened>) {
    while let Some(attempt) = push.next_attempt().await {
        // The receiver is gone at the end.
        let _ = tell.send(Happened::Attempted(number, attempt));
    }
    let _ = tell.send(Happened::Ended(number));
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use clap::Parser as _;
    use tokio::time::timeout;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(30);

    async fn driver(script: &str, lines: Option<Lines>) -> Driver {
        let settings = Settings {
            webhook: None,
            streams: Vec::new(),
            script: Command::parse_script(script).unwrap(),
            redeliver_after: Vec::new(),
            ends: None,
            lines,
        };
        let platform = Platform::builder().start().await.unwrap();
        let output = crate::Cli::parse_from(["lark-events", "--json", "events"]).output;
        Driver::new(platform, settings, View::new(output, false))
    }

    #[tokio::test]
    async fn an_event_that_has_come_to_its_end_leaves_nothing_behind() {
        let mut driver = driver("push im.message.receive_v1", None).await;
        while driver.counts.given_up == 0 || !driver.tasks.is_empty() {
            let turn = timeout(LIMIT, driver.turn(pending()));
            assert!(turn.await.unwrap().unwrap());
        }
        assert!(driver.deliveries.is_empty());
    }

    #[tokio::test]
    async fn quit_at_a_terminal_ends_what_is_waited_for() {
        let (sender, lines) = Lines::typed();
        let driver = driver("wait 1h", Some(lines)).await;
        for line in ["stats", "quit"] {
            sender.send(Ok(line.to_owned())).await.unwrap();
        }
        timeout(LIMIT, driver.run(pending()))
            .await
            .unwrap()
            .unwrap();
    }
}
