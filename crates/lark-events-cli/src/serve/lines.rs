//! The lines of stdin, while the platform runs.

use std::io::{self, BufRead, IsTerminal as _, Read as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

/// The most lines read ahead.
const MAX_LINES: usize = 64;
/// Lines that are typed within this time of the one before are read together: they were pasted, and the terminal has
/// echoed them all. A key that is held repeats more slowly.
const PASTE_GAP: Duration = Duration::from_millis(20);
/// The longest time that a paste takes, without lines that the terminal has ready.
const PASTE: Duration = Duration::from_millis(100);
/// The longest time until a line that the terminal has ready is read, on a busy machine.
const READ_LIMIT: Duration = Duration::from_secs(2);
/// The most lines that are read together.
const MAX_PASTED: usize = 1024;
/// Longer than any command, and short enough to be kept in memory.
const MAX_LINE_BYTES: u64 = 1024 * 1024;

pub(crate) struct Lines {
    received: mpsc::Receiver<io::Result<String>>,
    /// How many lines have been read or are ready to be.
    ready: Arc<AtomicUsize>,
    /// Whether a person types them, rather than a file or a program.
    pub(super) are_typed: bool,
    /// Of the last line. Counts from 1.
    pub(super) number: usize,
    pasted: Option<Pasted>,
}

/// Lines that are read together, so far.
struct Pasted {
    lines: Vec<String>,
    /// When the next line is too late.
    ends: Instant,
    /// When any line is.
    ends_at_last: Instant,
    /// Why no line follows.
    error: Option<io::Error>,
}

impl Lines {
    /// The lines of stdin, read by a thread that nothing joins.
    pub(crate) fn of_stdin() -> Self {
        let (sender, received) = mpsc::channel(MAX_LINES);
        let ready = Arc::new(AtomicUsize::new(0));
        let are_typed = io::stdin().is_terminal();
        let known = Arc::clone(&ready);
        thread::spawn(move || {
            let has_more = || are_typed && is_readable();
            read(io::stdin().lock(), has_more, &known, &sender);
        });
        Self {
            received,
            ready,
            are_typed,
            number: 0,
            pasted: None,
        }
    }

    #[cfg(test)]
    pub(super) fn typed() -> (mpsc::Sender<io::Result<String>>, Self) {
        let (sender, received) = mpsc::channel(MAX_LINES);
        let lines = Self {
            received,
            ready: Arc::default(),
            are_typed: true,
            number: 0,
            pasted: None,
        };
        (sender, lines)
    }

    /// The next line, or those that were pasted together; `None` at the end. During a wait, lines of a file or pipe
    /// wait too; typed lines are read.
    ///
    /// It is cancel safe: lines that have been read are returned later.
    pub(super) async fn next(&mut self, waiting: bool) -> Option<io::Result<Vec<String>>> {
        if !self.are_typed {
            if waiting {
                return std::future::pending().await;
            }
            let line = self.received.recv().await?;
            self.number += 1;
            return Some(line.map(|line| vec![line]));
        }
        loop {
            let Some(pasted) = &mut self.pasted else {
                let line = self.received.recv().await?;
                let now = Instant::now();
                self.pasted = Some(Pasted {
                    lines: Vec::new(),
                    ends: now,
                    ends_at_last: now + PASTE,
                    error: None,
                });
                self.add(line);
                continue;
            };
            let is_full = pasted.error.is_some() || pasted.lines.len() >= MAX_PASTED;
            if !is_full && let Ok(Some(line)) = timeout_at(pasted.ends, self.received.recv()).await
            {
                self.add(line);
                continue;
            }
            let pasted = self.pasted.take()?;
            return Some(match pasted.error {
                Some(error) => Err(error),
                None => Ok(pasted.lines),
            });
        }
    }

    fn add(&mut self, line: io::Result<String>) {
        self.number += 1;
        let Some(pasted) = &mut self.pasted else {
            return;
        };
        match line {
            Ok(line) => pasted.lines.push(line),
            Err(error) => pasted.error = Some(error),
        }
        let now = Instant::now();
        if self.ready.load(Ordering::SeqCst) > self.number {
            pasted.ends = now + READ_LIMIT;
            pasted.ends_at_last = now + PASTE;
        } else {
            pasted.ends = pasted.ends_at_last.min(now + PASTE_GAP);
        }
    }
}

/// Whether the terminal has a line ready, or its end.
#[cfg(unix)]
fn is_readable() -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let stdin = io::stdin();
    let mut polled = [PollFd::new(&stdin, PollFlags::IN)];
    let is_polled = poll(&mut polled, Some(&Timespec::default())).is_ok();
    is_polled && polled[0].revents().contains(PollFlags::IN)
}

