//! Changes that the console asks for.

use std::io;

use super::Driver;
use crate::serve::control::Ask;
use crate::serve::fault::Named;

impl Driver {
    /// Makes a change. Its result has no reader if the console's client has gone.
    pub(super) fn asked(&mut self, ask: Ask) -> io::Result<()> {
        match ask {
            Ask::Push(event, reply) => drop(reply.send(self.push_on_each(&event)?)),
            Ask::Resend(number, ids, reply) => drop(reply.send(self.resend(number, ids)?)),
            Ask::Inject(fault, reply) => drop(reply.send(self.inject(fault)?)),
            Ask::Remove(fault, reply) => {
                let is_removed = self.platform.remove_fault(&fault);
                self.faults_changed()?;
                let _ = reply.send(is_removed);
            }
            Ask::Calm(reply) => drop(reply.send(self.calm()?)),
        }
        Ok(())
    }

    pub(super) fn inject(&mut self, fault: Named) -> io::Result<()> {
        fault.inject(&self.platform);
        self.faults_changed()
    }

    pub(super) fn calm(&mut self) -> io::Result<()> {
        drop(self.platform.clear_faults());
        self.faults_changed()
    }

    /// Shows the faults that are in effect now.
    pub(super) fn faults_changed(&mut self) -> io::Result<()> {
        self.history.touch();
        Ok(())
    }
}
