//! The examples as processes: what they print, answer and exit with is part of their contract.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use lark_events::EventType as _;
use lark_events_sim::{Answer, Document, Platform};
use serde_json::{Value, json};
use vc_events::ReserveConfigUpdatedV1;

use crate::platform::{KEY, PATH, PATIENCE, TOKEN, platform, posted, sample, signed, unsigned};

/// `cargo test` builds the examples before it runs a test.
pub(crate) fn example(name: &str) -> Command {
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
        "attempt 1: acknowledged with 200\nlong connection: closed",
    ] {
        assert!(stdout.contains(shown), "no {shown} in\n{stdout}");
    }
    let handled = stdout.matches("handler: vc.reserve_config.updated_v1");
    assert_eq!(handled.count(), 2, "{stdout}");
}

/// Only what asks for a sample has one.
#[test]
fn a_program_of_an_app_has_no_samples_in_it() {
    let sample: Value = serde_json::from_str(ReserveConfigUpdatedV1::SAMPLE.unwrap()).unwrap();
    let id = sample["event"]["scope_id"].as_str().unwrap();
    let has_sample = |name| {
        let program = std::fs::read(example(name).get_program()).unwrap();
        String::from_utf8_lossy(&program).contains(id)
    };
    assert!(!has_sample("axum_webhook"));
    assert!(has_sample("quickstart"));
}

#[test]
fn two_apps_tells_the_apps_apart_and_exits_0() {
    let output = example("two_apps").output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{stdout}");
    for (shown, times) in [
        ("handler: an event of cli_rooms\n", 2),
        ("handler: an event of cli_kitchen\n", 2),
        ("cli_kitchen: status 200 OK\n", 1),
        (
            "signed by cli_rooms:\n  answer: status 401 Unauthorized\n",
            1,
        ),
        ("cli_kitchen: acknowledged with 200\n", 1),
    ] {
        assert_eq!(stdout.matches(shown).count(), times, "{shown} in\n{stdout}");
    }
}

/// A running example.
pub(crate) struct App {
    process: Child,
    stdout: BufReader<ChildStdout>,
    /// Its lines on stderr, read at once, so that logging never waits for a test.
    log: mpsc::Receiver<String>,
}

impl App {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut process = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(process.stdout.take().unwrap());
        let lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let (sender, log) = mpsc::channel();
        std::thread::spawn(move || lines.for_each(|line| drop(sender.send(line.unwrap()))));
        Self {
            process,
            stdout,
            log,
        }
    }

    /// The next event that it prints.
    pub(crate) fn line(&mut self) -> Value {
        serde_json::from_str(&self.text()).unwrap()
    }

    /// The next line that it prints.
    fn text(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line
    }

    /// Waits for a line on stderr with `text` in it.
    pub(crate) fn logged(&self, text: &str) -> String {
        loop {
            let line = self.log.recv_timeout(Duration::from_secs(20)).expect(text);
            if line.contains(text) {
                return line;
            }
        }
    }

    /// Stops it with a signal, and gives what it still printed and whether it exited with 0.
    pub(crate) fn stop(mut self, signal: &str) -> (String, bool) {
        let pid = self.process.id().to_string();
        let sent = Command::new("kill").args([signal, &pid]).status().unwrap();
        assert!(sent.success());
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        (rest, self.process.wait().unwrap().success())
    }
}

