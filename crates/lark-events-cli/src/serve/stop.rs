//! What comes from outside while the platform runs: signals to stop, and lines on stdin.

use std::io;
use std::thread;

use tokio::sync::mpsc;

/// Lines that wait to be run.
const MAX_LINES: usize = 64;

/// Takes over SIGINT, and on Unix SIGTERM, from now on; what it returns resolves at the first.
pub(crate) fn signal() -> io::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    let stop = {
        use tokio::signal::unix::{SignalKind, signal};
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        }
    };
    #[cfg(windows)]
    let stop = {
        let mut interrupt = tokio::signal::windows::ctrl_c()?;
        async move { drop(interrupt.recv().await) }
    };
    Ok(stop)
}

/// The lines of stdin. They are read by a thread that nothing waits for at the end.
pub(crate) fn stdin_lines() -> mpsc::Receiver<String> {
    let (sender, lines) = mpsc::channel(MAX_LINES);
    thread::spawn(move || {
        for line in io::stdin().lines() {
            let Ok(line) = line else { return };
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    lines
}
