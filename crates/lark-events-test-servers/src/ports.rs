//! The ports of servers on loopback.

use std::io;
use std::net::{Ipv4Addr, TcpListener};

/// Another program may take a port before the server does.
const TRIES: usize = 5;

/// A port of loopback that nothing listens at.
pub(crate) fn free_port() -> Result<u16, String> {
    Ok(free_ports(1)?[0])
}

/// Different ports of loopback that nothing listens at.
pub(crate) fn free_ports(count: usize) -> Result<Vec<u16>, String> {
    let listen = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let listeners: io::Result<Vec<_>> = (0..count).map(|_| listen()).collect();
    let ports =
        listeners.and_then(|all| all.iter().map(|it| Ok(it.local_addr()?.port())).collect());
    ports.map_err(|error| format!("no free port on 127.0.0.1: {error}"))
}

/// Starts servers, at other ports if one of theirs is taken.
pub(crate) fn at_free_ports<T>(mut start: impl FnMut() -> Result<T, String>) -> Result<T, String> {
    for _ in 1..TRIES {
        match start() {
            Err(error) if is_taken(&error) => {}
            started => return started,
        }
    }
    start()
}

/// Whether another program listens at the port.
fn is_taken(error: &str) -> bool {
    error.to_lowercase().contains("address already in use")
}
