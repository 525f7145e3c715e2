//! This program as a child process, in one of its roles.

use std::io;
use std::net::SocketAddr;
use std::process::Stdio;

use lark_events::BoxError;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{ChildStdout, Command};
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinHandle;

use crate::VARIABLE;

/// Where the lines of all children go, with the number of the child.
type Printed = UnboundedSender<(usize, String)>;

/// A running child, which is killed when this is dropped.
pub(crate) struct Child {
    child: tokio::process::Child,
    reading: Option<JoinHandle<()>>,
}

impl Child {
    /// Starts a receiver. Returns its address too.
    pub(crate) async fn receiver(
        number: usize,
        url: &str,
        printed: Printed,
    ) -> Result<(Self, SocketAddr), BoxError> {
        let (child, mut lines) = start("receiver", url)?;
        let address = lines.next_line().await?.ok_or("a receiver did not start")?;
        Ok((Self::read(child, number, lines, printed), address.parse()?))
    }

    /// Starts a worker.
    pub(crate) fn worker(number: usize, url: &str, printed: Printed) -> io::Result<Self> {
        let (child, lines) = start("worker", url)?;
        Ok(Self::read(child, number, lines, printed))
    }

    fn read(
        child: tokio::process::Child,
        number: usize,
        mut lines: Lines<BufReader<ChildStdout>>,
        printed: Printed,
    ) -> Self {
        let reading = tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                // The receiver is gone only at the end.
                let _ = printed.send((number, line));
            }
        });
        Self {
            child,
            reading: Some(reading),
        }
    }

    /// Kills it with SIGKILL, and reads what it has printed. Does nothing the second time.
    pub(crate) async fn kill(&mut self) -> io::Result<()> {
        if let Some(reading) = self.reading.take() {
            self.child.kill().await?;
            reading.await.map_err(io::Error::other)?;
        }
        Ok(())
    }
}

fn start(
    role: &str,
    url: &str,
) -> io::Result<(tokio::process::Child, Lines<BufReader<ChildStdout>>)> {
    let mut child = Command::new(std::env::current_exe()?)
        .arg(role)
        .env(VARIABLE, url)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let stdout = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
    Ok((child, BufReader::new(stdout).lines()))
}
