//! The listeners of pages: of the console, at the address of `--console`, and of others.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, ToSocketAddrs as _};

use serde_json::json;
use tokio::net::TcpListener;

use crate::Error;
use crate::output::{NAME, Output};
use crate::text::Text;

/// The address of `--console` without a value.
pub(crate) const DEFAULT: &str = "127.0.0.1:7781";

/// Parses an address with a port, an IP address or `localhost`, or only a port.
pub(crate) fn address(text: &str) -> Result<SocketAddr, String> {
    let is_port = text.bytes().all(|byte| byte.is_ascii_digit());
    if let Some(port) = text.parse().ok().filter(|_| is_port) {
        return Ok((Ipv4Addr::LOCALHOST, port).into());
    }
    let is_name = text.starts_with("localhost:");
    let named = is_name.then(|| text.to_socket_addrs().ok()?.find(SocketAddr::is_ipv4));
    let address = named.unwrap_or_else(|| text.parse().ok());
    address.ok_or_else(|| {
        format!("expected an IP address and a port, such as {DEFAULT}, or a port, got {text}")
    })
}

/// Listens for the clients of the console.
pub(crate) async fn bind(address: SocketAddr) -> Result<TcpListener, Error> {
    bind_for("console", "--console", address).await
}

/// Listens for the clients of a page at the address of an option.
pub(crate) async fn bind_for(
    page: &str,
    option: &str,
    address: SocketAddr,
) -> Result<TcpListener, Error> {
    let listener = TcpListener::bind(address).await;
    let listener = listener.map_err(|error| {
        let ip = address.ip();
        let free = SocketAddr::new(ip, 0);
        format!(
            "the {page} cannot listen at {address}: {error}; stop the program that uses the port, or pass \
             {option} {free}, which picks a free port"
        )
    });
    Ok(listener?)
}

/// Prints the URL of the console, and a warning if other machines may reach it.
pub(crate) fn show(listener: &TcpListener, output: Output) -> io::Result<()> {
    let address = listener.local_addr()?;
    let url = format!("http://{address}/");
    if output.json {
        output.print_json(&json!({"kind": "console", "url": url}))?;
    } else {
        output.print(Text::painted(NAME, "console:").then(format!(" {url}")))?;
    }
    if !address.ip().to_canonical().is_loopback() {
        output.note(format!(
            "the console has no authentication: all who reach {address} can read the events and push others; \
             pass --console 127.0.0.1:{} unless they may",
            address.port()
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_that_of_a_machine_and_a_port() {
        for (text, expected) in [
            (DEFAULT, "127.0.0.1:7781"),
            ("localhost:0", "127.0.0.1:0"),
            ("[::1]:80", "[::1]:80"),
            ("7781", "127.0.0.1:7781"),
        ] {
            assert_eq!(
                address(text).map(|it| it.to_string()),
                Ok(expected.to_owned())
            );
        }
        for text in [
            "",
            "70000",
            "+7781",
            "127.0.0.1",
            "localhost",
            "localhost:x",
            "127.0.0.1:70000",
        ] {
            let error = address(text).unwrap_err();
            assert!(error.ends_with(&format!("got {text}")), "{error}");
        }
    }
}
