//! Commands to a server, one a connection, in the protocol of Redis.

use std::fmt::Write as _;
use std::io::{self, BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};

use crate::process::PATIENCE;

/// The answer to the last of some commands: the lines of a list, and nothing for a missing value.
pub(super) fn run(port: u16, commands: &[&[&str]]) -> Result<String, String> {
    let failed = |error| format!("redis at 127.0.0.1:{port}: {error}");
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).map_err(failed)?;
    let waits = stream.set_read_timeout(Some(PATIENCE));
    waits.map_err(failed)?;
    let mut answers = BufReader::new(stream);
    let mut last = String::new();
    for words in commands {
        let sent = answers.get_mut().write_all(packed(words).as_bytes());
        sent.map_err(failed)?;
        last = answer(&mut answers).map_err(failed)??;
    }
    Ok(last)
}

fn packed(words: &[&str]) -> String {
    let mut text = format!("*{}\r\n", words.len());
    for word in words {
        // Writing to a string does not fail.
        let _ = write!(text, "${}\r\n{word}\r\n", word.len());
    }
    text
}

/// An error of the connection, or of the server.
fn answer(from: &mut BufReader<TcpStream>) -> io::Result<Result<String, String>> {
    let mut line = String::new();
    if from.read_line(&mut line)? == 0 {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    let line = line.trim_end();
    let unexpected = || io::Error::new(ErrorKind::InvalidData, line.to_owned());
    let (kind, rest) = line.split_at_checked(1).ok_or_else(unexpected)?;
    let length = || rest.parse::<i64>().map_err(|_| unexpected());
    Ok(match kind {
        "+" | ":" => Ok(rest.to_owned()),
        "-" => Err(rest.to_owned()),
        "$" => match usize::try_from(length()?) {
            Ok(length) => {
                let mut bytes = vec![0; length + 2];
                from.read_exact(&mut bytes)?;
                Ok(String::from_utf8_lossy(&bytes[..length]).into_owned())
            }
            Err(_) => Ok(String::new()),
        },
        "*" => {
            let items = (0..length()?).map(|_| answer(from));
            let items: Result<Vec<_>, _> =
                items.collect::<io::Result<Vec<_>>>()?.into_iter().collect();
            items.map(|items| items.join("\n"))
        }
        _ => return Err(unexpected()),
    })
}
