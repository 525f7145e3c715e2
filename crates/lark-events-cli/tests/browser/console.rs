//! A console behind `serve`, and its answers over raw HTTP.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};

use serde_json::Value;

use crate::serving::{LIMIT, Serving};

/// A console of a platform in a process of its own.
pub(crate) struct Console {
    pub(crate) serving: Serving,
    /// Such as `127.0.0.1:7781`.
    pub(crate) address: String,
}

/// An answer over raw HTTP.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Console {
    /// Starts it on a free port. It reads commands from its stdin.
    pub(crate) fn start(args: &[&str]) -> Self {
        Self::start_at("127.0.0.1:0", args)
    }

    pub(crate) fn start_at(address: &str, args: &[&str]) -> Self {
        let console = ["--interactive", "--console", address];
        let mut serving = Serving::start(&[&console[..], args].concat());
        let url = serving.next("console")["url"].as_str().unwrap().to_owned();
        let address = url.strip_prefix("http://").unwrap().trim_end_matches('/');
        Self {
            serving,
            address: address.to_owned(),
        }
    }

    /// The URL of a path.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn types(&mut self, line: &str) {
        self.serving.types(line);
    }

    /// Waits until no delivery is pending. All that was typed before has been done then.
    pub(crate) fn delivered(&mut self) -> Value {
        self.types("wait delivered\nstats");
        self.serving.next("stats")
    }

    /// Sends a request as it is. Without `connection: close`, the end of what is sent ends the connection.
    pub(crate) fn sends(&self, request: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        // A server that has refused a request may not read all of it.
        let _ = stream.write_all(request);
        let mut bytes = Vec::new();
        if let Err(error) = stream.read_to_end(&mut bytes) {
            assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}");
        }
        let text = String::from_utf8_lossy(&bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        Answer {
            status: head[9..12].parse().unwrap(),
            head: head.to_owned(),
            body: body.to_owned(),
        }
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        let head = format!(
            "GET {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n",
            self.address
        );
        self.sends(head.as_bytes())
    }

    pub(crate) fn json(&self, path: &str) -> Value {
        let answer = self.get(path);
        serde_json::from_str(&answer.body).expect(path)
    }

    /// Asks for a change, with a body of JSON.
    pub(crate) fn asks(&self, method: &str, path: &str, json: &Value) -> Answer {
        let (address, json) = (&self.address, json.to_string());
        let length = json.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{json}"
        );
        self.sends(request.as_bytes())
    }

    /// The start of a stream, until it has a text.
    pub(crate) fn stream(&self, path: &str, until: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        let address = &self.address;
        write!(stream, "GET {path} HTTP/1.1\r\nhost: {address}\r\n\r\n").unwrap();
        let mut bytes = Vec::new();
        loop {
            let text = String::from_utf8_lossy(&bytes);
            if text.contains(until) {
                let _ = stream.shutdown(Shutdown::Both);
                return text.into_owned();
            }
            let mut more = [0; 64 * 1024];
            let read = stream.read(&mut more).expect(&text);
            assert_ne!(read, 0, "{path}: no {until} in {text}");
            bytes.extend(&more[..read]);
        }
    }

    /// The numbers of the deliveries that the API lists, newest first.
    pub(crate) fn numbers(&self) -> Vec<u64> {
        let list = self.json("/api/deliveries");
        let rows = list["deliveries"].as_array().unwrap().iter();
        rows.map(|row| row["number"].as_u64().unwrap()).collect()
    }

    /// Calls the API of the platform as its app, and returns the answer.
    pub(crate) fn calls(&self, path: &str, token: &str, body: &str) -> Value {
        let address = self.serving.address();
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        let length = body.len();
        write!(
            stream,
            "POST {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
             authorization: Bearer {token}\r\ncontent-type: application/json; charset=utf-8\r\n\
             content-length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        serde_json::from_str(body).expect(&answer)
    }
}
