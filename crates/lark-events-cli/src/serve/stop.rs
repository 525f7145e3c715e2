//! The signals that stop the platform.

use std::io;

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
