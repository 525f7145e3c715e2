//! Requests as they are typed, and streams of events.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

/// Longer than anything here takes.
pub(super) const LIMIT: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// The status line and the headers, names in lower case.
    pub(super) head: String,
    pub(super) body: String,
}

impl Answer {
    #[track_caller]
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect(&self.body)
    }

    pub(super) fn error(&self) -> String {
        self.json()["error"].as_str().unwrap().to_owned()
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

/// Sends a request with its own `Host`, and reads the whole answer.
pub(super) fn request(
    host: &str,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Answer {
    request_as(host, Some(host), method, target, headers, body)
}

/// Sends a request with another `Host`, or none.
pub(super) fn request_as(
    address: &str,
    host: Option<&str>,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Answer {
    let mut stream = connect(address);
    let head = head(host, method, target, headers, body.len());
    stream.write_all(head.as_bytes()).unwrap();
    // The server may refuse a body before it has read all of it.
    let _ = stream.write_all(body.as_bytes());
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| {
        panic!("{method} {target}: {read:?}: {answer}");
    });
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer {
        status,
        head: head.to_lowercase(),
        body: body.to_owned(),
    }
}

fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream
}

fn head(
    host: Option<&str>,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    length: usize,
) -> String {
    let host = host.map(|host| format!("host: {host}\r\n"));
    let headers = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"));
    let headers: String = host.into_iter().chain(headers).collect();
    format!(
        "{method} {target} HTTP/1.1\r\n{headers}connection: close\r\ncontent-length: {length}\r\n\r\n"
    )
}

/// An open stream of events.
#[derive(Debug)]
pub(super) struct Events {
    lines: BufReader<TcpStream>,
}

#[derive(Debug, Default)]
pub(super) struct Event {
    pub(super) name: String,
    pub(super) id: String,
    pub(super) data: String,
}

impl Event {
    #[track_caller]
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.data).expect(&self.data)
    }
}

impl Events {
    pub(super) fn open(host: &str, target: &str, headers: &[(&str, &str)]) -> Self {
        Self::try_open(host, target, headers).unwrap()
    }

    /// A stream, or the first line of another answer.
    pub(super) fn try_open(
        host: &str,
        target: &str,
        headers: &[(&str, &str)],
    ) -> Result<Self, String> {
        let mut stream = connect(host);
        let head = head(Some(host), "GET", target, headers, 0);
        stream.write_all(head.as_bytes()).unwrap();
        let mut lines = BufReader::new(stream);
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        match line.starts_with("HTTP/1.1 200 ") {
            true => Ok(Self { lines }),
            false => Err(line),
        }
    }

    /// The next event.
    pub(super) fn next(&mut self) -> Event {
        let mut event = Event::default();
        loop {
            let mut line = String::new();
            assert_ne!(self.lines.read_line(&mut line).unwrap(), 0, "it has ended");
            // Sizes of chunks are no fields.
            match line.trim_end().split_once(": ") {
                Some(("event", name)) => event.name = name.to_owned(),
                Some(("id", id)) => event.id = id.to_owned(),
                Some(("data", data)) => {
                    event.data += data;
                    event.data.push('\n');
                }
                None if line == "\n" && !event.name.is_empty() => return event,
                _ => {}
            }
        }
    }

    /// The next event of this name.
    pub(super) fn next_named(&mut self, name: &str) -> Event {
        loop {
            let event = self.next();
            if event.name == name {
                return event;
            }
        }
    }
}
