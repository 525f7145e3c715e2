//! The platform as it runs: what is pushed and typed, and what comes of it.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use lark_events_sim::{Attempt, Mode, Platform, Push, Stats, WebhookError};
use serde_json::json;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use super::command::{COMMANDS, Command, Wait};
use super::delivery::Delivery;
use super::event::Event;
use super::span::{Span, Stream};
use super::view::View;
use crate::Error;

/// Between two checks of a webhook that is not there yet.
const CHECK_INTERVAL: Duration = Duration::from_millis(500);

pub(crate) struct Settings {
    pub(crate) webhook: Option<String>,
    pub(crate) streams: Vec<Stream>,
    pub(crate) script: Vec<Command>,
    pub(crate) redeliver_after: Vec<Duration>,
    pub(crate) ends: Option<Instant>,
    pub(crate) lines: Option<mpsc::Receiver<String>>,
}

/// What tasks tell.
enum Happened {
    Attempted(usize, Attempt),
    Ended(usize),
    WebhookRefused(WebhookError),
    WebhookSet,
}

pub(crate) struct Session {
    platform: Arc<Platform>,
    view: View,
    webhook: Option<String>,
    webhook_is_set: bool,
    streams: Vec<Due>,
    script: VecDeque<Command>,
    lines: Option<mpsc::Receiver<String>>,
    wait: Option<Waiting>,
    redeliver_after: Vec<Duration>,
    ends: Option<Instant>,
    /// Those that are still on their way.
    deliveries: BTreeMap<usize, Delivery>,
    tasks: JoinSet<()>,
    happened: mpsc::UnboundedReceiver<Happened>,
    tell: mpsc::UnboundedSender<Happened>,
    stats: Stats,
    counts: Counts,
}

/// A stream, and when its next event is due.
struct Due {
    stream: Stream,
    at: Instant,
}

enum Waiting {
    Until(Instant),
    Connected,
    Delivered,
}

#[derive(Default)]
struct Counts {
    pushes: usize,
    acknowledged: usize,
    given_up: usize,
    attempts: usize,
    redeliveries: usize,
}

