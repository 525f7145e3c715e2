//! The bot's process, and its log.

use std::cell::RefCell;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

pub(crate) const APP_ID: &str = "cli_a1b2c3d4e5f60718";
pub(crate) const SECRET: &str = "marked-app-secret";
pub(crate) const KEY: &str = "marked-encrypt-key";
pub(crate) const TOKEN: &str = "marked-verification-token";

/// Longer than anything here takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Bot {
    process: Child,
    /// Its lines on stderr, read at once, so that logging never waits for a test.
    lines: mpsc::Receiver<String>,
    log: RefCell<Vec<String>>,
    url: String,
}

/// The program with its settings, past any proxy of this machine.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_echo_bot"));
    command
        .env("LARK_APP_ID", APP_ID)
        .env("LARK_APP_SECRET", SECRET)
        .env("LARK_ENCRYPT_KEY", KEY)
        .env("LARK_VERIFICATION_TOKEN", TOKEN)
        .env("NO_PROXY", "127.0.0.1")
        .env_remove("LISTEN_ADDR");
    command
}

impl Bot {
    pub(crate) fn with_webhook(base_url: &str) -> Self {
        let mut bot = Self::start(base_url, program().env("LISTEN_ADDR", "127.0.0.1:0"));
        let line = bot.logged("listening on ");
        bot.url = line.split_once("listening on ").unwrap().1.to_owned();
        bot
    }

    pub(crate) fn with_long_connection(base_url: &str) -> Self {
        Self::start(base_url, &mut program())
    }

    fn start(base_url: &str, command: &mut Command) -> Self {
        let command = command.env("LARK_BASE_URL", base_url);
        let mut process = command.stderr(Stdio::piped()).spawn().unwrap();
        let stderr = BufReader::new(process.stderr.take().unwrap()).lines();
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || stderr.for_each(|line| drop(sender.send(line.unwrap()))));
        Self {
            process,
            lines,
            log: RefCell::default(),
            url: String::new(),
        }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Waits for a line with `text` in it.
    pub(crate) fn logged(&self, text: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(PATIENCE).unwrap();
            self.log.borrow_mut().push(line.clone());
            if line.contains(text) {
                return line;
            }
        }
    }

    /// Stops it with SIGTERM: it exits with 0, and has logged no secret and nothing of a message.
    pub(crate) fn stop(mut self) {
        let pid = self.process.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status().unwrap();
        assert!(sent.success());
        assert!(self.exited().success());
        let mut log = self.log.take();
        log.extend(self.lines.iter());
        for line in log {
            for secret in ["marked-", "Bearer", "hello", "again"] {
                assert!(!line.contains(secret), "{secret} in {line}");
            }
        }
    }

    fn exited(&mut self) -> ExitStatus {
        let asked = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                return status;
            }
            assert!(asked.elapsed() < PATIENCE, "it goes on");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Bot {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
