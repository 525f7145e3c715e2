//! A server that does not answer although it runs.

use std::process::id;
use std::sync::atomic::Ordering;

use crate::process::{Server, children, signal, wait_until};

impl Server {
    /// Stops the process until [`thaw`](Self::thaw). Its connections stay open, and nothing answers.
    pub(crate) fn freeze(&self) -> Result<(), String> {
        let number = self.number();
        let number = number.ok_or("the server does not run: restart it first")?;
        self.is_frozen.store(true, Ordering::SeqCst);
        signal("STOP", &[number])?;
        let mut failed = None;
        let is_stopped = wait_until(|| match children(id()) {
            Ok(children) => children
                .iter()
                .any(|it| it.number == number && it.is_stopped()),
            Err(error) => {
                failed = Some(error);
                true
            }
        });
        match failed {
            Some(error) => Err(error),
            None if is_stopped => Ok(()),
            None => Err(self.error("the process is not stopped by SIGSTOP")),
        }
    }

    /// Ends a [`freeze`](Self::freeze).
    pub(crate) fn thaw(&self) -> Result<(), String> {
        match self.number() {
            Some(number) if self.is_frozen.swap(false, Ordering::SeqCst) => {
                signal("CONT", &[number])
            }
            _ => Ok(()),
        }
    }

    /// Whether it runs and is not frozen.
    pub(crate) fn is_running(&self) -> bool {
        self.number().is_some() && !self.is_frozen.load(Ordering::SeqCst)
    }
}
