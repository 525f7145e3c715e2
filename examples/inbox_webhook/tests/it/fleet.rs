//! Two receivers and two workers, as processes that are killed and started again.

use std::io;
use std::pin::pin;
use std::process::{Command, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tokio::time::timeout;

use crate::printed::{Line, Running, reading};
use crate::process::{example, free_port, listening, with_settings};

const RECEIVERS: usize = 2;
const WORKERS: usize = 2;
/// A dead process's events are handled after this.
const LEASE_MS: u32 = 400;
const HANDLER_MS: u32 = 2;
/// How often processes are looked at that may have ended.
pub(crate) const LOOK: Duration = Duration::from_millis(100);

/// The processes of an app.
pub(crate) struct Fleet {
    pub(crate) ports: Vec<u16>,
    commands: Vec<Command>,
    running: Vec<Running>,
    lines: UnboundedSender<Line>,
    /// Of all processes, so that the order of their lines is that in which they were printed.
    reading: JoinHandle<()>,
}

impl Fleet {
    /// Waits until the receivers listen. The settings are in addition to those of all stores.
    pub(crate) async fn start(
        inbox: &str,
        settings: &[(&str, &str)],
        lines: UnboundedSender<Line>,
    ) -> Self {
        let ports: Vec<_> = (0..RECEIVERS).map(|_| free_port()).collect();
        let (reader, writer) = io::pipe().unwrap();
        let command = |role, port| {
            let mut command = command(role, port, inbox);
            command.envs(settings.iter().copied());
            command.stdout(writer.try_clone().unwrap());
            command
        };
        let receivers = ports.iter().map(|port| command("receive", *port));
        let workers = (0..WORKERS).map(|_| command("work", 0));
        let mut commands: Vec<_> = receivers.chain(workers).collect();
        let start = |command| Running::start(command, lines.clone());
        let running = commands.iter_mut().map(start).collect();
        let mut fleet = Self {
            ports: ports.clone(),
            commands,
            running,
            reading: reading(reader, lines.clone()),
            lines,
        };
        let mut listening = pin!(async {
            for port in &ports {
                listening(*port).await;
            }
        });
        while timeout(LOOK, &mut listening).await.is_err() {
            fleet.revive();
        }
        fleet
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

    #[cfg(feature = "nats")]
    pub(crate) fn all_run(&mut self) -> bool {
        !self.running.iter_mut().any(Running::has_ended)
    }

    fn start_again(&mut self, one: usize) {
        // The port of a receiver must be free.
        self.running.remove(one).kill();
        let again = Running::start(&mut self.commands[one], self.lines.clone());
        self.running.insert(one, again);
    }

    /// Lets each process finish. Ends when all that they have printed is read.
    pub(crate) fn stop(self) {
        for process in self.running {
            process.stop();
        }
        drop(self.commands);
        self.reading.join().unwrap();
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