#[cfg(not(unix))]
fn is_readable() -> bool {
    false
}

fn read(
    mut input: impl BufRead,
    has_more: impl Fn() -> bool,
    ready: &AtomicUsize,
    sender: &mpsc::Sender<io::Result<String>>,
) {
    for number in 1.. {
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
        ready.store(number + usize::from(has_more()), Ordering::SeqCst);
        if sender.blocking_send(line).is_err() || is_last {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;

    fn lines_of(input: &[u8]) -> Vec<io::Result<String>> {
        let (sender, mut received) = mpsc::channel(MAX_LINES);
        read(input, || false, &AtomicUsize::new(0), &sender);
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

    #[tokio::test(start_paused = true)]
    async fn what_is_typed_is_read_while_something_is_waited_for() {
        for are_typed in [true, false] {
            let (sender, mut lines) = Lines::typed();
            lines.are_typed = are_typed;
            sender.send(Ok("quit".to_owned())).await.unwrap();
            let while_waiting = tokio::select! {
                biased;
                line = lines.next(true) => line,
                () = sleep(PASTE * 2) => None,
            };
            assert_eq!(while_waiting.is_some(), are_typed);
            if !are_typed {
                assert_eq!(lines.next(false).await.unwrap().unwrap(), ["quit"]);
            }
        }
    }

    /// Lines that are typed, of which the driver looks after something else in between.
    async fn looked_at(lines: &mut Lines) -> Option<io::Result<Vec<String>>> {
        loop {
            tokio::select! {
                biased;
                next = lines.next(false) => return next,
                () = sleep(Duration::from_millis(1)) => {}
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn pasted_lines_are_read_together_and_typed_ones_alone() {
        const PASTED: usize = 200;
        let (sender, mut lines) = Lines::typed();
        let types = async {
            for _ in 0..PASTED {
                sender.send(Ok("pasted".to_owned())).await.unwrap();
            }
            for _ in 0..2 {
                sleep(Duration::from_millis(30)).await;
                sender.send(Ok("held".to_owned())).await.unwrap();
            }
            drop(sender);
        };
        let reads = async {
            let mut read = Vec::new();
            while let Some(lines) = looked_at(&mut lines).await {
                read.push(lines.unwrap());
            }
            read
        };
        let (read, ()) = tokio::join!(reads, types);
        let counts: Vec<_> = read.iter().map(Vec::len).collect();
        assert_eq!(counts, [PASTED, 1, 1]);
        assert_eq!(lines.number, PASTED + 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_line_that_is_ready_is_read_with_the_one_before_though_its_reader_is_late() {
        let (sender, mut lines) = Lines::typed();
        let ready = Arc::clone(&lines.ready);
        let types = async {
            for (line, known) in [("first", 2), ("second", 2), ("third", 3)] {
                ready.store(known, Ordering::SeqCst);
                sender.send(Ok(line.to_owned())).await.unwrap();
                sleep(PASTE * 2).await;
            }
        };
        let reads = async {
            let pasted = looked_at(&mut lines).await.unwrap().unwrap();
            (pasted, looked_at(&mut lines).await.unwrap().unwrap())
        };
        let ((pasted, typed), ()) = tokio::join!(reads, types);
        assert_eq!(pasted, ["first", "second"]);
        assert_eq!(typed, ["third"]);
    }

    #[test]
    fn a_line_is_announced_with_the_one_before() {
        for (has_more, announced) in [(true, 4), (false, 3)] {
            let (sender, received) = mpsc::channel(MAX_LINES);
            let ready = AtomicUsize::new(0);
            read(&b"1\n2\n3\n"[..], || has_more, &ready, &sender);
            assert_eq!(ready.into_inner(), announced);
            assert_eq!(received.len(), 3);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_endless_paste_is_read_in_parts() {
        let (sender, mut lines) = Lines::typed();
        let types = async {
            while sender.send(Ok(String::new())).await.is_ok() {
                sleep(Duration::from_millis(10)).await;
            }
        };
        let reads = async {
            let first = looked_at(&mut lines).await.unwrap().unwrap();
            drop(lines);
            first
        };
        let (first, ()) = tokio::join!(reads, types);
        assert!(first.len() <= 11, "{}", first.len());
    }
}
