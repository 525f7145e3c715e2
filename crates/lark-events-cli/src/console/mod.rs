//! The console of `lark-events serve`, on a listener of its own.

use std::convert::Infallible;
use std::io;

use tokio::net::TcpListener;

use crate::serve::control::Control;

/// Serves the console until it is dropped. The secrets are shown nowhere.
pub(crate) async fn serve<'a>(
    listener: TcpListener,
    _control: Control,
    _secrets: impl IntoIterator<Item = &'a str>,
) -> io::Result<Infallible> {
    loop {
        drop(listener.accept().await?);
    }
}
