//! The events that are sent: the `posts` program of `benches` encrypts and signs them again before
//! each run, as servers reject old signatures.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where they are written.
const FILE: &str = "target/bench-http/posts.tsv";

/// The program, and the file that it writes.
pub(super) struct Posts {
    program: PathBuf,
    pub(super) file: PathBuf,
}

/// One event of them, to check a server with.
#[derive(Debug, PartialEq)]
pub(super) struct Post {
    timestamp: String,
    nonce: String,
    pub(super) signature: String,
    body: String,
}

impl Posts {
    pub(super) fn new(root: &Path, program: PathBuf) -> Self {
        let file = root.join(FILE);
        Self { program, file }
    }

    /// Writes them. Returns the app's secrets by their names in its environment, and the first event.
    pub(super) fn prepare(&self) -> Result<(Vec<(String, String)>, Post), String> {
        let failed = |error: io::Error| format!("{}: {error}", self.program.display());
        if let Some(folder) = self.file.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        let output = Command::new(&self.program).arg(&self.file).output();
        let output = output.map_err(failed)?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(format!("{}: {}", self.program.display(), said.trim()));
        }
        let mut first = String::new();
        let file = File::open(&self.file).map_err(failed)?;
        BufReader::new(file).read_line(&mut first).map_err(failed)?;
        let first = Post::parse(first.trim_end()).ok_or("the first event cannot be read")?;
        let secrets = String::from_utf8_lossy(&output.stdout);
        let secrets = secrets.lines().filter_map(|line| line.split_once('='));
        let secrets = secrets.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Ok((secrets.collect(), first))
    }
}

impl Post {
    fn parse(line: &str) -> Option<Self> {
        let mut fields = line.splitn(4, '\t').map(str::to_owned);
        Some(Self {
            timestamp: fields.next()?,
            nonce: fields.next()?,
            signature: fields.next()?,
            body: fields.next()?,
        })
    }

    /// It as an HTTP request, the only one on its connection.
    pub(super) fn request(&self, path: &str, signature: &str) -> String {
        let Self {
            timestamp,
            nonce,
            body,
            ..
        } = self;
        format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\
             X-Lark-Request-Timestamp: {timestamp}\r\nX-Lark-Request-Nonce: {nonce}\r\n\
             X-Lark-Signature: {signature}\r\n\r\n{body}",
            body.len()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_becomes_a_request_with_the_signature_that_it_is_given() {
        let post = Post::parse("17\tn0\tabc\t{\"encrypt\":\"e\"}").unwrap();
        assert_eq!(post.signature, "abc");
        let request = post.request("/p", "forged");
        assert!(request.starts_with("POST /p HTTP/1.1\r\n"), "{request}");
        assert!(request.contains("\r\nContent-Length: 15\r\n"), "{request}");
        assert!(request.ends_with("\r\nX-Lark-Signature: forged\r\n\r\n{\"encrypt\":\"e\"}"));
        assert_eq!(Post::parse("17\tn0\tabc"), None);
    }
}
