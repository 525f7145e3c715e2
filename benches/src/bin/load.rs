//! The load of `cargo xtask bench-http` at a fixed rate, which wrk does not have: sends the posts of a
//! file at times that are set before the first of them is sent, and prints the latencies.
//!
//! A latency counts from the time at which the request was due. A server that stalls thus delays all
//! requests that were due meanwhile, although they were sent later, or waited for a connection. The
//! program fails if the requests took longer than they should at their rate, or if one had no success.
//!
//! It never sleeps, as timers are less precise than the latencies: it needs a core of its own.
//!
//! ```sh
//! load ADDRESS PATH FILE RATE SECONDS even|exponential
//! ```

use std::collections::VecDeque;
use std::env;
use std::fs;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use benches::percentile;
use lark_events::BoxError;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use serde_json::json;

/// As many as wrk has.
const CONNECTIONS: usize = 64;
/// The same arrivals for each server.
const SEED: u64 = 29;
/// Of the rate that was asked for.
const LEAST_ACHIEVED: f64 = 0.99;
/// How long answers are waited for after the last request was due.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// Beyond any answer of a webhook.
const MAX_ANSWER_LEN: usize = 4_096;

fn main() -> Result<(), BoxError> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [address, path, file, rate, seconds, arrivals] = arguments.as_slice() else {
        return Err("usage: load ADDRESS PATH FILE RATE SECONDS even|exponential".into());
    };
    let (address, rate, seconds) = (address.parse()?, rate.parse()?, seconds.parse()?);
    let due = match arrivals.as_str() {
        "even" => schedule(rate, seconds, || 1.0),
        "exponential" => schedule(rate, seconds, exponential(SEED)),
        _ => return Err(format!("expected even or exponential, not {arrivals}").into()),
    };
    let requests = fs::read_to_string(file)?
        .lines()
        .map(|line| request(path, line))
        .collect::<Option<Vec<_>>>()
        .ok_or("expected four fields in each line of the file")?;
    if requests.is_empty() || due.is_empty() {
        return Err("expected a request to send".into());
    }
    let mut seen = Load::connect(address)?.run(&due, &requests)?;
    let achieved = seen.took.len() as f64 / seen.lasted.as_secs_f64();
    if achieved < LEAST_ACHIEVED * rate {
        return Err(format!("{achieved:.0} answers a second, of {rate:.0}").into());
    }
    seen.took.sort_unstable();
    seen.late.sort_unstable();
    println!(
        "{}",
        json!({
            "per_second": achieved,
            "p50": percentile(&seen.took, 50),
            "p99": percentile(&seen.took, 99),
            "late_p99": percentile(&seen.late, 99),
        })
    );
    Ok(())
}

/// When each request is due, after the first moment. The intervals are as `interval` says, but for a
/// factor, by which the last request is due when the seconds are over: any schedule has its rate.
fn schedule(rate: f64, seconds: f64, mut interval: impl FnMut() -> f64) -> Vec<Duration> {
    let count = rate * seconds;
    let mut at = 0.0;
    let mut next = || {
        at += interval();
        at
    };
    let due: Vec<f64> = (0..count as usize).map(|_| next()).collect();
    let last = due.last().copied().unwrap_or(1.0);
    let due = due.into_iter().map(|at| at / last * seconds);
    due.map(Duration::from_secs_f64).collect()
}

/// Intervals of requests that know nothing of each other, as those of many users. Their mean is 1.
fn exponential(seed: u64) -> impl FnMut() -> f64 {
    let mut random = fastrand::Rng::with_seed(seed);
    // `f64` is below 1, so that no logarithm is of 0.
    move || -(1.0 - random.f64()).ln()
}

/// A line of the file as a request, with the headers that wrk sends.
fn request(path: &str, line: &str) -> Option<Vec<u8>> {
    let mut fields = line.splitn(4, '\t');
    let mut next = || fields.next();
    let (timestamp, nonce, signature, body) = (next()?, next()?, next()?, next()?);
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nX-Lark-Request-Timestamp: {timestamp}\r\n\
         X-Lark-Request-Nonce: {nonce}\r\nX-Lark-Signature: {signature}\r\n\r\n{body}",
        body.len()
    );
    Some(request.into_bytes())
}

/// A connection, with one request open at most.
struct Connection {
    socket: TcpStream,
    /// When the open request was due.
    due: Duration,
    /// What has come of its answer.
    answer: Vec<u8>,
}

struct Load {
    poll: Poll,
    connections: Vec<Connection>,
    /// Those without an open request, the one that has waited longest first.
    idle: VecDeque<usize>,
}

#[derive(Default)]
struct Seen {
    /// From the time at which a request was due to its answer.
    took: Vec<Duration>,
    /// How much later than due a request was sent, as this program was busy or all connections were.
    late: Vec<Duration>,
    lasted: Duration,
}

impl Load {
    fn connect(address: SocketAddr) -> Result<Self, BoxError> {
        let poll = Poll::new()?;
        let mut connections = Vec::with_capacity(CONNECTIONS);
        for n in 0..CONNECTIONS {
            let socket = std::net::TcpStream::connect(address)?;
            socket.set_nodelay(true)?;
            socket.set_nonblocking(true)?;
            let mut socket = TcpStream::from_std(socket);
            poll.registry()
                .register(&mut socket, Token(n), Interest::READABLE)?;
            connections.push(Connection {
                socket,
                due: Duration::ZERO,
                answer: Vec::with_capacity(MAX_ANSWER_LEN),
            });
        }
        Ok(Self {
            poll,
            connections,
            idle: (0..CONNECTIONS).collect(),
        })
    }

