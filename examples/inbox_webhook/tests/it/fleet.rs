//! Two receivers and two workers, as processes that are killed and started again.

use std::process::{Command, Stdio};

use tokio::sync::mpsc::UnboundedSender;

use crate::printed::{Line, Running};
use crate::process::{example, free_port, listening, with_settings};

const RECEIVERS: usize = 2;
const WORKERS: usize = 2;
/// A dead process's events are handled after this.
const LEASE_MS: u32 = 400;
const HANDLER_MS: u32 = 2;

/// The processes of an app.
pub(crate) struct Fleet {
    pub(crate) ports: Vec<u16>,
    commands: Vec<Command>,
    running: Vec<Running>,
    lines: UnboundedSender<Line>,
}

impl Fleet {
    /// Waits until the receivers listen.
    pub(crate) async fn start(inbox: &str, lines: UnboundedSender<Line>) -> Self {
        let ports: Vec<_> = (0..RECEIVERS).map(|_| free_port()).collect();
        let receivers = ports.iter().map(|port| command("receive", *port, inbox));
        let workers = (0..WORKERS).map(|_| command("work", 0, inbox));
        let mut commands: Vec<_> = receivers.chain(workers).collect();
        let start = |command| Running::start(command, lines.clone());
        let running = commands.iter_mut().map(start).collect();
        for port in &ports {
            listening(*port).await;
        }
        Self {
            ports,
            commands,
            running,
            lines,
        }
    }

    /// Kills a process and starts it again. Returns whether it was a receiver.
    pub(crate) fn kill_one(&mut self) -> bool {
        let one = fastrand::usize(..self.running.len());
        self.start_again(one);
        one < RECEIVERS
    }

    /// Starts the processes again that have ended, because the server was away when they started.
    pub(crate) fn revive(&mut self) {
        for one in 0..self.running.len() {
            if self.running[one].has_ended() {
                self.start_again(one);
            }
        }
    }

    fn start_again(&mut self, one: usize) {
        // The port of a receiver must be free.
        self.running.remove(one).kill();
        let again = Running::start(&mut self.commands[one], self.lines.clone());
        self.running.insert(one, again);
    }

    /// Lets each process finish.
    pub(crate) fn stop(self) {
        for process in self.running {
            process.stop();
        }
    }
}

fn command(role: &str, port: u16, inbox: &str) -> Command {
    let mut command = example();
    with_settings(&mut command, port, inbox)
        .env("ROLE", role)
        .env("HANDLER_MS", HANDLER_MS.to_string())
        .env("LEASE_MS", LEASE_MS.to_string())
        .stderr(Stdio::null());
    command
}
