//! A platform of `serve` in a process of its own. The tests in a browser have this file too.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use serde_json::Value;

/// Longer than anything here takes.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

/// A platform in a process of its own, which ends with this.
pub(crate) struct Serving {
    pub(crate) child: Child,
    lines: Receiver<String>,
    pub(crate) base_url: String,
}

impl Serving {
    /// Starts it on a free port, with `--json`.
    pub(crate) fn start(args: &[&str]) -> Self {
        Self::with_env(args, &[])
    }

    pub(crate) fn with_env(args: &[&str], env: &[(&str, &str)]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_lark-events"))
            .args(["serve", "--port", "0", "--json"])
            .args(args)
            .env_remove("LARK_ENCRYPT_KEY")
            .env_remove("LARK_VERIFICATION_TOKEN")
            .envs(env.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in stdout.lines() {
                let _ = sender.send(line.unwrap());
            }
        });
        let base_url = String::new();
        let mut serving = Self {
            child,
            lines,
            base_url,
        };
        let platform = serving.next("platform");
        serving.base_url = platform["base_url"].as_str().unwrap().to_owned();
        serving
    }

    /// The address of the platform.
    pub(crate) fn address(&self) -> &str {
        self.base_url.trim_start_matches("http://")
    }

    /// Waits for the next line of a kind.
    pub(crate) fn next(&mut self, kind: &str) -> Value {
        loop {
            let line = self.lines.recv_timeout(LIMIT).expect(kind);
            let line: Value = serde_json::from_str(&line).unwrap();
            if line["kind"] == kind {
                return line;
            }
        }
    }

    pub(crate) fn types(&mut self, line: &str) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    /// Opens a long connection, and sends a text message, where only binary ones are allowed.
    pub(crate) fn violates_the_protocol(&self) -> TcpStream {
        let address = self.address();
        let credentials = r#"{"AppID":"cli_a1b2c3d4e5f60718","AppSecret":"app-secret"}"#;
        let mut endpoint = TcpStream::connect(address).unwrap();
        write!(
            endpoint,
            "POST /callback/ws/endpoint HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
             content-length: {}\r\n\r\n{credentials}",
            credentials.len()
        )
        .unwrap();
        let mut answer = String::new();
        endpoint.read_to_string(&mut answer).unwrap();
        let (_, ticket) = answer.split_once("ws://").unwrap();
        let path = ticket.split('"').next().unwrap().replace("\\u0026", "&");
        let path = path.strip_prefix(address).unwrap();

        let mut socket = TcpStream::connect(address).unwrap();
        write!(
            socket,
            "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )
        .unwrap();
        // Masked with zeroes.
        socket.write_all(b"\x81\x83\0\0\0\0tea").unwrap();
        socket
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
