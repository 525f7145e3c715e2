//! The examples as processes: what they print, answer and exit with is part of their contract.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;
use lark_events::EventType as _;
use lark_events_sim::{Answer, Document, Platform};
use serde_json::{Value, json};
use vc_events::ReserveConfigUpdatedV1;

use crate::platform::{KEY, PATH, TOKEN, platform, posted, sample, signed, unsigned};

/// `cargo test` builds the examples before it runs a test.
fn example(name: &str) -> Command {
    let deps = std::env::current_exe().unwrap();
    let target: PathBuf = deps.ancestors().nth(2).unwrap().into();
    let program = target.join("examples").join(name);
    assert!(
        program.exists() || program.with_extension("exe").exists(),
        "{} is not built: cargo build --examples",
        program.display()
    );
    Command::new(program)
}

#[test]
fn quickstart_shows_the_main_job_and_exits_0() {
    let output = example("quickstart").output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{stdout}");
    for shown in [
        "URL check: passed",
        "handler: vc.reserve_config.updated_v1 of tenant 2ca1d211f64f6438",
        r#"handler: Some(Room) Some("omm_3c5dd7e09bac0c1758fcf9511bd1a771")"#,
        "attempt 1: status 200 OK",
        "forged event:\n  answer: status 401 Unauthorized",
    ] {
        assert!(stdout.contains(shown), "no {shown} in\n{stdout}");
    }
}

/// A running webhook example.
struct Server {
    process: Child,
    address: SocketAddr,
    stdout: BufReader<ChildStdout>,
    /// Kept open, so that logging never fails.
    _stderr: std::thread::JoinHandle<()>,
}

impl Server {
    fn start(name: &str, key: &str, token: &str) -> Self {
        let mut process = example(name)
            .env("LISTEN_ADDR", "127.0.0.1:0")
            .env("LARK_ENCRYPT_KEY", key)
            .env("LARK_VERIFICATION_TOKEN", token)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(process.stdout.take().unwrap());
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let address = lines.find_map(|line| {
            let line = line.unwrap();
            let address = line.split_once("http://")?.1.strip_suffix(PATH)?;
            Some(address.parse().unwrap())
        });
        let _stderr = std::thread::spawn(move || lines.for_each(drop));
        Self {
            process,
            address: address.expect("the address is logged"),
            stdout,
            _stderr,
        }
    }

    fn connect(&self) -> TcpStream {
        let socket = TcpStream::connect(self.address).unwrap();
        socket
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        socket
    }

    fn url(&self) -> String {
        format!("http://{}{PATH}", self.address)
    }

