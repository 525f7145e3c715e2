//! Changes that the console asks for, and the commands that do the same or answer with what the console shows.

use std::io;
use std::time::SystemTime;

use serde_json::json;

use super::Driver;
use crate::serve::control::{Ask, AskError};
use crate::serve::fault::Named;
use crate::serve::show::show;

/// The most faults in effect: each attempt looks through them, and lists show all.
pub(super) const MAX_FAULTS: usize = 1000;

impl Driver {
    /// Makes a change. Its result has no reader if the console's client has gone.
    pub(super) fn asked(&mut self, ask: Ask) -> io::Result<()> {
        match ask {
            Ask::Push(event, mode, reply) => {
                let pushed = match (mode, self.room()) {
                    (_, Err(full)) => Err(full),
                    (Some(mode), _) => Ok(vec![self.push(&event, mode)?]),
                    (None, _) => self.push_on_each(&event)?,
                };
                let _ = reply.send(pushed);
            }
            Ask::Resend(number, ids, reply) => drop(reply.send(self.resend(number, ids)?)),
            Ask::Forward(event, answered) => self.forward(&event, answered)?,
            Ask::Notice(kind, text) => self.view.notice(kind, &text)?,
            Ask::Inject(fault, reply) => drop(reply.send(self.inject(fault))),
            Ask::Remove(fault, reply) => {
                let is_removed = self.platform.remove_fault(&fault);
                self.faults_changed();
                let _ = reply.send(is_removed);
            }
            Ask::Calm(reply) => {
                self.calm();
                let _ = reply.send(());
            }
        }
        Ok(())
    }

    /// Injects a fault.
    ///
    /// # Errors
    ///
    /// If too many are in effect.
    pub(super) fn inject(&mut self, fault: Named) -> Result<(), AskError> {
        if self.platform.faults().len() >= MAX_FAULTS {
            let text = format!(
                "cannot inject the fault: at most {MAX_FAULTS} can be in effect; remove some first, with calm or \
                 on the page of faults"
            );
            return Err(AskError::Full(text));
        }
        fault.inject(&self.platform);
        self.faults_changed();
        Ok(())
    }

    pub(super) fn calm(&mut self) {
        drop(self.platform.clear_faults());
        self.faults_changed();
    }

    /// Removes one fault.
    ///
    /// # Errors
    ///
    /// If it is not in effect.
    pub(super) fn calm_one(&mut self, fault: Named) -> Result<(), String> {
        if self.platform.remove_fault(&fault.into()) {
            self.faults_changed();
            return Ok(());
        }
        let faults = self.platform.faults();
        let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
        let of = match faults.is_empty() {
            true => "no fault is in effect".to_owned(),
            false => format!("expected one of {}", faults.join(", ")),
        };
        Err(format!("cannot remove the fault: {of}"))
    }

    /// Shows the faults that are in effect now.
    pub(super) fn faults_changed(&mut self) {
        self.view.faults(&self.platform.faults());
        self.history.touch();
    }

    /// Answers `faults`.
    pub(super) fn show_faults(&mut self) -> io::Result<()> {
        let faults = self.platform.faults();
        let lines = faults.iter().map(|fault| match fault.probability {
            Some(probability) => {
                format!("{fault}: at each opportunity, with probability {probability}")
            }
            None => format!("{fault}: once"),
        });
        let lines: Vec<_> = lines.collect();
        let text = match lines.is_empty() {
            true => "no fault is in effect".to_owned(),
            false => lines.join("\n"),
        };
        let faults = faults.iter().map(|one| {
            json!({
                "fault": one.to_string(), "name": one.fault.to_string(), "probability": one.probability,
            })
        });
        let json = json!({"kind": "faults", "faults": faults.collect::<Vec<_>>()});
        self.view.answer(&text, &json)
    }

    /// Answers `show`.
    pub(super) fn show(&mut self, number: usize) -> io::Result<()> {
        let Some(delivery) = self.history.delivery(number) else {
            let error = self.unknown(number);
            return self.refused(&format!("show {number}"), &error);
        };
        let calls = self.history.calls();
        let (text, json) = show(&delivery, &calls, SystemTime::now(), &self.masks);
        self.view.answer(&text, &json)
    }
}
