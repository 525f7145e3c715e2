//! The command at a pseudo-terminal, whose screen is read as a person would read it.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use super::screen::Screen;

/// Longer than anything here takes.
const LIMIT: Duration = Duration::from_secs(30);

pub(super) struct Terminal {
    child: Child,
    keyboard: File,
    output: Receiver<Vec<u8>>,
    screen: Screen,
    columns: u16,
}

fn size(rows: u16, columns: u16) -> Winsize {
    Winsize {
        ws_row: rows,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    }
}

impl Terminal {
    pub(super) fn start(rows: u16, columns: u16, args: &[&str]) -> Self {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&ours).unwrap();
        unlockpt(&ours).unwrap();
        tcsetwinsize(&ours, size(rows, columns)).unwrap();
        let name = ptsname(&ours, Vec::new()).unwrap();
        let flags = OFlags::RDWR | OFlags::NOCTTY;
        let theirs = File::from(rustix::fs::open(name, flags, Mode::empty()).unwrap());
        let mut command = Command::new(env!("CARGO_BIN_EXE_lark-events"));
        command
            .args(args)
            .env("TERM", "xterm")
            .env("NO_COLOR", "1")
            .stdin(Stdio::from(theirs.try_clone().unwrap()))
            .stdout(Stdio::from(theirs.try_clone().unwrap()))
            .stderr(Stdio::from(theirs));
        for name in ["LARK_ENCRYPT_KEY", "LARK_VERIFICATION_TOKEN"] {
            command.env_remove(name);
        }
        let child = command.spawn().unwrap();
        // Drops its copies of their end, so that reading ends with the child.
        drop(command);
        let keyboard = File::from(ours);
        let mut shown = keyboard.try_clone().unwrap();
        let (sender, output) = channel();
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            // An error is the end of the child.
            while let Ok(read @ 1..) = shown.read(&mut bytes) {
                let _ = sender.send(bytes[..read].to_vec());
            }
        });
        Self {
            child,
            keyboard,
            output,
            screen: Screen::new(rows.into(), columns.into()),
            columns,
        }
    }

    /// Changes the number of rows.
    pub(super) fn resize(&mut self, rows: u16) {
        // As far as the child has drawn for the size before.
        while let Ok(bytes) = self.output.try_recv() {
            self.screen.shows(&bytes);
        }
        tcsetwinsize(&self.keyboard, size(rows, self.columns)).unwrap();
        self.screen.resize(rows.into());
    }

    /// Types keys; `\r` is Enter.
    pub(super) fn types(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits until the scrollback and the screen satisfy `wanted`, and returns their text.
    #[track_caller]
    pub(super) fn until(&mut self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + LIMIT;
        loop {
            let text = self.screen.text();
            if self.screen.is_at_its_end() && wanted(&text) {
                return text;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.output.recv_timeout(left) {
                Ok(bytes) => self.screen.shows(&bytes),
                Err(error) => panic!("{error} while waiting for {what} in\n{text}"),
            }
        }
    }

    /// Waits for the end, and returns the text that is left.
    #[track_caller]
    pub(super) fn ended(mut self) -> String {
        loop {
            match self.output.recv_timeout(LIMIT) {
                Ok(bytes) => self.screen.shows(&bytes),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(error) => panic!("{error} while waiting for the end"),
            }
        }
        assert!(self.child.wait().unwrap().success());
        self.screen.text()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
