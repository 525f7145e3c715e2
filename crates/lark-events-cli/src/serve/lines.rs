//! The lines of stdin, while the platform runs.

use std::io::{self, BufRead, IsTerminal as _, Read as _};
use std::thread;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;

/// The most lines read ahead.
const MAX_LINES: usize = 64;
/// Lines that are typed within this time of each other are read together: they were pasted, and the terminal
/// has echoed them all.
const PASTE: Duration = Duration::from_millis(50);
/// Longer than any command, and short enough to be kept in memory.
const MAX_LINE_BYTES: u64 = 1024 * 1024;

pub(crate) struct Lines {
    received: mpsc::Receiver<io::Result<String>>,
    /// Whether a person types them, rather than a file or a program.
    pub(super) are_typed: bool,
    /// Counts from 1.
    pub(super) number: usize,
}

impl Lines {
    /// The lines of stdin, read by a thread that nothing joins.
    pub(crate) fn of_stdin() -> Self {
        let (sender, received) = mpsc::channel(MAX_LINES);
        thread::spawn(move || read(io::stdin().lock(), &sender));
        Self {
            received,
            are_typed: io::stdin().is_terminal(),
            number: 0,
        }
    }

    #[cfg(test)]
    pub(super) fn typed() -> (mpsc::Sender<io::Result<String>>, Self) {
        let (sender, received) = mpsc::channel(MAX_LINES);
        let lines = Self {
            received,
            are_typed: true,
            number: 0,
        };
        (sender, lines)
    }

    /// The next line, or `None` at the end. During a wait, lines of a file or pipe wait too; typed
    /// lines are read.
    pub(super) async fn next(&mut self, waiting: bool) -> Option<io::Result<String>> {
        if waiting && !self.are_typed {
            return std::future::pending().await;
        }
        let line = self.received.recv().await;
        self.number += 1;
        line
    }
}

impl Lines {
    /// A line that was typed, and those that were typed with it.
    pub(super) async fn rest(&mut self, first: io::Result<String>) -> io::Result<Vec<String>> {
        let mut lines = vec![first?];
        while lines.len() < MAX_LINES
            && let Ok(Some(line)) = timeout(PASTE, self.received.recv()).await
        {
            lines.push(line?);
        }
        Ok(lines)
    }
}

fn read(mut input: impl BufRead, sender: &mpsc::Sender<io::Result<String>>) {
    loop {
        let mut line = Vec::new();
        let read = (&mut input)
            .take(MAX_LINE_BYTES)
            .read_until(b'\n', &mut line);
        let line = match read {
            Ok(0) => return,
            Ok(bytes) if bytes as u64 == MAX_LINE_BYTES => {
                Err(io::Error::other("the line is too long: the limit is 1 MiB"))
            }
            // A line that is not UTF-8 is rejected as an unknown command.
            Ok(_) => Ok(String::from_utf8_lossy(&line).into_owned()),
            Err(error) => Err(error),
        };
        let is_last = line.is_err();
        if sender.blocking_send(line).is_err() || is_last {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::task::yield_now;

    use super::*;

    fn lines_of(input: &[u8]) -> Vec<io::Result<String>> {
        let (sender, mut received) = mpsc::channel(MAX_LINES);
        read(input, &sender);
        std::iter::from_fn(|| received.try_recv().ok()).collect()
    }

    #[test]
    fn a_line_that_is_no_utf_8_is_a_line() {
        let lines = lines_of(b"stats\n\xff\nquit");
        let lines: Vec<_> = lines.into_iter().map(Result::unwrap).collect();
        assert_eq!(lines, ["stats\n", "\u{fffd}\n", "quit"]);
    }

    #[test]
    fn a_line_without_end_is_not_read_to_its_end() {
        let endless = vec![b'x'; 2 * 1024 * 1024];
        let lines = lines_of(&endless);
        assert_eq!(lines.len(), 1);
        let error = lines[0].as_ref().unwrap_err();
        assert_eq!(
            error.to_string(),
            "the line is too long: the limit is 1 MiB"
        );
    }

    #[tokio::test]
    async fn what_is_typed_is_read_while_something_is_waited_for() {
        for are_typed in [true, false] {
            let (sender, mut lines) = Lines::typed();
            lines.are_typed = are_typed;
            sender.send(Ok("quit".to_owned())).await.unwrap();
            let while_waiting = tokio::select! {
                biased;
                line = lines.next(true) => line,
                () = yield_now() => None,
            };
            assert_eq!(while_waiting.is_some(), are_typed);
            if !are_typed {
                assert_eq!(lines.next(false).await.unwrap().unwrap(), "quit");
            }
        }
    }
}
