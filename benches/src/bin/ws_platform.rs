//! The platform's side of a long connection as a source of load, for `cargo xtask bench-ws`: keeps so
//! many events open at once, times their answers, and does nothing else. The simulator,
//! `lark-events-sim`, remembers, checks and can redeliver what it pushes; it takes longer over an event
//! than our client does.
//!
//! Prints its base URL, then what a connection that is opened there did in so many seconds. Ends when
//! its standard input is closed.
//!
//! ```sh
//! ws_platform WINDOW SECONDS
//! ```

use std::env;
use std::fs;
use std::io;
use std::time::Duration;

use benches::event::document;
use benches::{Size, percentile};
use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _};
use lark_events::BoxError;
use lark_events_ws::frame::{Frame, Method, header};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

/// How long a client may take to connect: the Python SDK takes seconds to be loaded.
const START_LIMIT: Duration = Duration::from_secs(30);
/// Not measured: code is compiled, and buffers grow.
const WARM_UP: Duration = Duration::from_secs(1);
/// An event without an answer by then has failed, as on the platform.
const ANSWER_LIMIT: Duration = Duration::from_secs(3);
const SERVICE: i32 = 33_554_678;

type Socket = WebSocketStream<TcpStream>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [window, seconds] = arguments.as_slice() else {
        return Err("usage: ws_platform WINDOW SECONDS".into());
    };
    let (window, seconds) = (window.parse()?, seconds.parse()?);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}", listener.local_addr()?);
    let mut socket = timeout(START_LIMIT, opened(&listener)).await??;

    let mut load = Load::new(window);
    for place in 0..window {
        let event = load.next(place);
        socket.feed(event).await?;
    }
    socket.flush().await?;
    load.run_until(Instant::now() + WARM_UP, &mut socket)
        .await?;
    load.seen.took.clear();
    let (began, busy) = (Instant::now(), cpu_time());
    let length = Duration::try_from_secs_f64(seconds)?;
    load.run_until(began + length, &mut socket).await?;
    let seconds = began.elapsed().as_secs_f64();
    let busy = busy
        .zip(cpu_time())
        .map(|(began, ended)| (ended - began).as_secs_f64() / seconds);

    let unanswered = load.unanswered();
    let Seen { mut took, failed } = load.seen;
    if took.is_empty() && window > 0 {
        return Err("no event was acknowledged".into());
    }
    took.sort_unstable();
    println!(
        "{}",
        json!({
            "acked_per_s": took.len() as f64 / seconds,
            "failed": failed + unanswered,
            "p50_us": percentile(&took, 50),
            "p99_us": percentile(&took, 99),
            "platform_busy": busy,
        })
    );
    // The client is looked at before it is ended.
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}

/// Answers calls for an address until somebody opens a connection.
async fn opened(listener: &TcpListener) -> Result<Socket, BoxError> {
    let address = listener.local_addr()?;
    loop {
        let (mut socket, _) = listener.accept().await?;
        socket.set_nodelay(true)?;
        let mut method = [0; 3];
        socket.peek(&mut method).await?;
        if method == *b"GET" {
            return Ok(tokio_tungstenite::accept_async(socket).await?);
        }
        // The call ends with its body, an object of JSON; no head ends like that.
        let mut call = Vec::new();
        while !call.ends_with(b"}") && socket.read_buf(&mut call).await? > 0 {}
        let body = json!({"code": 0, "msg": "", "data": {
            "URL": format!("ws://{address}/?device_id=1&service_id={SERVICE}"),
            "ClientConfig": settings(),
        }});
        let body = body.to_string();
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
             Connection: close\r\n\r\n{body}"
        );
        socket.write_all(answer.as_bytes()).await?;
    }
}

/// The client configuration, also in each pong, as the Node SDK requires it.
fn settings() -> Value {
    json!({
        "ReconnectCount": -1,
        "ReconnectInterval": 120,
        "ReconnectNonce": 30,
        "PingInterval": 120,
    })
}

/// The open events, each at the place of its number modulo their count.
struct Load {
    event: Template,
    open: Vec<Open>,
    seen: Seen,
}

#[derive(Clone)]
struct Open {
    number: usize,
    since: Instant,
}