    /// Posts what the platform would not, and gives the status and body of the answer.
    fn post(&self, request: &Request<Bytes>) -> (u16, String) {
        let mut head = format!(
            "POST {PATH} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n",
            request.body().len()
        );
        for (name, value) in request.headers() {
            head += &format!("{name}: {}\r\n", value.to_str().unwrap());
        }
        head += "\r\n";
        let mut socket = self.connect();
        socket.write_all(head.as_bytes()).unwrap();
        socket.write_all(request.body()).unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, body.to_owned())
    }

    /// The next event that it prints.
    fn line(&mut self) -> Value {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    /// Stops it with a signal, and gives what it still printed and whether it exited with 0.
    fn stop(mut self, signal: &str) -> (String, bool) {
        let pid = self.process.id().to_string();
        let sent = Command::new("kill").args([signal, &pid]).status().unwrap();
        assert!(sent.success());
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        (rest, self.process.wait().unwrap().success())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Pushes an event that the app handles, and gives its id.
async fn push(platform: &Platform, event: impl Into<Document>) -> String {
    let report = platform.push(event).await;
    let [attempt] = &report.attempts[..] else {
        panic!("{report:?}")
    };
    let Answer::Response { status, body, .. } = &attempt.answer else {
        panic!("{report:?}")
    };
    assert_eq!(*status, 200);
    assert_eq!(body, r#"{"msg":"success"}"#);
    report.event_id
}

async fn the_contract_of_a_webhook_example(name: &str) {
    let mut server = Server::start(name, KEY, TOKEN);
    let forger = platform().encrypt_key("a guess").start().await.unwrap();
    // Which checks the URL.
    let platform = platform().webhook(&server.url()).start().await.unwrap();

    let event_id = push(&platform, sample()).await;
    let documented: Value =
        serde_json::from_str(ReserveConfigUpdatedV1::INFO.sample.unwrap()).unwrap();
    let line = server.line();
    assert_eq!(line["event_type"], "vc.reserve_config.updated_v1");
    assert_eq!(line["event_id"], event_id);
    assert_eq!(line["app_id"], platform.app_id());
    assert_eq!(line["tenant_key"], "2ca1d211f64f6438");
    assert_eq!(
        line["event"]["time_config"],
        documented["event"]["time_config"]
    );
    assert_eq!(line.as_object().unwrap().len(), 5);

    // Another event, in the old envelope, laid out over lines.
    let v1 = format!(
        "{{\"uuid\":\"u-1\",\"token\":\"{TOKEN}\",\"ts\":\"1.5\",\"type\":\"event_callback\",\n\
         \"event\":{{\"type\":\"message\",\r\n\"app_id\":\"cli_1\",\"tenant_key\":\"t-1\"}}}}"
    );
    assert_eq!(push(&platform, v1).await, "u-1");
    let event = json!({"type": "message", "app_id": "cli_1", "tenant_key": "t-1"});
    assert_eq!(
        server.line(),
        json!({"event_type": "message", "event_id": "u-1", "app_id": "cli_1",
            "tenant_key": "t-1", "event": event})
    );

    for (request, status) in [
        (forger.request(sample()), 401),
        (unsigned(posted(sample()).into_body()), 401),
        (unsigned(""), 401),
        (signed("{"), 400),
        (signed(&b"\xff"[..]), 400),
    ] {
        assert_eq!(server.post(&request), (status, String::new()));
    }
    push(&platform, sample()).await;
    server.line();
    let (rest, exited_with_0) = server.stop("-TERM");
    assert_eq!(rest, "", "nothing but events is printed");
    assert!(exited_with_0);
}

#[cfg(unix)]
#[tokio::test]
async fn axum_webhook_keeps_its_contract() {
    the_contract_of_a_webhook_example("axum_webhook").await;
}

#[cfg(unix)]
#[tokio::test]
async fn hyper_webhook_keeps_its_contract() {
    the_contract_of_a_webhook_example("hyper_webhook").await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_webhook_example_stops_at_sigint_and_works_with_a_token_alone() {
    for name in ["axum_webhook", "hyper_webhook"] {
        let mut server = Server::start(name, "", TOKEN);
        let platform = Platform::builder().verification_token(TOKEN);
        let platform = platform.webhook(&server.url()).start().await.unwrap();
        push(&platform, sample()).await;
        server.line();
        assert!(server.stop("-INT").1, "{name}");
    }
}

#[cfg(unix)]
#[test]
fn a_webhook_example_can_be_stopped_as_soon_as_it_listens() {
    for name in ["axum_webhook", "hyper_webhook"] {
        for _ in 0..10 {
            let server = Server::start(name, KEY, TOKEN);
            assert!(server.stop("-TERM").1, "{name}");
        }
    }
}

#[test]
fn a_webhook_example_without_any_secret_says_so_and_exits_1() {
    for name in ["axum_webhook", "hyper_webhook"] {
        let output = example(name)
            .env("LISTEN_ADDR", "127.0.0.1:0")
            .env_remove("LARK_ENCRYPT_KEY")
            .env("LARK_VERIFICATION_TOKEN", "")
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.contains("NoSecret"), "{stderr}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn hyper_webhook_cuts_off_a_sender_of_slow_headers() {
    let server = Server::start("hyper_webhook", KEY, TOKEN);
    let mut slow = server.connect();
    let began = Instant::now();
    slow.write_all(b"POST /webhook/event HTTP/1.1\r\nhost: x\r\n")
        .unwrap();
    let mut answer = String::new();
    slow.read_to_string(&mut answer).unwrap();
    assert!(began.elapsed() < Duration::from_secs(10), "{answer}");
    let platform = platform().webhook(&server.url()).start().await.unwrap();
    push(&platform, sample()).await;
}

#[cfg(unix)]
#[test]
fn hyper_webhook_answers_what_is_no_event_with_the_app_below() {
    let server = Server::start("hyper_webhook", KEY, TOKEN);
    let mut socket = server.connect();
    let request = b"GET /other HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    socket.write_all(request).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
}
