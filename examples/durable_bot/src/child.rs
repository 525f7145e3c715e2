//! The bot as a child process.

use std::io;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinHandle;

/// A running bot, which is killed when this is dropped.
pub(crate) struct Child {
    child: tokio::process::Child,
    reading: JoinHandle<()>,
}

impl Child {
    /// Starts the bot. The id of each message that it has handled goes to `handled`.
    pub(crate) fn start(
        port: u16,
        file: &str,
        handled: UnboundedSender<String>,
    ) -> io::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["bot", &port.to_string(), file])
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let stdout = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let reading = tokio::spawn(async move {
            let mut lines = BufReader::new(stdout).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                // The receiver is gone only at the end.
                let _ = handled.send(line);
            }
        });
        Ok(Self { child, reading })
    }

    /// Kills it with SIGKILL, and reads what it has printed.
    pub(crate) async fn kill(mut self) -> io::Result<()> {
        self.child.kill().await?;
        self.reading.await.map_err(io::Error::other)
    }
}
