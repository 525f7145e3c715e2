//! `listen`: between the simulator as the platform, and webhooks that accept, refuse, hang or are not there.

mod ends;
mod recorded;
mod targets;

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use lark_events::callback::{CardActionReply, CardActionTrigger, Toast};
use lark_events::{Dispatcher, Event, EventType, RawJson, Webhook};
use lark_events_sim::{Document, Mode, Platform};
use lark_events_tower::EventService;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::{KEY, TOKEN, lark_events};

/// Longer than anything here takes.
const LIMIT: Duration = Duration::from_secs(60);
const EVENT: &str = "vc.reserve_config.updated_v1";
const APP: [(&str, &str); 2] = [
    ("LARK_APP_ID", "cli_real"),
    ("LARK_APP_SECRET", "marked-app-secret"),
];
const SECRETS: [(&str, &str); 2] = [
    ("LARK_ENCRYPT_KEY", KEY),
    ("LARK_VERIFICATION_TOKEN", TOKEN),
];

/// The real platform: it never posts to a webhook, and redelivers soon.
async fn platform() -> Platform {
    let platform = Platform::builder()
        .app("cli_real", "marked-app-secret")
        .verification_token("of the long connection")
        .events_by(Mode::LongConnection)
        .callbacks_by(Mode::LongConnection)
        .redeliver_after([Duration::from_millis(500); 60]);
    platform.start().await.unwrap()
}

fn event() -> Document {
    Document::sample_of(lark_events_types::catalogue::find(EVENT).unwrap())
}

/// A running `listen`, which ends with this.
struct Listening {
    child: Child,
    lines: mpsc::UnboundedReceiver<Value>,
}

