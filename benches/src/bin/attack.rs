//! A timing attack on rejections, against an opener with variable timing and against ours. `attack`
//! runs it in process and over HTTP, and fails if it learns nothing from the former or anything
//! from ours. `cargo xtask attack` starts it.
//!
//! An attacker has captured one encrypted event, and posts its blocks again, unsigned. CBC lets them change
//! every byte of the first block by any mask: with the block before as initialization vector, the first
//! block is what it was, and with `mask` over it, what it was under `mask`. They turn the first two bytes,
//! which they know, into the beginning of an object, and three others into a character of three bytes. It
//! is UTF-8 but for one value of the first: that of `E0`. A reader that stops where UTF-8 ends is done
//! sooner then.

use std::hint::black_box;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use benches::event::{ENCRYPT_KEY, webhook};
use benches::refused::{Leaky, wrapped};
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1 as client;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use lark_events::{BoxError, Dispatcher, EncryptKey};
use lark_events_tower::EventService;
use tokio::net::{TcpListener, TcpStream};

const BLOCK: usize = 16;
const IV: [u8; BLOCK] = *b"0123456789abcdef";
/// Answers timed for each value that a byte may have. The faster half of them counts.
const SAMPLES: usize = 100;
/// Digits found by chance: 1.4 of 14. More than this has a chance below 1 in 600.
const BY_CHANCE: RangeInclusive<usize> = 0..=5;
/// Digits found where there is something to find: a noisy machine may cost one or two.
const RECOVERED: RangeInclusive<usize> = 12..=14;

/// What the attacker is after: seven digits in each of two blocks.
const SECRET: [&str; 2] = ["4815162", "3421007"];

/// How often the end of the event repeats itself: as often as an unsigned body of [`Leaky`] may be long, and
/// of ours.
const LONG: usize = 60;
const SHORT: usize = 8;

