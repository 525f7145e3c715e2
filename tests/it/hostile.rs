//! The webhook examples set what is a server's job, and not the service's: seen from outside, as processes
//! whose memory can be measured.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use lark_events::limits::MAX_EVENT_BYTES;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::bounded_listener::MAX_CONNECTIONS;
use crate::examples::example;
use crate::platform::{KEY, PATH, TOKEN, posted, sample};

/// What either example bears: it has five seconds for headers or an answer.
const CUT_OFF: Duration = Duration::from_secs(8);

/// A running webhook example.
struct Webhook {
    process: Child,
    address: SocketAddr,
}

impl Webhook {
    fn start(name: &str) -> Self {
        Self::of(&mut example(name))
    }

    /// All peers may have the same address.
    fn behind_a_proxy(name: &str) -> Self {
        let per_peer = MAX_CONNECTIONS.to_string();
        Self::of(example(name).env("LISTEN_MAX_PER_PEER", per_peer))
    }

    fn of(command: &mut Command) -> Self {
        let mut process = command
            .env("LISTEN_ADDR", "127.0.0.1:0")
            .env("LARK_ENCRYPT_KEY", KEY)
            .env("LARK_VERIFICATION_TOKEN", TOKEN)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = BufReader::new(process.stderr.take().unwrap());
        let mut log = log.lines().map(Result::unwrap);
        let address = log.find_map(|line| {
            let address = line.split_once("http://")?.1.strip_suffix(PATH)?;
            address.parse().ok()
        });
        std::thread::spawn(move || log.for_each(drop));
        Self {
            process,
            address: address.expect("the address is logged"),
        }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Posts an event on a connection of its own, and gives the answer to the end.
    async fn push(&self) -> String {
        self.push_on(self.connect().await).await
    }

    async fn push_on(&self, mut socket: TcpStream) -> String {
        let event = posted(sample());
        socket
            .write_all(head(&event, event.body().len()).as_bytes())
            .await
            .unwrap();
        socket.write_all(event.body()).await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        answer
    }

    /// How much memory it has, in KiB: 0 where nobody tells as Linux does.
    fn memory(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()));
        let status = status.unwrap_or_default();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let resident = resident.and_then(|resident| resident.trim().strip_suffix(" kB"));
        resident.map_or(0, |resident| resident.parse().unwrap())
    }
}

impl Drop for Webhook {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn head(request: &Request<Bytes>, length: usize) -> String {
    let mut head = format!("POST {PATH} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n");
    for (name, value) in request.headers() {
        head += &format!("{name}: {}\r\n", value.to_str().unwrap());
    }
    format!("{head}content-length: {length}\r\n\r\n")
}

/// Sends all of `begin`, then `rest` again and again with a pause before each, until it is cut off.
async fn slow(mut socket: TcpStream, begin: Bytes, rest: &'static [u8]) {
    let (mut answers, mut requests) = socket.split();
    let send = async {
        let _ = requests.write_all(&begin).await;
        while requests.write_all(rest).await.is_ok() {
            sleep(Duration::from_millis(100)).await;
        }
        std::future::pending::<()>().await;
    };
    let cut_off = async {
        let mut answer = Vec::new();
        let _ = answers.read_to_end(&mut answer).await;
    };
    tokio::select! {
        () = cut_off => {}
        () = send => {}
    }
}

/// Everything slow at once: all are cut off, an event is taken meanwhile, and memory stays bounded.
async fn bears_slow_senders(name: &str) {
    let webhook = Webhook::behind_a_proxy(name);
    assert!(webhook.push().await.starts_with("HTTP/1.1 200 OK"));
    let before = webhook.memory();

    let request_line = Bytes::from(format!("POST {PATH} HTTP/1.1\r\nhost: x\r\n"));
    let long_header = [&request_line[..], b"x: ", &b"y".repeat(350_000)].concat();
    let event = posted(sample());
    let short_body = head(&event, MAX_EVENT_BYTES);
    let long_body = short_body.clone() + &" ".repeat(MAX_EVENT_BYTES - 1_000);
    // With those of the other tests they are fewer than the 1,024 files that a process may usually open.
    let mut senders = JoinSet::new();
    for (count, begin, rest) in [
        (50, Bytes::new(), &b""[..]),
        (50, request_line, b"x"),
        (50, long_header.into(), b""),
        (50, short_body.into(), b" "),
        (20, long_body.into(), b" "),
    ] {
        for _ in 0..count {
            senders.spawn(slow(webhook.connect().await, begin.clone(), rest));
        }
    }

    let mut most = 0;
    let until = Instant::now() + Duration::from_secs(3);
    while Instant::now() < until {
        let answer = webhook.push().await;
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{name}: {answer}");
        most = most.max(webhook.memory().saturating_sub(before));
        sleep(Duration::from_millis(20)).await;
    }
    println!("{name}: {most} KiB more");
    // The bytes in flight, and hyper's longest header for each that sends one.
    let bound = 64 * 1024 + 50 * 400;
    assert!(most < 2 * bound, "{name}: {most}");
    let cut_off = timeout(CUT_OFF, senders.join_all()).await;
    assert!(cut_off.is_ok(), "{name}");
}

#[tokio::test]
async fn slow_senders_are_cut_off_by_the_webhook_examples_and_keep_nobody_out() {
    tokio::join!(
        bears_slow_senders("hyper_webhook"),
        bears_slow_senders("axum_webhook")
    );
}

/// From another address of this machine where it has one by itself, as Linux does.
fn another_peer() -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    if cfg!(target_os = "linux") {
        socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    }
    socket
}

// One test, so that these many sockets are not open twice at once.
#[tokio::test]
async fn connections_to_the_webhook_examples_are_bounded_and_idle_ones_keep_no_event_out() {
    for name in ["hyper_webhook", "axum_webhook"] {
        let webhook = Webhook::start(name);
        let mut idle = Vec::new();
        for _ in 0..MAX_CONNECTIONS {
            idle.push(webhook.connect().await);
        }
        let same = webhook.push();
        let other = async {
            let socket = another_peer().connect(webhook.address);
            webhook.push_on(socket.await.unwrap()).await
        };
        // Before the idle ones are cut off.
        let answers = timeout(Duration::from_secs(3), async { [same.await, other.await] });
        for answer in answers.await.expect(name) {
            assert!(answer.starts_with("HTTP/1.1 200 OK"), "{name}: {answer}");
        }
        drop((idle, webhook));

        let webhook = Webhook::behind_a_proxy(name);
        let begin = async || {
            let mut socket = webhook.connect().await;
            socket.write_all(b"POST ").await.unwrap();
            socket
        };
        let mut busy = Vec::new();
        for _ in 0..MAX_CONNECTIONS {
            busy.push(begin().await);
        }
        let push = loop {
            let mut push = Box::pin(webhook.push());
            if timeout(Duration::from_millis(500), &mut push)
                .await
                .is_err()
            {
                break push;
            }
            // In the place of one of which nothing had been read yet.
            busy.push(begin().await);
            assert!(
                busy.len() < 2 * MAX_CONNECTIONS,
                "{name}: nobody has to wait"
            );
        };
        busy.pop();
        // Before the others are cut off.
        let answer = timeout(Duration::from_secs(3), push).await.expect(name);
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{name}: {answer}");
    }
}