impl Drop for App {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A running webhook example.
struct Server {
    app: App,
    address: SocketAddr,
}

impl Server {
    fn start(name: &str, key: &str, token: &str) -> Self {
        let app = App::start(
            example(name)
                .env("LISTEN_ADDR", "127.0.0.1:0")
                .env("LARK_LOG", "debug")
                .env("LARK_ENCRYPT_KEY", key)
                .env("LARK_VERIFICATION_TOKEN", token),
        );
        let address = app.log.iter().find_map(|line| {
            let address = line.split_once("http://")?.1.strip_suffix(PATH)?;
            Some(address.parse().unwrap())
        });
        Self {
            app,
            address: address.expect("the address is logged"),
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
}

/// Pushes an event that the app handles, and gives its id.
async fn push(platform: &Platform, event: impl Into<Document>) -> String {
    let report = platform.push(event).await;
    let [attempt] = &report.attempts[..] else {
        panic!("{report:?}")
    };
    match &attempt.answer {
        Answer::Response { status, body, .. } => {
            assert_eq!(*status, 200);
            assert_eq!(body, r#"{"msg":"success"}"#);
        }
        Answer::Ack { code, .. } => assert_eq!(*code, 200),
        other => panic!("{other}"),
    }
    report.event_id
}

/// Pushes events of both envelopes to an app, which prints a line for each.
pub(crate) async fn pushed_events_are_printed(platform: &Platform, app: &mut App) {
    let event_id = push(platform, sample()).await;
    let documented: Value = serde_json::from_str(ReserveConfigUpdatedV1::SAMPLE.unwrap()).unwrap();
    let line = app.line();
    let header = &line["header"];
    assert_eq!(header["event_type"], "vc.reserve_config.updated_v1");
    assert_eq!(header["event_id"], event_id);
    assert_eq!(header["app_id"], platform.app_id());
    assert_eq!(header["tenant_key"], "2ca1d211f64f6438");
    assert_eq!(
        line["event"]["time_config"],
        documented["event"]["time_config"]
    );
    assert_eq!(line.as_object().unwrap().len(), 3);

    // Another event, in the old envelope, laid out over lines.
    let app_id = platform.app_id();
    let v1 = format!(
        "{{\"uuid\":\"u-1\",\"token\":\"{TOKEN}\",\"ts\":\"1.5\",\"type\":\"event_callback\",\n\
         \"event\":{{\"type\":\"message\",\r\n\"app_id\":\"{app_id}\",\"tenant_key\":\"t-1\"}}}}"
    );
    assert_eq!(push(platform, v1).await, "u-1");
    let event = json!({"type": "message", "app_id": app_id, "tenant_key": "t-1"});
    assert_eq!(
        app.line(),
        json!({"schema": "2.0", "event": event, "header": {"event_type": "message",
            "event_id": "u-1", "create_time": "1.5", "app_id": app_id, "tenant_key": "t-1"}})
    );
}

async fn the_contract_of_a_webhook_example(name: &str) {
    let mut server = Server::start(name, KEY, TOKEN);
    let forger = platform().encrypt_key("a guess").start().await.unwrap();
    // Which checks the URL.
    let platform = platform().webhook(&server.url()).start().await.unwrap();

    pushed_events_are_printed(&platform, &mut server.app).await;

    for (request, status) in [
        (forger.request(sample()), 401),
        (unsigned(posted(sample()).into_body()), 401),
        (unsigned(""), 401),
        (signed("{"), 400),
        (signed(&b"\xff"[..]), 400),
    ] {
        assert_eq!(server.post(&request), (status, String::new()));
    }
    server.app.logged("reason=\"signature\"");
    push(&platform, sample()).await;
    server.app.line();
    let (rest, exited_with_0) = server.app.stop("-TERM");
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
        let platform = Platform::builder()
            .verification_token(TOKEN)
            .url_check_limit(PATIENCE);
        let platform = platform.webhook(&server.url()).start().await.unwrap();
        push(&platform, sample()).await;
        server.app.line();
        assert!(server.app.stop("-INT").1, "{name}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn no_event_gets_a_control_to_the_terminal_of_a_webhook_example() {
    const HOSTILE: &str = "\u{1b}[2J\u{9b}2J\u{7f}\r\n\t\u{202e}\u{2066}\u{200e}\u{2028}\u{e0041}";
    let mut server = Server::start("axum_webhook", KEY, TOKEN);
    let platform = platform().webhook(&server.url()).start().await.unwrap();
    let event = Document::v2(&format!("{HOSTILE}_v1"), &json!({HOSTILE: HOSTILE})).unwrap();
    push(
        &platform,
        event.event_id(HOSTILE).header("tenant_key", HOSTILE),
    )
    .await;
    let printed = server.app.text();
    let logged = server.app.logged("dispatched");
    for text in [printed.trim_end_matches('\n'), &logged] {
        let acts = |char: char| HOSTILE.contains(char) && (char.is_control() || !char.is_ascii());
        assert!(!text.contains(acts), "{text:?}");
        assert!(text.contains("2J"), "{text}");
    }
    let printed: Value = serde_json::from_str(&printed).unwrap();
    for name in ["event_id", "tenant_key"] {
        assert_eq!(printed["header"][name], HOSTILE);
    }
    assert_eq!(printed["event"], json!({HOSTILE: HOSTILE}));
}

#[cfg(unix)]
#[test]
fn a_webhook_example_can_be_stopped_as_soon_as_it_listens() {
    for name in ["axum_webhook", "hyper_webhook"] {
        for _ in 0..10 {
            let server = Server::start(name, KEY, TOKEN);
            assert!(server.app.stop("-TERM").1, "{name}");
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

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn prometheus_exports_what_the_webhook_received() {
    let mut server = Server::start("prometheus", KEY, TOKEN);
    let platform = platform().webhook(&server.url()).start().await.unwrap();
    for _ in 0..2 {
        push(&platform, sample().event_id("e-1")).await;
    }
    server.app.line();
    assert_eq!(server.post(&unsigned("{}")).0, 401);

    let mut socket = server.connect();
    socket
        .write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .unwrap();
    let mut figures = String::new();
    socket.read_to_string(&mut figures).unwrap();
    let of = r#"event_type="vc.reserve_config.updated_v1""#;
    for line in [
        format!(r#"lark_events_deliveries_total{{{of},transport="webhook",outcome="handled"}} 2"#),
        format!("lark_events_duplicates_total{{{of}}} 1"),
        r#"lark_events_rejections_total{reason="unsigned"} 1"#.to_owned(),
        r#"lark_events_ack_seconds_bucket{transport="webhook",le="3"} 2"#.to_owned(),
        r#"lark_events_running{transport="webhook"} 0"#.to_owned(),
        "# TYPE lark_events_ack_seconds histogram".to_owned(),
    ] {
        assert!(figures.contains(&line), "no {line} in {figures}");
    }
    assert!(server.app.stop("-TERM").1);
}
