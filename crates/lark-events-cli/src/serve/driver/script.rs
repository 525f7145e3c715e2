//! Runs commands until one of them waits.

use std::io;

use lark_events_sim::Span;
use serde_json::json;
use tokio::time::Instant;

use super::Driver;
use crate::events::Pattern;
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
            let goes_on = self.obey(command)?;
            self.from_file = self.from_file.saturating_sub(1);
            if !goes_on {
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
            Command::Push(event) => match self.push_on_each(&event)? {
                Ok(numbers) => {
                    for number in numbers {
                        self.view.pushed(number, None)?;
                    }
                }
                Err(error) => {
                    let command = format!("push {}", event.event_type);
                    self.refused(&command, &error.to_string())?;
                }
            },
            Command::Show(number) => self.show(number)?,
            Command::Resend(of, ids) => match self.resend(of, ids)? {
                Ok(number) => self.view.pushed(number, Some(of))?,
                Err(error) => self.refused(&format!("resend {of} {ids}"), &error.to_string())?,
            },
            Command::Fault(fault) => {
                if let Err(error) = self.inject(fault) {
                    self.refused(&format!("fault {fault}"), &error.to_string())?;
                }
            }
            Command::Faults => self.show_faults()?,
            Command::Calm(None) => self.calm(),
            Command::Calm(Some(fault)) => {
                if let Err(error) = self.calm_one(fault) {
                    self.refused(&format!("calm {fault}"), &error)?;
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
            Command::Events(text) => {
                let pattern = Pattern::new(&text);
                let found = crate::catalogue::all().filter(|known| pattern.matches(known));
                let types: Vec<_> = found.map(|known| known.info.event_type).collect();
                let lines = match types.is_empty() {
                    true => format!("no event matches {text}"),
                    false => types.join("\n"),
                };
                let json = json!({"kind": "events", "event_types": types});
                self.view.answer(&lines, &json)?;
            }
            Command::Help => {
                let json = json!({"kind": "help", "text": COMMANDS});
                self.view.answer(COMMANDS, &json)?;
            }
            Command::Quit => return Ok(false),
        }
        Ok(true)
    }

    /// Prints why a command fails.
    pub(super) fn refused(&mut self, command: &str, error: &str) -> io::Result<()> {
        let is_typed = self.lines.as_ref().is_some_and(|lines| lines.are_typed);
        self.has_failed |= self.from_file > 0 || !is_typed;
        self.view.refused(command, error)
    }
}
