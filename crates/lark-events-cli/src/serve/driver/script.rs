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
            self.view.waits(None);
        }
        Ok(true)
    }

    fn wait_is_over(&self) -> bool {
        match self.wait {
            Some(Waiting::Until(moment)) => moment <= Instant::now(),
            Some(Waiting::Connected) => !self.modes().is_empty(),
            Some(Waiting::Delivered) => {
                let once = |due: &Due| due.stream.every.is_none();
                self.history.running() == 0 && !self.streams.iter().any(once)
            }
            None => true,
        }
    }

    /// Runs a command; `false` after `quit`.
    fn obey(&mut self, command: Command) -> io::Result<bool> {
        match command {
            Command::Push(event) => {
                if let Err(error) = self.push_on_each(&event)? {
                    self.view.refused(&error.to_string())?;
                }
            }
            Command::Show(number) => self.show(number)?,
            Command::Resend(number, ids) => {
                if let Err(error) = self.resend(number, ids)? {
                    self.view.refused(&error.to_string())?;
                }
            }
            Command::Fault(fault) => {
                if let Err(error) = self.inject(fault) {
                    self.view.refused(&error.to_string())?;
                }
            }
            Command::Faults => self.show_faults()?,
            Command::Calm(None) => self.calm(),
            Command::Calm(Some(fault)) => {
                if let Err(error) = self.calm_one(fault) {
                    self.view.refused(&error)?;
                }
            }
            Command::Wait(wait) => {
                self.view.waits(Some(format!("waiting for {wait}")));
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