impl Session {
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
            stats: Stats::default(),
            counts: Counts::default(),
        }
    }

    /// Runs until it is told to end.
    pub(crate) async fn run(mut self, stop: impl Future<Output = ()>) -> Result<(), Error> {
        if let Some(url) = self.webhook.clone() {
            let check = check_webhook(Arc::clone(&self.platform), url, self.tell.clone());
            self.tasks.spawn(check);
        }
        let mut stop = std::pin::pin!(stop);
        loop {
            if !self.run_script()? {
                break;
            }
            let platform = Arc::clone(&self.platform);
            let stats = self.stats;
            let (due, wait_ends) = (self.next_due(), self.wait_ends());
            tokio::select! {
                () = &mut stop => break,
                () = at(self.ends) => break,
                Some(happened) = self.happened.recv() => self.has_happened(happened)?,
                stats = platform.until(|now| *now != stats) => self.counted(stats)?,
                () = at(due) => self.push_due()?,
                () = at(wait_ends) => self.wait = None,
                line = next_line(&mut self.lines), if self.wait.is_none() => {
                    // Ctrl-D.
                    let Some(line) = line else { break };
                    self.view.typed();
                    match Command::parse(&line) {
                        Ok(command) => self.script.extend(command),
                        Err(error) => self.view.refused(&error),
                    }
                }
            }
        }
        self.end().await
    }

    /// Runs what there is to run until something has to be waited for; `false` at its end.
    fn run_script(&mut self) -> io::Result<bool> {
        let is_over = match self.wait {
            Some(Waiting::Connected) => !self.modes().is_empty(),
            Some(Waiting::Delivered) => {
                let once = |due: &Due| due.stream.every.is_none();
                self.deliveries.is_empty() && !self.streams.iter().any(once)
            }
            Some(Waiting::Until(_)) | None => false,
        };
        if is_over {
            self.wait = None;
        }
        while self.wait.is_none() {
            let Some(command) = self.script.pop_front() else {
                break;
            };
            match command {
                Command::Push(event) => {
                    let mut modes = self.modes();
                    if modes.is_empty() {
                        modes.push(self.default_mode());
                    }
                    for mode in modes {
                        self.push(&event, mode)?;
                    }
                }
                Command::Fault(fault) => fault.inject(&self.platform),
                Command::Calm => drop(self.platform.clear_faults()),
                Command::Wait(wait) => {
                    self.wait = Some(match wait {
                        Wait::For(Span(time)) => Waiting::Until(Instant::now() + time),
                        Wait::Connected => Waiting::Connected,
                        Wait::Delivered => Waiting::Delivered,
                    });
                    return self.run_script();
                }
                Command::Stats => self.show_counts("stats")?,
                Command::Events(text) => {
                    let types = crate::catalogue::all().map(|known| known.info.event_type);
                    let types: Vec<_> = types.filter(|name| name.contains(&text)).collect();
                    self.view.answer(&types.join("\n"), None)?;
                }
                Command::Help => self.view.answer(COMMANDS, None)?,
                Command::Quit => return Ok(false),
            }
        }
        self.view.settle()?;
        Ok(true)
    }

    /// The ways to the app that there are.
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

    fn push(&mut self, event: &Event, mode: Mode) -> io::Result<()> {
        let again: &[Duration] = match event.is_callback {
            true => &[],
            false => &self.redeliver_after,
        };
        let again = again.iter().copied();
        let push = self.platform.push_by(mode, event.document.clone(), again);
        self.counts.pushes += 1;
        let number = self.counts.pushes;
        let delivery = Delivery {
            number,
            event_type: event.event_type.clone(),
            event_id: push.event_id().to_owned(),
            mode,
            attempt: None,
            ended: false,
        };
        self.view.delivery(&delivery)?;
        self.deliveries.insert(number, delivery);
        self.tasks.spawn(follow(push, number, self.tell.clone()));
        Ok(())
    }

    /// When the next event of a stream is due. None is while there is nowhere to send it.
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
            let Some(every) = due.stream.every else {
                return false;
            };
            // What was missed is not made up for.
            due.at = (due.at + every).max(now);
            true
        });
        for event in events {
            for mode in &modes {
                self.push(&event, *mode)?;
            }
        }
        Ok(())
    }

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
                if let Some(delivery) = self.deliveries.get_mut(&number) {
                    let is_first = !delivery.accepted();
                    self.counts.acknowledged += usize::from(attempt.accepted() && is_first);
                    delivery.attempt = Some(attempt);
                    self.view.delivery(delivery)?;
                }
            }
            Happened::Ended(number) => {
                if let Some(mut delivery) = self.deliveries.remove(&number) {
                    self.counts.given_up += usize::from(!delivery.accepted());
                    delivery.ended = true;
                    self.view.ended(&delivery)?;
                }
            }
            Happened::WebhookSet => {
                self.webhook_is_set = true;
                self.view
                    .told("webhook-set", "the webhook has passed the URL check")?;
            }
            Happened::WebhookRefused(error @ WebhookError::InvalidUrl) => return Err(error.into()),
            Happened::WebhookRefused(error) => {
                let text = format!("the webhook is not pushed to yet: {error}");
                self.view.told("webhook-refused", &text)?;
            }
        }
        Ok(())
    }

    fn counted(&mut self, stats: Stats) -> io::Result<()> {
        let before = std::mem::replace(&mut self.stats, stats);
        if stats.connections != before.connections {
            let text = format!("long connections: {}", stats.connections);
            self.view.told("connections", &text)?;
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
                    .told("violation", &format!("against the protocol: {violation}"))?;
            }
        }
        Ok(())
    }

    fn show_counts(&mut self, kind: &str) -> io::Result<()> {
        let Counts {
            pushes,
            acknowledged,
            given_up,
            attempts,
            redeliveries,
        } = self.counts;
        let on_the_way = self.deliveries.len();
        let Stats {
            violations,
            connections,
            upgrades,
            ..
        } = self.platform.stats();
        let json = json!({
            "kind": kind, "pushes": pushes, "acknowledged": acknowledged, "given_up": given_up,
            "on_the_way": on_the_way, "attempts": attempts, "redeliveries": redeliveries,
            "connections": connections, "connected": upgrades, "violations": violations,
        });
        let mut text = format!(
            "{pushes} pushed: {acknowledged} acknowledged, {given_up} given up, {on_the_way} on the way; \
             {attempts} attempts, {redeliveries} of them redeliveries; \
             {upgrades} times connected; {violations} against the protocol"
        );
        for violation in self.platform.violations() {
            text += &format!("\n  {violation}");
        }
        self.view.answer(&text, Some(&json))
    }

    async fn end(mut self) -> Result<(), Error> {
        self.view.finish();
        self.show_counts("summary")?;
        self.tasks.shutdown().await;
        if let Some(platform) = Arc::into_inner(self.platform) {
            platform.shutdown().await;
        }
        Ok(())
    }
}

/// Until then, or for ever.
async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

/// The next line; for ever none where nobody types.
async fn next_line(lines: &mut Option<mpsc::Receiver<String>>) -> Option<String> {
    match lines {
        Some(lines) => lines.recv().await,
        None => std::future::pending().await,
    }
}

/// Tells of each attempt of a push.
async fn follow(mut push: Push, number: usize, tell: mpsc::UnboundedSender<Happened>) {
    while let Some(attempt) = push.next_attempt().await {
        // Nobody listens at the end.
        let _ = tell.send(Happened::Attempted(number, attempt));
    }
    let _ = tell.send(Happened::Ended(number));
}

/// Sets the webhook as soon as it passes the check, and tells why it does not.
async fn check_webhook(
    platform: Arc<Platform>,
    url: String,
    tell: mpsc::UnboundedSender<Happened>,
) {
    let mut last = None;
    while let Err(error) = platform.set_webhook(&url).await {
        if last.as_ref() != Some(&error) {
            last = Some(error.clone());
            let _ = tell.send(Happened::WebhookRefused(error));
        }
        sleep(CHECK_INTERVAL).await;
    }
    let _ = tell.send(Happened::WebhookSet);
}
