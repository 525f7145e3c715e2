//! Runs commands until one of them waits.

use std::io;

use lark_events_sim::Span;
use tokio::time::Instant;

use super::Driver;
use crate::serve::command::{COMMANDS, Command, Wait};
use crate::serve::due::Due;

pub(super) enum Waiting {
    Until(Instant),
    Connected,
    Delivered,
}

impl Driver {
    /// Runs commands until one of them waits; `false` after `quit`.
    pub(super) fn run_script(&mut self) -> io::Result<bool> {
        loop {
            if self.wait.is_some() && !self.wait_is_over() {
                break;
            }
            self.wait = None;
            let Some(command) = self.script.pop_front() else {
                break;
            };
            if !self.obey(command)? {
                return Ok(false);
            }
        }
        if self.wait.is_none() {
            self.view.waits(None)?;
        }
        self.view.settle()?;
        Ok(true)
    }

    fn wait_is_over(&self) -> bool {
        match self.wait {
            Some(Waiting::Until(moment)) => moment <= Instant::now(),
            Some(Waiting::Connected) => !self.modes().is_empty(),
            Some(Waiting::Delivered) => {
                let once = |due: &Due| due.stream.every.is_none();
                self.deliveries.is_empty() && !self.streams.iter().any(once)
            }
            None => true,
        }
    }

    /// Runs a command; `false` after `quit`.
    fn obey(&mut self, command: Command) -> io::Result<bool> {
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
                self.view.waits(Some(format!("waiting for {wait}")))?;
                self.wait = Some(match wait {
                    Wait::For(Span(time)) => Waiting::Until(Instant::now() + time),
                    Wait::Connected => Waiting::Connected,
                    Wait::Delivered => Waiting::Delivered,
                });
            }
            Command::Stats => self.show_counts("stats")?,
            Command::Events(search) => {
                let found = crate::catalogue::all().filter(|known| search.matches(known));
                let types: Vec<_> = found.map(|known| known.info.event_type).collect();
                self.view.answer(&types.join("\n"), None)?;
            }
            Command::Help => self.view.answer(COMMANDS, None)?,
            Command::Quit => return Ok(false),
        }
        Ok(true)
    }
}