#[derive(Default)]
struct Seen {
    /// From push to acknowledgement, of each event.
    took: Vec<Duration>,
    failed: usize,
}

impl Load {
    fn new(window: usize) -> Self {
        let place = |number| Open {
            number,
            since: Instant::now(),
        };
        Self {
            event: Template::new(),
            open: (0..window).map(place).collect(),
            seen: Seen::default(),
        }
    }

    /// The next event in a place.
    fn next(&mut self, place: usize) -> Message {
        let window = self.open.len();
        let open = &mut self.open[place];
        open.number += window;
        open.since = Instant::now();
        self.event.numbered(open.number)
    }

    /// Answers each answer with the next event.
    async fn run_until(&mut self, end: Instant, socket: &mut Socket) -> Result<(), BoxError> {
        while let Ok(message) = timeout_at(end, socket.next()).await {
            let mut message = Some(message.ok_or("the client has closed the connection")?);
            // Whatever has come together is answered together.
            while let Some(received) = message {
                if let Message::Binary(received) = received?
                    && let Some(next) = self.take(Frame::decode(received)?)?
                {
                    socket.feed(next).await?;
                }
                message = socket.next().now_or_never().flatten();
            }
            socket.flush().await?;
        }
        Ok(())
    }

    /// Takes a frame and gives what to send for it.
    fn take(&mut self, frame: Frame) -> Result<Option<Message>, BoxError> {
        if frame.method() != Some(Method::Data) {
            let pong = Frame::control(SERVICE).with_header(header::TYPE, header::PONG);
            let pong = pong.with_payload(settings().to_string());
            return Ok(Some(Message::Binary(pong.encode())));
        }
        let number: usize = frame.header(header::MESSAGE_ID).ok_or("no id")?.parse()?;
        let place = number % self.open.len().max(1);
        let open = self.open.get(place).filter(|open| open.number == number);
        let took = open.ok_or("an answer to no open event")?.since.elapsed();
        if code(&frame)? == 200 && took <= ANSWER_LIMIT {
            self.seen.took.push(took);
        } else {
            self.seen.failed += 1;
        }
        Ok(Some(self.next(place)))
    }

    fn unanswered(&self) -> usize {
        let late = |open: &&Open| open.since.elapsed() > ANSWER_LIMIT;
        self.open.iter().filter(late).count()
    }
}

fn code(answer: &Frame) -> Result<i64, BoxError> {
    #[derive(Deserialize)]
    struct Answer {
        code: i64,
    }
    let payload = answer.payload.as_deref().ok_or("no payload")?;
    Ok(serde_json::from_slice::<Answer>(payload)?.code)
}

/// The message of an event, as it is but for its id.
struct Template {
    message: Vec<u8>,
    /// Where the id is in it.
    ids: Vec<usize>,
}

const ID_LEN: usize = 32;

impl Template {
    fn new() -> Self {
        let id = "f".repeat(ID_LEN);
        let message = Frame::data(SERVICE)
            .with_header(header::TYPE, header::EVENT)
            .with_header(header::MESSAGE_ID, &*id)
            .with_header(header::SUM, "1")
            .with_header(header::SEQ, "0")
            .with_header(header::TRACE_ID, "6e0a1f5d9b2c4e7f8a3b5c6d7e8f9a0b")
            .with_header(header::TIMESTAMP, "1608725989000")
            .with_payload(document(&id, Size::Sample))
            .encode()
            .to_vec();
        let windows = message.windows(ID_LEN).enumerate();
        let ids = windows.filter(|(_, at)| *at == id.as_bytes());
        let ids = ids.map(|(at, _)| at).collect();
        Self { message, ids }
    }

    fn numbered(&self, number: usize) -> Message {
        let id = format!("{number:0ID_LEN$}");
        let mut message = self.message.clone();
        for &at in &self.ids {
            message[at..at + ID_LEN].copy_from_slice(id.as_bytes());
        }
        Message::Binary(message.into())
    }
}

/// The time that this thread has run, where the system tells it in Linux's way.
fn cpu_time() -> Option<Duration> {
    let stat = fs::read_to_string("/proc/self/schedstat").ok()?;
    let nanos = stat.split(' ').next()?.parse().ok()?;
    Some(Duration::from_nanos(nanos))
}
