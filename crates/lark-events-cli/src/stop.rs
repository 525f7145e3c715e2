//! The signals that stop a command.

use std::io;

/// Catches SIGINT, and SIGTERM on Unix, from now on; the returned future resolves at the first signal.
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
