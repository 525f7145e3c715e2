//! A server under load: a process on a separate core, from its start to its end.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use std::{fs, str};

use super::PATH;
use super::apps::{App, Refusal};
use super::posts::Post;

/// Where the servers run, and the floor.
const CORE: &str = "1";

/// An interpreter reads tens of megabytes of an SDK before it listens.
const START_LIMIT: Duration = Duration::from_secs(30);
/// gunicorn listens before its worker has read them.
const ANSWER_LIMIT: Duration = START_LIMIT;
const STOP_LIMIT: Duration = Duration::from_secs(3);
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// In which `/proc/PID/stat` counts: `USER_HZ`, 100 on whatever Linux this runs on.
const TICKS_PER_SECOND: f64 = 100.0;

/// A command on the servers' core that ends when this process does, however it does.
pub(super) fn pinned() -> Command {
    let mut command = Command::new("setpriv");
    command
        .args(["--pdeathsig", "TERM"])
        .args(["taskset", "--cpu-list", CORE])
        .stdin(Stdio::null());
    command
}

/// A running server, which dropping it stops.
pub(super) struct Server {
    child: Child,
    pub(super) address: SocketAddr,
}

impl Server {
    /// Starts it and waits until it listens.
    pub(super) fn start(app: &App, secrets: &[(String, String)]) -> Result<Self, String> {
        let address = free_address().map_err(|error| error.to_string())?;
        let child = pinned()
            .arg(&app.program)
            .args(&app.arguments)
            .envs(app.environment.iter().cloned())
            .envs(secrets.iter().cloned())
            .env("LISTEN_ADDR", address.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("not started: {error}"))?;
        let mut server = Self { child, address };
        let deadline = Instant::now() + START_LIMIT;
        while TcpStream::connect(address).is_err() {
            if let Ok(Some(status)) = server.child.try_wait() {
                return Err(format!("not started: {status}"));
            }
            if Instant::now() > deadline {
                return Err("does not listen".to_owned());
            }
            sleep(POLL_INTERVAL);
        }
        Ok(server)
    }

    /// Checks that it accepts an event, and rejects it with another signature.
    pub(super) fn check(&self, post: &Post, refusal: Refusal) -> Result<(), String> {
        let taken = self.answer(post, &post.signature)?;
        if taken.status != 200 {
            return Err(format!("an event is answered {}", taken.status));
        }
        let refused = self.answer(post, &"0".repeat(post.signature.len()))?;
        let does_refuse = match refusal {
            Refusal::Unauthorized => refused.status == 401,
            Refusal::AnyOther => refused != taken,
            Refusal::None => true,
        };
        if !does_refuse {
            return Err(format!("a forged event is answered {}", refused.status));
        }
        Ok(())
    }

    fn answer(&self, post: &Post, signature: &str) -> Result<Answer, String> {
        let asked = (|| {
            let mut stream = TcpStream::connect(self.address)?;
            stream.set_read_timeout(Some(ANSWER_LIMIT))?;
            stream.write_all(post.request(PATH, signature).as_bytes())?;
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer)?;
            io::Result::Ok(answer)
        })();
        let answer = asked.map_err(|error| format!("no answer: {error}"))?;
        Answer::parse(&answer).ok_or_else(|| "no answer in HTTP".to_owned())
    }

    /// The most memory that it had at once, in KiB. That of several processes is added up, although
    /// they share some.
    pub(super) fn peak_kib(&self) -> Result<u64, String> {
        let peak = |id: &u32| {
            let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
            let mut lines = status.lines();
            let peak = lines.find_map(|line| line.strip_prefix("VmHWM:"))?;
            peak.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()
        };
        let peaks: Option<u64> = self.processes().and_then(|ids| ids.iter().map(peak).sum());
        peaks.ok_or_else(|| "gone, or without /proc".to_owned())
    }

    /// The processor time that it has used, in seconds.
    pub(super) fn processor_seconds(&self) -> Result<f64, String> {
        let ticks = |id: &u32| {
            let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
            // The second field is a name in brackets, which may have anything in it.
            let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
            let mut next = || fields.next()?.parse::<f64>().ok();
            Some(next()? + next()?)
        };
        let ticks: Option<f64> = self.processes().and_then(|ids| ids.iter().map(ticks).sum());
        let ticks = ticks.ok_or_else(|| "gone, or without /proc".to_owned())?;
        Ok(ticks / TICKS_PER_SECOND)
    }

    /// The process and its children.
    fn processes(&self) -> Option<Vec<u32>> {
        let id = self.child.id();
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).ok()?;
        let children = children.split_whitespace().map(|id| id.parse().ok());
        std::iter::once(Some(id)).chain(children).collect()
    }
}

impl Drop for Server {
    /// Sends SIGTERM, so that a server ends its child processes, and later SIGKILL.
    fn drop(&mut self) {
        let id = self.child.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &id]).status();
        let deadline = Instant::now() + STOP_LIMIT;
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < deadline {
            sleep(POLL_INTERVAL);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An address that was free a moment ago.
fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

#[derive(Debug, PartialEq)]
struct Answer {
    status: u16,
    body: String,
}

impl Answer {
    fn parse(answer: &[u8]) -> Option<Self> {
        let (head, body) = str::from_utf8(answer).ok()?.split_once("\r\n\r\n")?;
        let status = head.strip_prefix("HTTP/1.1 ")?.get(..3)?;
        Some(Self {
            status: status.parse().ok()?,
            body: body.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_its_status_and_its_body() {
        let refused = Answer::parse(b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n");
        let body = String::new();
        assert_eq!(refused, Some(Answer { status: 401, body }));
        let taken = Answer::parse(b"HTTP/1.1 200 OK\r\n\r\n\"handled\"");
        let body = "\"handled\"".to_owned();
        assert_eq!(taken, Some(Answer { status: 200, body }));
        for other in [&b""[..], b"HTTP/1.1 200 OK", b"HTTP/1.1 OK\r\n\r\n"] {
            assert_eq!(Answer::parse(other), None);
        }
    }
}