impl Listening {
    fn start(platform: &Platform, url: &str, args: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_lark-events"))
            .args(["listen", "--json", "--yes-take-events", "--forward-to", url])
            .args(args)
            .envs(APP)
            .envs(SECRETS)
            .env("LARK_BASE_URL", platform.base_url())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::unbounded_channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                assert!(!line.contains("marked-"), "{line}");
                let _ = sender.send(serde_json::from_str(&line).unwrap());
            }
        });
        Self { child, lines }
    }

    /// With its connection open.
    async fn connected(platform: &Platform, url: &str, args: &[&str]) -> Self {
        let mut listening = Self::start(platform, url, args);
        listening.next("connected").await;
        listening
    }

    /// Waits for the next line of a kind.
    async fn next(&mut self, kind: &str) -> Value {
        let line = async {
            loop {
                let line = self.lines.recv().await.expect(kind);
                if line["kind"] == kind {
                    return line;
                }
            }
        };
        timeout(LIMIT, line).await.expect(kind)
    }

    #[cfg(unix)]
    fn is_interrupted(&self) {
        let process = self.child.id().to_string();
        let sent = Command::new("kill").args(["-INT", &process]).status();
        assert!(sent.unwrap().success());
    }

    /// Waits for its end, and returns the summary.
    async fn ended(mut self) -> Value {
        let summary = self.next("summary").await;
        let status = tokio::task::spawn_blocking(move || self.child.wait().unwrap());
        assert!(status.await.unwrap().success());
        summary
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A webhook in this process, until it is dropped.
struct Target {
    url: String,
    serving: JoinHandle<()>,
}

impl Target {
    async fn serve(router: Router) -> Self {
        Self::serve_at("127.0.0.1:0", router).await
    }

    async fn serve_at(address: &str, router: Router) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let url = format!("http://{}/webhook/event", listener.local_addr().unwrap());
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, serving }
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

type Handled = mpsc::UnboundedReceiver<Event<RawJson>>;

/// An app with both secrets, and the events that it has handled, each after a delay.
fn app(delay: Duration) -> (Router, Handled) {
    app_of(webhook(KEY), delay)
}

fn app_of(webhook: Webhook, delay: Duration) -> (Router, Handled) {
    let (sender, handled) = mpsc::unbounded_channel();
    let dispatcher = Dispatcher::builder()
        .on::<CardActionTrigger>(async |event: Event<CardActionTrigger>| {
            let tag = event.body.action.and_then(|action| action.tag);
            CardActionReply::new().toast(Toast::success(tag.unwrap_or_default()))
        })
        .fallback(move |event: Event<RawJson>| {
            let sender = sender.clone();
            async move {
                tokio::time::sleep(delay).await;
                let _ = sender.send(event);
            }
        });
    let service = EventService::new(webhook, dispatcher.build().unwrap());
    let router = Router::new().route_service("/webhook/event", service);
    (router, handled)
}

fn webhook(key: &str) -> Webhook {
    let webhook = Webhook::builder()
        .encrypt_key(key)
        .verification_token(TOKEN);
    webhook.build().unwrap()
}

fn id(event: &Event<RawJson>) -> String {
    event.header.event_id.clone().unwrap().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_arrives_as_it_is_and_the_typed_reply_to_a_callback_goes_back() {
    let platform = platform().await;
    let (router, mut handled) = app(Duration::ZERO);
    let target = Target::serve(router).await;
    let mut listening = Listening::connected(&platform, &target.url, &[]).await;

    let mut push = platform.push(event());
    let attempt = push.next_attempt().await.unwrap();
    assert!(attempt.accepted(), "{attempt:?}");
    let received = handled.recv().await.unwrap();
    assert_eq!(id(&received), push.event_id());
    let pushed: Value = serde_json::from_slice(push.document()).unwrap();
    let body: Value = received.raw().decode().unwrap();
    assert_eq!(body, pushed["event"]);
    assert_eq!(received.header.app_id.as_deref(), Some("cli_real"));
    let delivery = listening.next("delivery").await;
    assert_eq!(
        (
            &delivery["event_id"],
            &delivery["code"],
            &delivery["attempt"]
        ),
        (&json!(push.event_id()), &json!(200), &json!(1))
    );

    let pressed = Document::sample::<CardActionTrigger>();
    let reply = timeout(LIMIT, platform.push_callback(pressed))
        .await
        .unwrap();
    let reply: Value = reply.unwrap().decode().unwrap();
    assert_eq!(
        reply,
        json!({"toast": {"type": "success", "content": "button"}})
    );
    assert_eq!(CardActionTrigger::EVENT_TYPE, "card.action.trigger");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_console_shows_the_real_events() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let platform = platform().await;
    let (router, _handled) = app(Duration::ZERO);
    let target = Target::serve(router).await;
    let args = ["--console", "127.0.0.1:0"];
    let mut listening = Listening::start(&platform, &target.url, &args);
    let console = listening.next("console").await;
    let address = console["url"].as_str().unwrap();
    let address = address.trim_start_matches("http://").trim_end_matches('/');
    listening.next("connected").await;
    let mut push = platform.push(event());
    assert!(push.next_attempt().await.unwrap().accepted());
    listening.next("delivery").await;
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request =
        format!("GET /api/deliveries/1 HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(answer.contains(push.event_id()), "{answer}");
    assert!(!answer.contains("marked-"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_of_an_app_share_its_events() {
    const EVENTS: usize = 60;
    let platform = platform().await;
    let (first, mut of_first) = app(Duration::ZERO);
    let (second, mut of_second) = app(Duration::ZERO);
    let (first, second) = (Target::serve(first).await, Target::serve(second).await);
    let _first = Listening::connected(&platform, &first.url, &[]).await;
    let _second = Listening::connected(&platform, &second.url, &[]).await;
    let mut pushed = BTreeSet::new();
    for _ in 0..EVENTS {
        let mut push = platform.push(event());
        assert!(push.next_attempt().await.unwrap().accepted());
        pushed.insert(push.event_id().to_owned());
    }
    let all = |handled: &mut Handled| {
        let ids = std::iter::from_fn(|| handled.try_recv().ok());
        ids.map(|event| id(&event)).collect::<Vec<_>>()
    };
    let (of_first, of_second) = (all(&mut of_first), all(&mut of_second));
    // By chance all on one of them: 1 in 2^59.
    assert!(!of_first.is_empty() && !of_second.is_empty());
    assert_eq!(of_first.len() + of_second.len(), EVENTS);
    let both: BTreeSet<_> = of_first.into_iter().chain(of_second).collect();
    assert_eq!(both, pushed);
}

#[test]
fn events_are_taken_only_with_consent() {
    let listen = |args: &[&str]| {
        let args = [&["listen", "--forward-to", "http://127.0.0.1:1/"], args].concat();
        let mut run = lark_events(&args);
        for (name, value) in APP {
            run = run.env(name, value);
        }
        run
    };
    let ran = listen(&[]).run().with_code(2);
    assert!(
        ran.stderr
            .contains("takes events away from the app's other processes: pass --yes-take-events"),
        "{ran:?}"
    );
    let ran = listen(&["--yes-take-events"])
        .env("LARK_APP_SECRET", "")
        .run();
    assert!(
        ran.with_code(2)
            .stderr
            .contains("no secret of the app: set LARK_APP_SECRET")
    );
    let ran = listen(&["--yes-take-events"])
        .env("LARK_BASE_URL", "feishu.cn")
        .run();
    assert!(
        ran.with_code(2)
            .stderr
            .contains("LARK_BASE_URL: expected `feishu`, `lark` or a URL, got feishu.cn")
    );
}
