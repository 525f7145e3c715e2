//! What the processes have done, as a table, and whether it is right.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use lark_events::BoxError;

/// A message of a chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Message {
    pub(crate) chat: u32,
    pub(crate) number: u32,
}

/// What a process has done.
struct Process {
    name: String,
    count: usize,
    is_receiver: bool,
    is_killed: bool,
}

/// What all processes have done.
pub(crate) struct Report {
    run: u32,
    processes: Vec<Process>,
    /// The handled messages by the time at which it was, in nanoseconds: all processes have one clock.
    handled: BTreeSet<(u128, Message)>,
    /// How often each was handled.
    times: BTreeMap<Message, usize>,
}

impl Report {
    pub(crate) fn new(receivers: usize, workers: usize, run: u32) -> Self {
        let named = |role: &'static str, count| {
            (1..=count).map(move |number| Process {
                name: format!("{role} {number}"),
                count: 0,
                is_receiver: role == "receiver",
                is_killed: false,
            })
        };
        Self {
            run,
            processes: named("receiver", receivers)
                .chain(named("worker", workers))
                .collect(),
            handled: BTreeSet::new(),
            times: BTreeMap::new(),
        }
    }

    /// Adds a line that a process has printed.
    pub(crate) fn add(&mut self, (process, line): (usize, String)) {
        if !self.processes[process].is_receiver {
            let numbers: Vec<u128> = line.split(' ').flat_map(str::parse).collect();
            // Events of an earlier run are handled too, and do not count.
            let [at, run, chat, number] = numbers[..] else {
                return;
            };
            if run != u128::from(self.run) {
                return;
            }
            let message = Message {
                chat: chat as u32,
                number: number as u32,
            };
            self.handled.insert((at, message));
            *self.times.entry(message).or_default() += 1;
        }
        self.processes[process].count += 1;
    }

    pub(crate) fn killed(&mut self, process: usize) {
        self.processes[process].is_killed = true;
    }

    pub(crate) fn name(&self, process: usize) -> &str {
        &self.processes[process].name
    }

    /// The number of messages that were handled.
    pub(crate) fn handled(&self) -> usize {
        self.times.len()
    }

    /// Whether all these messages were handled.
    pub(crate) fn has_all(&self, messages: &BTreeSet<Message>) -> bool {
        messages.iter().all(|it| self.times.contains_key(it))
    }

    /// Fails if a message was handled before an earlier one of its chat. One may be handled twice: the worker was
    /// killed before the success was stored.
    pub(crate) fn check_order(&self) -> Result<(), BoxError> {
        let mut last = BTreeMap::new();
        for (_, message) in &self.handled {
            let expected = last.get(&message.chat).map_or(0, |number| number + 1);
            let is_again = message.number + 1 == expected;
            if message.number != expected && !is_again {
                let Message { chat, number } = message;
                let text = format!(
                    "chat {chat}: expected message {expected}, but message {number} was handled"
                );
                return Err(text.into());
            }
            last.insert(message.chat, message.number);
        }
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<12} {:>8} {:>8}", "process", "received", "handled")?;
        for process in &self.processes {
            let count = process.count.to_string();
            let (received, handled) = if process.is_receiver {
                (&*count, "")
            } else {
                ("", &*count)
            };
            let killed = if process.is_killed { "  killed" } else { "" };
            let row = format!("{:<12} {received:>8} {handled:>8}{killed}", process.name);
            writeln!(f, "{}", row.trim_end())?;
        }
        let sum = |of_receivers| {
            let processes = self.processes.iter();
            let processes = processes.filter(|it| it.is_receiver == of_receivers);
            processes.map(|it| it.count).sum::<usize>()
        };
        writeln!(f, "{:<12} {:>8} {:>8}", "all", sum(true), sum(false))?;
        let twice = self.times.values().filter(|times| **times > 1).count();
        writeln!(
            f,
            "{} messages were handled, {twice} of them twice, because a kill came before the success was stored",
            self.handled()
        )
    }
}
