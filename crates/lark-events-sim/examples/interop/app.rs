//! The apps: child processes that use an SDK, and print a line of JSON for each event and reply.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

use lark_events::BoxError;
use serde_json::Value;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// An installed SDK.
pub(crate) struct Sdk {
    pub(crate) name: &'static str,
    /// The folder of the apps `long_connection` and `webhook`.
    apps: PathBuf,
    folder: PathBuf,
}

impl Sdk {
    pub(crate) fn python(apps: &Path, folder: PathBuf) -> Self {
        Self {
            name: "python",
            apps: apps.to_owned(),
            folder,
        }
    }

    pub(crate) fn node(apps: &Path, folder: PathBuf) -> Self {
        Self {
            name: "node",
            apps: apps.to_owned(),
            folder,
        }
    }

    pub(crate) fn is_node(&self) -> bool {
        self.name == "node"
    }

    /// A file beside the folder of the installation.
    pub(crate) fn file(&self, extension: &str) -> PathBuf {
        self.folder.with_extension(extension)
    }

    fn command(&self, app: &str) -> Command {
        let app = self.apps.join(app);
        if self.is_node() {
            let mut command = Command::new("node");
            command.arg(app.with_extension("mjs"));
            command.env("SDK_FOLDER", &self.folder);
            return command;
        }
        let mut command = Command::new(self.folder.join("bin/python"));
        command.arg(app.with_extension("py"));
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        command
    }
}

/// A running app. Dropping it ends the process.
pub(crate) struct App {
    process: Child,
    happened: UnboundedReceiver<Value>,
}

impl App {
    /// Starts an app with its settings as environment variables. Its log goes to a file.
    pub(crate) fn start(sdk: &Sdk, app: &str, settings: &[(&str, &str)]) -> Result<Self, BoxError> {
        let mut options = OpenOptions::new();
        let log = options.create(true).append(true).open(sdk.file("log"))?;
        let mut process = sdk
            .command(app)
            .envs(settings.iter().copied())
            .envs([("NO_PROXY", "127.0.0.1"), ("no_proxy", "127.0.0.1")])
            // The app exits when this pipe closes, which also happens if this process is killed.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log.try_clone()?)
            .spawn()?;
        let stdout = process.stdout.take().ok_or("no stdout")?;
        let (sender, happened) = unbounded_channel();
        thread::spawn(move || read(stdout, &sender, log));
        Ok(Self { process, happened })
    }

    async fn next(&mut self) -> Result<Value, BoxError> {
        Ok(self.happened.recv().await.ok_or("the app ended")?)
    }

    /// Waits for a line of this kind.
    pub(crate) async fn until(&mut self, what: &str) -> Result<Value, BoxError> {
        loop {
            let happened = self.next().await?;
            if happened["happened"] == what {
                return Ok(happened);
            }
        }
    }

    /// Waits until the app has handled an event. Returns its line, and the lines before it.
    pub(crate) async fn until_event(
        &mut self,
        event_id: &str,
    ) -> Result<(Value, Vec<Value>), BoxError> {
        let mut before = Vec::new();
        loop {
            let happened = self.next().await?;
            if happened["happened"] == "event" && happened["event_id"] == event_id {
                return Ok((happened, before));
            }
            before.push(happened);
        }
    }
}

impl Drop for App {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Reads what an app prints, until it ends.
fn read(stdout: impl Read, happened: &UnboundedSender<Value>, mut log: File) {
    for line in BufReader::new(stdout).lines() {
        let Ok(line) = line else { return };
        match serde_json::from_str(&line) {
            Ok(value @ Value::Object(_)) => drop(happened.send(value)),
            // The SDKs log to stdout.
            _ => drop(writeln!(log, "{line}")),
        }
    }
}