    /// Sends requests in turn, one at each time, and takes all answers.
    fn run(&mut self, due: &[Duration], requests: &[Vec<u8>]) -> Result<Seen, BoxError> {
        let mut seen = Seen {
            took: Vec::with_capacity(due.len()),
            late: Vec::with_capacity(due.len()),
            ..Seen::default()
        };
        let mut unsent = due.iter().copied().zip(requests.iter().cycle()).peekable();
        let limit = due.last().map_or(ANSWER_LIMIT, |&last| last + ANSWER_LIMIT);
        let mut events = Events::with_capacity(CONNECTIONS);
        let began = Instant::now();
        while seen.took.len() < due.len() {
            let now = began.elapsed();
            if now > limit {
                return Err(format!("{} of {} answers came", seen.took.len(), due.len()).into());
            }
            // One at a time, so that no answer waits until many requests are sent.
            if unsent.peek().is_some_and(|&(due, _)| due <= now)
                && let Some(n) = self.idle.pop_front()
                && let Some((due, request)) = unsent.next()
            {
                let connection = &mut self.connections[n];
                seen.late.push(now - due);
                connection.due = due;
                // The buffer of a socket without an open request has room for one.
                connection.socket.write_all(request)?;
            }
            self.poll.poll(&mut events, Some(Duration::ZERO))?;
            for event in &events {
                let Token(n) = event.token();
                let connection = &mut self.connections[n];
                if connection.receive()? {
                    seen.took.push(began.elapsed() - connection.due);
                    self.idle.push_back(n);
                }
            }
        }
        seen.lasted = began.elapsed();
        Ok(seen)
    }
}

impl Connection {
    /// Reads what has come. Returns whether the answer is complete with it.
    fn receive(&mut self) -> Result<bool, BoxError> {
        let mut buffer = [0; MAX_ANSWER_LEN];
        match self.socket.read(&mut buffer) {
            Ok(0) => return Err("the server closed a connection".into()),
            Ok(read) => self.answer.extend_from_slice(&buffer[..read]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        let complete = is_complete(&self.answer)?;
        if complete {
            self.answer.clear();
        }
        Ok(complete)
    }
}

/// Whether an answer is complete. Fails unless it is a success.
fn is_complete(answer: &[u8]) -> Result<bool, BoxError> {
    let Some(end) = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
        return Ok(false);
    };
    let head = str::from_utf8(&answer[..end])?;
    let mut lines = head.lines();
    let status = lines.next().unwrap_or_default();
    if !status.starts_with("HTTP/1.1 200 ") {
        return Err(format!("expected 200, not {status}").into());
    }
    let length = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then_some(value)
    });
    let length: usize = length
        .ok_or("an answer without its length")?
        .trim()
        .parse()?;
    let beyond = answer.len().checked_sub(end + 4 + length);
    match beyond {
        None => Ok(false),
        Some(0) => Ok(true),
        Some(_) => Err("more than an answer came for a request".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(due: &[Duration]) -> Vec<f64> {
        due.iter().map(Duration::as_secs_f64).collect()
    }

    #[test]
    fn even_requests_are_due_at_multiples_of_an_interval() {
        let due = schedule(4.0, 2.0, || 1.0);
        assert_eq!(seconds(&due), [0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0]);
        // The scale of the intervals is of no account.
        assert_eq!(due, schedule(4.0, 2.0, || 7.0));
        assert_eq!(schedule(1.0, 0.5, || 1.0), []);
    }

    #[test]
    fn random_requests_have_the_rate_and_exponential_intervals() {
        let due = seconds(&schedule(1_000.0, 100.0, exponential(1)));
        assert_eq!((due.len(), due.last()), (100_000, Some(&100.0)));
        let intervals: Vec<_> = due.windows(2).map(|two| 1e3 * (two[1] - two[0])).collect();
        // An interval exceeds n times the mean with a probability of e^-n.
        for times in [0.1, 1.0, 2.0, 4.0] {
            let beyond = intervals
                .iter()
                .filter(|interval| **interval > times)
                .count();
            let share = beyond as f64 / intervals.len() as f64;
            assert!((share - (-times).exp()).abs() < 0.005, "{times}: {share}");
        }
        assert!(intervals.iter().all(|interval| *interval >= 0.0));
    }

    #[test]
    fn a_seed_repeats_a_schedule() {
        let of = |seed| schedule(1_000.0, 1.0, exponential(seed));
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
    }

    #[test]
    fn a_line_becomes_a_request() {
        let request = request("/p", "17\tn0\tabc\t{\"a\":\"\tb\"}").unwrap();
        let request = String::from_utf8(request).unwrap();
        assert!(request.starts_with("POST /p HTTP/1.1\r\n"), "{request}");
        assert!(request.contains("\r\nContent-Length: 10\r\n"), "{request}");
        assert!(request.ends_with("\r\nX-Lark-Signature: abc\r\n\r\n{\"a\":\"\tb\"}"));
        assert!(self::request("/p", "17\tn0\tabc").is_none());
    }

    #[test]
    fn an_answer_is_complete_with_the_end_of_its_body() {
        let answer = b"HTTP/1.1 200 OK\r\ncontent-LENGTH: 2\r\n\r\n{}";
        for len in 0..answer.len() {
            assert!(!is_complete(&answer[..len]).unwrap(), "{len}");
        }
        assert!(is_complete(answer).unwrap());
        for wrong in [
            &b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n"[..],
            b"HTTP/1.1 200 OK\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n{}",
        ] {
            assert!(is_complete(wrong).is_err());
        }
    }
}
