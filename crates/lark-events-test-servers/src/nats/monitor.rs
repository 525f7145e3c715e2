//! The monitoring port of a NATS server, over HTTP.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// A frozen server does not answer.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Gets a path. Returns the status and the body.
pub(super) fn get(port: u16, path: &str) -> Result<(u16, String), String> {
    let answer = request(port, path);
    let answer = answer.map_err(|error| format!("http://127.0.0.1:{port}{path}: {error}"))?;
    parse(&answer).ok_or_else(|| format!("expected an answer in HTTP, not {answer:?}"))
}

fn request(port: u16, path: &str) -> io::Result<String> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    // In version 1.0, the end of the connection is the end of the body.
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn parse(answer: &str) -> Option<(u16, String)> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, body.to_owned()))
}
