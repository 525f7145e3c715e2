//! Processes of the example that are killed, and the lines that they print.

use std::collections::{HashMap, HashSet};
use std::io::{BufRead as _, BufReader, Read};
use std::process::Command;
use std::thread::{self, JoinHandle};

use serde_json::Value;
use tokio::sync::mpsc::UnboundedSender;

use crate::load::Sent;
use crate::process::Process;

/// A line that a process prints: a handler has succeeded.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) event_id: String,
    pub(crate) lane: String,
    pub(crate) attempt: u64,
}

impl Line {
    /// `None` if it is cut short: then the handler did not succeed.
    fn parse(line: &str) -> Option<Self> {
        let line: Value = serde_json::from_str(line).ok()?;
        let text = |name: &str| Some(line[name].as_str()?.to_owned());
        Some(Self {
            event_id: text("event_id")?,
            lane: text("lane")?,
            attempt: line["attempt"].as_u64()?,
        })
    }
}

/// Reads the lines of one process, or of several that print to one pipe: then in the order in which they were printed.
pub(crate) fn reading(
    from: impl Read + Send + 'static,
    to: UnboundedSender<Line>,
) -> JoinHandle<()> {
    let lines = BufReader::new(from).lines();
    thread::spawn(move || {
        let printed = lines.filter_map(|line| Line::parse(&line.unwrap()));
        printed.for_each(|line| drop(to.send(line)));
    })
}

/// A process that prints lines.
pub(crate) struct Running {
    process: Process,
    /// Unless it prints to a pipe with others.
    reading: Option<JoinHandle<()>>,
}

impl Running {
    pub(crate) fn start(command: &mut Command, lines: UnboundedSender<Line>) -> Self {
        let mut process = Process(command.spawn().unwrap());
        let stdout = process.0.stdout.take();
        let reading = stdout.map(|stdout| reading(stdout, lines));
        Self { process, reading }
    }

    /// Ends when all that it has printed is read.
    pub(crate) fn kill(self) {
        drop(self.process);
        if let Some(reading) = self.reading {
            reading.join().unwrap();
        }
    }

    #[cfg(any(feature = "nats", feature = "postgres"))]
    pub(crate) fn has_ended(&mut self) -> bool {
        self.process.0.try_wait().unwrap().is_some()
    }

    pub(crate) fn stop(mut self) {
        self.process.terminate();
        assert_eq!(self.process.0.wait().unwrap().code(), Some(0));
        if let Some(reading) = self.reading {
            reading.join().unwrap();
        }
    }
}

/// What the processes have printed.
#[derive(Default)]
pub(crate) struct Printed {
    pub(crate) lines: Vec<Line>,
    pub(crate) times: HashMap<String, usize>,
}

impl Printed {
    pub(crate) fn add(&mut self, line: Line) {
        *self.times.entry(line.event_id.clone()).or_default() += 1;
        self.lines.push(line);
    }

    /// The number of times that an event was handled again.
    pub(crate) fn again(&self) -> usize {
        self.lines.len() - self.times.len()
    }

    /// The number of lines with an event and an attempt that another line has.
    pub(crate) fn repeated_attempts(&self) -> usize {
        let attempts = self.lines.iter();
        let attempts: HashSet<_> = attempts
            .map(|line| (&line.event_id, line.attempt))
            .collect();
        self.lines.len() - attempts.len()
    }

    /// The events of a lane in the order in which they were first handled.
    fn first(&self, lane: &str) -> Vec<&str> {
        let mut seen = HashSet::new();
        let of_lane = self.lines.iter().filter(|line| line.lane == lane);
        let ids = of_lane.map(|line| &*line.event_id);
        ids.filter(|event_id| seen.insert(*event_id)).collect()
    }

    /// The lines of a lane around the first one of an event.
    fn around(&self, event_id: &str) -> Vec<&Line> {
        let place = self.lines.iter().position(|line| line.event_id == event_id);
        let Some(place) = place else {
            return Vec::new();
        };
        let lane = &self.lines[place].lane;
        let is_near = |at: usize| at.abs_diff(place) < 2_000;
        let lines = self.lines.iter().enumerate();
        let lines = lines.filter(|(at, line)| line.lane == *lane && is_near(*at));
        lines.map(|(_, line)| line).collect()
    }

    /// Checks that each event was handled, in the order of its chat.
    pub(crate) fn check(&self, sent: &Sent) {
        let handled: HashSet<_> = self.times.keys().cloned().collect();
        let lost: Vec<_> = sent.all.difference(&handled).collect();
        assert!(lost.is_empty(), "acknowledged, but never handled: {lost:?}");
        assert_eq!(handled, sent.all, "handled, but never sent");
        for (chat, ids) in &sent.chats {
            let first = self.first(chat);
            let mut pairs = first.iter().zip(ids);
            let wrong = pairs.find(|(first, id)| *first != id);
            assert!(
                wrong.is_none() && first.len() == ids.len(),
                "not in the order of the chat: {:#?}",
                self.around(wrong.map_or("", |(first, _)| first)),
            );
        }
    }
}
