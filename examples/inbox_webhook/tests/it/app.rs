//! An app of several processes under load: what is sent to it, and what it prints.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lark_events_sim::Platform;
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::time::timeout;

use crate::balancer::Balancer;
use crate::fleet::{Fleet, LOOK};
use crate::load::{Acknowledged, Load, Sent, patient};
use crate::printed::{Line, Printed};
use crate::process::{PATIENCE, platform};

/// A running app, and the senders of its events.
pub(crate) struct App {
    pub(crate) fleet: Fleet,
    pub(crate) platform: Arc<Platform>,
    pub(crate) acknowledged: Arc<Acknowledged>,
    killed_receivers: usize,
    killed_workers: usize,
    /// `None` once it has stopped.
    load: Option<Load>,
    _balancer: Balancer,
    printed: Printed,
    lines: UnboundedReceiver<Line>,
}

impl App {
    /// Starts the processes with a store, and senders that pause before each event.
    pub(crate) async fn start(inbox: &str, settings: &[(&str, &str)], pause: Duration) -> Self {
        let (sender, lines) = mpsc::unbounded_channel();
        let fleet = Fleet::start(inbox, settings, sender).await;
        let balancer = Balancer::start(fleet.ports.clone()).await;
        let platform = patient(platform(balancer.port)).start().await.unwrap();
        let platform = Arc::new(platform);
        let load = Load::paced(&platform, pause);
        Self {
            fleet,
            platform,
            acknowledged: Arc::clone(&load.acknowledged),
            killed_receivers: 0,
            killed_workers: 0,
            load: Some(load),
            _balancer: balancer,
            printed: Printed::default(),
            lines,
        }
    }

    /// Waits until a worker has handled an event.
    async fn next(&mut self, look: &mut impl FnMut()) {
        let began = Instant::now();
        loop {
            look();
            if let Ok(line) = timeout(LOOK, self.lines.recv()).await {
                return self.printed.add(line.unwrap());
            }
            self.fleet.revive();
            assert!(began.elapsed() < PATIENCE, "the workers handle events");
        }
    }

    /// Waits until the workers have handled 1 to `max` events. Calls `look` again and again meanwhile.
    pub(crate) async fn some_lines(&mut self, max: usize, mut look: impl FnMut()) {
        for _ in 0..fastrand::usize(1..=max) {
            self.next(&mut look).await;
        }
    }

    /// Kills one of the processes and starts it again.
    pub(crate) fn kill(&mut self) {
        if self.fleet.kill_one() {
            self.killed_receivers += 1;
        } else {
            self.killed_workers += 1;
        }
    }

    pub(crate) fn kills(&self) -> usize {
        self.killed_receivers + self.killed_workers
    }

    /// Stops the senders once their last events are acknowledged.
    pub(crate) async fn stop_load(&mut self) -> Sent {
        let mut stopping = pin!(self.load.take().unwrap().stop());
        loop {
            match timeout(LOOK, &mut stopping).await {
                Ok(sent) => return sent,
                Err(_) => self.fleet.revive(),
            }
        }
    }

    /// Waits until all events are handled.
    pub(crate) async fn handle_all(&mut self, sent: &Sent) {
        while self.printed.times.len() < sent.all.len() {
            self.next(&mut || ()).await;
        }
    }

    /// The facts of a run, with the version of the store and the failures other than those of processes.
    pub(crate) fn table(
        &self,
        (store, version): (&str, String),
        failed: &[(&str, usize)],
        sent: &Sent,
        took: Duration,
    ) -> String {
        let count = |name, count: usize| (name, count.to_string());
        let pause = self.acknowledged.longest_pause();
        let mut rows = vec![
            (store, version),
            count("kills of receivers", self.killed_receivers),
            count("kills of workers", self.killed_workers),
        ];
        rows.extend(failed.iter().map(|(name, failed)| count(name, *failed)));
        rows.extend([
            count("acknowledged", sent.all.len()),
            count("handled", self.printed.times.len()),
            count("handled again", self.printed.again()),
            (
                "longest time without an acknowledgement",
                format!("{pause:.1?}"),
            ),
            ("time", format!("{took:.1?}")),
        ]);
        let rows = rows.into_iter();
        rows.map(|(name, value)| format!("{name:<40}{value:>10}\n"))
            .collect()
    }

    /// Stops the processes, and checks that each event was handled, in the order of its chat. Returns what they
    /// have printed.
    pub(crate) fn check(mut self, sent: &Sent) -> Printed {
        self.fleet.stop();
        while let Ok(line) = self.lines.try_recv() {
            self.printed.add(line);
        }
        self.printed.check(sent);
        self.printed
    }
}