/// The captured event. The attacker knows everything in it but the digits, and where they are.
fn event(repeated: usize) -> String {
    let head = format!(
        r#"{{"schema":"2.0","header":{{"event_type":"x_v1","token":"{}"}},"event":{{"text":""#,
        "t".repeat(32)
    );
    let head = format!("{head:width$}", width = head.len().next_multiple_of(BLOCK));
    let [one, other] = SECRET;
    let tail = "and no quotation mark for a long while. ".repeat(repeated);
    format!(r#"{head}: {one} so far: {other} in all {tail}"}}}}"#)
}

/// One digit that is not known: its block, and its place in it.
#[derive(Debug, Clone, Copy)]
struct Place {
    block: usize,
    at: usize,
}

impl Place {
    fn all() -> Vec<Self> {
        let first = event(0).find(": 4815162").expect("the first digits") / BLOCK;
        let blocks = [first, first + 1];
        let places = blocks
            .into_iter()
            .flat_map(|block| (2..9).map(move |at| Self { block, at }));
        places.collect()
    }

    /// The captured message from the block on, so that the digit here becomes `E0` if it is `guess`.
    fn forge(self, captured: &[u8], guess: u8) -> Bytes {
        let known = event(0).into_bytes();
        let start = self.block * BLOCK;
        let mut message = captured[start..].to_vec();
        let is_secret = |at: usize| (2..9).contains(&at);
        let mut set = |at: usize, mask: u8| message[at] ^= mask;
        // An object whose first member's name is all that follows.
        set(0, known[start] ^ b'{');
        set(1, known[start + 1] ^ b'"');
        set(self.at, (b'0' + guess) ^ 0xe0);
        // Continuations: `E0` wants the next one above 9F, any other lead but `ED` takes what this is.
        for (at, wanted) in [(self.at + 1, 0x90), (self.at + 2, 0x90)] {
            let mask = if is_secret(at) {
                0xa0
            } else {
                known[start + at] ^ wanted
            };
            set(at, mask);
        }
        wrapped(&message)
    }
}

/// Times answers to requests.
trait Oracle {
    async fn time(&mut self, body: Bytes) -> Duration;
}

/// How many digits the attack finds.
async fn attack(repeated: usize, oracle: &mut impl Oracle) -> usize {
    let captured = EncryptKey::new(ENCRYPT_KEY).seal(event(repeated).as_bytes(), IV);
    let captured = BASE64.decode(captured).expect("base64");
    let secret = SECRET.concat().into_bytes();
    let mut found = 0;
    for (place, digit) in Place::all().into_iter().zip(secret) {
        let bodies: Vec<_> = (0..10).map(|guess| place.forge(&captured, guess)).collect();
        let mut times = vec![Vec::with_capacity(SAMPLES); bodies.len()];
        // In turns, so that whatever else the machine does meets all alike.
        for _ in 0..SAMPLES {
            for (times, body) in times.iter_mut().zip(&bodies) {
                times.push(oracle.time(body.clone()).await);
            }
        }
        let times = times.iter_mut().map(|times| {
            times.sort_unstable();
            times[..SAMPLES / 2].iter().sum::<Duration>()
        });
        let guess = times.enumerate().min_by_key(|(_, time)| *time);
        found += usize::from(guess.is_some_and(|(guess, _)| guess == usize::from(digit - b'0')));
    }
    found
}

/// An opener in this process.
struct InProcess<F>(F);

impl<F: FnMut(Bytes) -> bool> Oracle for InProcess<F> {
    async fn time(&mut self, body: Bytes) -> Duration {
        let began = Instant::now();
        let opened = black_box((self.0)(body));
        let time = began.elapsed();
        assert!(!opened, "a forged request is rejected");
        time
    }
}

/// A server on loopback, over one connection.
struct OverHttp(client::SendRequest<Full<Bytes>>);

impl OverHttp {
    async fn connect(address: SocketAddr) -> Result<Self, BoxError> {
        let socket = TcpStream::connect(address).await?;
        socket.set_nodelay(true)?;
        let (sender, connection) = client::handshake(TokioIo::new(socket)).await?;
        tokio::spawn(connection);
        Ok(Self(sender))
    }

    async fn status(&mut self, body: Bytes) -> Result<StatusCode, BoxError> {
        let request = Request::post("/")
            .header("host", "localhost")
            .body(Full::new(body))?;
        self.0.ready().await?;
        let response = self.0.send_request(request).await?;
        let status = response.status();
        response.into_body().collect().await?;
        Ok(status)
    }
}

impl Oracle for OverHttp {
    async fn time(&mut self, body: Bytes) -> Duration {
        let began = Instant::now();
        let status = self.status(body).await.expect("an answer");
        let time = began.elapsed();
        assert_eq!(status, StatusCode::UNAUTHORIZED);
        time
    }
}

/// Serves on a separate thread, as another process would.
fn serve(is_leaky: bool) -> Result<SocketAddr, BoxError> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    std::thread::spawn(move || {
        runtime.block_on(async move {
            let listener = TcpListener::from_std(listener)?;
            let (socket, _) = listener.accept().await?;
            socket.set_nodelay(true)?;
            let io = TokioIo::new(socket);
            if is_leaky {
                let leaky = Arc::new(Leaky::new());
                let answer = service_fn(move |request: Request<Incoming>| {
                    let leaky = Arc::clone(&leaky);
                    async move {
                        let body = request.into_body().collect().await?.to_bytes();
                        let mut answer = Response::new(Full::new(Bytes::new()));
                        if leaky.open(&body).is_none() {
                            *answer.status_mut() = StatusCode::UNAUTHORIZED;
                        }
                        Ok::<_, hyper::Error>(answer)
                    }
                });
                http1::Builder::new().serve_connection(io, answer).await?;
            } else {
                let dispatcher = Dispatcher::builder().build()?;
                let events = EventService::new(webhook(), dispatcher);
                let events = TowerToHyperService::new(events);
                http1::Builder::new().serve_connection(io, events).await?;
            }
            Ok::<_, BoxError>(())
        })
    });
    Ok(address)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode, BoxError> {
    let leaky = Leaky::new();
    let ours = webhook();
    let open = |body: Bytes| ours.open(&HeaderMap::new(), body).is_ok();
    let mut all_expected = true;
    let mut report = |what: &str, found: usize, expected: RangeInclusive<usize>| {
        let is_expected = expected.contains(&found);
        all_expected &= is_expected;
        let verdict = if is_expected {
            "as expected"
        } else {
            "NOT as expected"
        };
        println!("{what}: {found} of 14 digits found, {verdict}");
    };
    let requests = 14 * 10 * SAMPLES;
    println!("{requests} requests each; 1 or 2 digits are found by chance");
    let mut in_process = InProcess(|body: Bytes| leaky.open(&body).is_some());
    let found = attack(LONG, &mut in_process).await;
    report("an opener that stops early, in process", found, RECOVERED);
    let found = attack(SHORT, &mut InProcess(open)).await;
    report("ours, in process", found, BY_CHANCE);
    let mut server = OverHttp::connect(serve(true)?).await?;
    let found = attack(LONG, &mut server).await;
    report("an opener that stops early, over HTTP", found, RECOVERED);
    let mut server = OverHttp::connect(serve(false)?).await?;
    let found = attack(SHORT, &mut server).await;
    report("ours, over HTTP", found, BY_CHANCE);
    Ok(if all_expected {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
