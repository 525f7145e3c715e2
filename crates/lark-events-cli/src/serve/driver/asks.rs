//! Changes that the console asks for, and the commands that do the same or answer with what the console shows.

use std::io;
use std::time::SystemTime;

use lark_events_sim::InjectedFault;
use serde_json::json;

use super::Driver;
use crate::serve::control::Ask;
use crate::serve::fault::Named;
use crate::serve::show::show;

impl Driver {
    /// Makes a change. Its result has no reader if the console's client has gone.
    pub(super) fn asked(&mut self, ask: Ask) -> io::Result<()> {
        match ask {
            Ask::Push(event, mode, reply) => {
                let numbers = match mode {
                    Some(mode) => vec![self.push(&event, mode)?],
                    None => self.push_on_each(&event)?,
                };
                let _ = reply.send(numbers);
            }
            Ask::Resend(number, ids, reply) => drop(reply.send(self.resend(number, ids)?)),
            Ask::Forward(event, answered) => self.forward(&event, answered)?,
            Ask::Notice(kind, text) => self.view.notice(kind, &text)?,
            Ask::Inject(fault, reply) => {
                self.inject(fault);
                let _ = reply.send(());
            }
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

    pub(super) fn inject(&mut self, fault: Named) {
        fault.inject(&self.platform);
        self.faults_changed();
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
        let faults = self.platform.faults();
        let is_it =
            |one: &&InjectedFault| (one.fault, one.probability) == (fault.fault, fault.probability);
        let Some(found) = faults.iter().find(is_it) else {
            let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
            let of = match faults.is_empty() {
                true => "no fault is in effect".to_owned(),
                false => format!("expected one of {}", faults.join(", ")),
            };
            return Err(format!("cannot remove the fault: {of}"));
        };
        self.platform.remove_fault(found);
        self.faults_changed();
        Ok(())
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
            Some(probability) => format!("{}: with probability {probability}", fault.fault),
            None => format!("{}: once", fault.fault),
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
        self.view.answer(&text, Some(&json))
    }

    /// Answers `show`.
    pub(super) fn show(&mut self, number: usize) -> io::Result<()> {
        let Some(delivery) = self.history.delivery(number) else {
            let error = self.unknown(number);
            return self.view.refused(&error);
        };
        let (secrets, calls) = (&self.secrets, self.history.calls());
        let hide = |text: &str| {
            let secrets = secrets.iter();
            secrets.fold(text.to_owned(), |text, secret| text.replace(secret, "***"))
        };
        let (text, json) = show(&delivery, &calls, SystemTime::now(), hide);
        self.view.answer(&text, Some(&json))
    }
}
