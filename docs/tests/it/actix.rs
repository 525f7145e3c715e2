//! The programs for actix-web receive what the platform sends, and answer as the tower adapter does.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use actix_web::dev::ServerHandle;
use actix_web::web::{Data, ServiceConfig, resource};
use actix_web::{App, HttpServer};
use axum::Router;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, header};
use lark_events::callback::{CardActionReply, CardActionTrigger, Toast};
use lark_events::limits::{MAX_ENVELOPE_TEXT_BYTES, MAX_UNSIGNED_BYTES};
use lark_events::webhook::SIGNATURE_HEADER;
use lark_events::{BoxError, Dispatcher, Event, EventType as _, RawJson, Reject};
use lark_events_sim::{Answer, Document, Platform};
use lark_events_tower::EventService;
use lark_events_types::im::MessageReceiveV1;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::programs::{actix, actix_service};
use crate::support::{PATH, PATIENCE, forged, platform, webhook};

/// What the handlers did, and the permission of those that wait for it.
#[derive(Debug, Default)]
struct Handled {
    messages: AtomicUsize,
    late: AtomicUsize,
    may_end: Notify,
}

async fn panics(_: Event<RawJson>) {
    panic!("the kettle is empty");
}

fn dispatcher(handled: &Arc<Handled>) -> Dispatcher {
    let (messages, late) = (Arc::clone(handled), Arc::clone(handled));
    let dispatcher = Dispatcher::builder()
        .on::<MessageReceiveV1>(move |_: Event<MessageReceiveV1>| {
            messages.messages.fetch_add(1, Ordering::SeqCst);
            async {}
        })
        .on::<CardActionTrigger>(async |_: Event<CardActionTrigger>| {
            CardActionReply::new().toast(Toast::info("pressed"))
        })
        .on_raw("kitchen.late_v1", move |_: Event<RawJson>| {
            let handled = Arc::clone(&late);
            async move {
                handled.may_end.notified().await;
                handled.late.fetch_add(1, Ordering::SeqCst);
            }
        })
        .on_raw("kitchen.fails_v1", async |_: Event<RawJson>| {
            Err::<(), BoxError>("no tea".into())
        })
        .on_raw("kitchen.rejects_v1", async |_: Event<RawJson>| {
            Err::<(), BoxError>(Reject::new("no such tea").into())
        })
        .on_raw("kitchen.panics_v1", panics);
    dispatcher.build().unwrap()
}

fn event(event_type: &str) -> Document {
    Document::v2(event_type, &json!({})).unwrap()
}

/// The requests that the answers are compared for, each with the status that the tower adapter answers.
fn requests(platform: &Platform) -> Vec<(&'static str, u16, Request<Bytes>)> {
    let message = || platform.request(Document::sample::<MessageReceiveV1>());
    let with = |name, value| {
        let mut request = message();
        request
            .headers_mut()
            .append(name, HeaderValue::from_static(value));
        request
    };
    let unsigned = |body: String| Request::post("/").body(body.into()).unwrap();
    let of = |event_type| platform.request(event(event_type));
    let malformed = event("kitchen.tea_v1").event_id(&"x".repeat(MAX_ENVELOPE_TEXT_BYTES + 1));
    let get = || {
        let mut request = message();
        *request.method_mut() = Method::GET;
        request
    };
    vec![
        ("no POST", 405, get()),
        ("a message", 200, message()),
        (
            "a callback",
            200,
            platform.request(Document::sample::<CardActionTrigger>()),
        ),
        ("a rejected event", 200, of("kitchen.rejects_v1")),
        ("a failure", 500, of("kitchen.fails_v1")),
        ("a panic", 500, of("kitchen.panics_v1")),
        ("no handler", 500, of("kitchen.unknown_v1")),
        ("a forged signature", 401, forged(message())),
        ("a signature twice", 401, with(SIGNATURE_HEADER, "00")),
        (
            "a forged signature of much",
            401,
            forged(message().map(|_| vec![b'x'; 100_000].into())),
        ),
        ("no signature", 401, unsigned("{}".to_owned())),
        (
            "no signature, the largest body",
            401,
            unsigned("x".repeat(MAX_UNSIGNED_BYTES)),
        ),
        (
            "no signature, more than the limit",
            401,
            unsigned("x".repeat(MAX_UNSIGNED_BYTES + 1)),
        ),
        ("a malformed event", 400, platform.request(malformed)),
        (
            "not the body of its type",
            400,
            platform.request(Document::v2(MessageReceiveV1::EVENT_TYPE, &json!([])).unwrap()),
        ),
        (
            "a content encoding",
            415,
            with(header::CONTENT_ENCODING, "gzip"),
        ),
        (
            "no content encoding",
            200,
            with(header::CONTENT_ENCODING, "identity"),
        ),
    ]
}

/// A server on loopback.
struct Server {
    name: &'static str,
    address: SocketAddr,
    platform: Platform,
    handled: Arc<Handled>,
    actix: Option<ServerHandle>,
}

fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Runs an app until its server is stopped.
fn serve(
    listener: TcpListener,
    configure: impl Fn(&mut ServiceConfig) + Clone + Send + 'static,
) -> ServerHandle {
    let server = HttpServer::new(move || App::new().configure(&configure));
    let server = server.workers(1).disable_signals();
    let server = server.listen(listener).unwrap().run();
    let handle = server.handle();
    tokio::spawn(server);
    handle
}

impl Server {
    /// The URL check passes.
    async fn at(
        name: &'static str,
        address: SocketAddr,
        handled: Arc<Handled>,
        actix: Option<ServerHandle>,
    ) -> Self {
        let platform = platform().await;
        let checked = platform
            .set_webhook(&format!("http://{address}{PATH}"))
            .await;
        checked.unwrap_or_else(|error| panic!("{name}: {error}"));
        Self {
            name,
            address,
            platform,
            handled,
            actix,
        }
    }

    async fn axum() -> Self {
        let handled = Arc::default();
        let (listener, address) = listener();
        let events = EventService::new(webhook(), dispatcher(&handled));
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        let app = Router::new().route_service(PATH, events);
        tokio::spawn(axum::serve(listener, app).into_future());
        Self::at("axum", address, handled, None).await
    }

    async fn actix() -> Self {
        let handled = Arc::default();
        let (listener, address) = listener();
        let events = Data::new(actix::Events::new(webhook(), dispatcher(&handled)));
        let handle = serve(listener, move |app| {
            app.app_data(events.clone());
            app.service(resource(PATH).post(actix::event));
        });
        Self::at("actix-web", address, handled, Some(handle)).await
    }

    async fn actix_service() -> Self {
        let handled = Arc::default();
        let (listener, address) = listener();
        let receiving = Data::new(actix_service::Receiving {
            events: EventService::new(webhook(), dispatcher(&handled)),
            runtime: Handle::current(),
        });
        let handle = serve(listener, move |app| {
            app.app_data(receiving.clone());
            app.service(resource(PATH).post(actix_service::event));
        });
        let name = "actix-web with EventService";
        Self::at(name, address, handled, Some(handle)).await
    }

    async fn all() -> [Self; 3] {
        [
            Self::axum().await,
            Self::actix().await,
            Self::actix_service().await,
        ]
    }

    async fn stop(self) {
        if let Some(actix) = self.actix {
            actix.stop(true).await;
        }
        self.platform.shutdown().await;
    }
}

fn shown(server: &Server, answer: &Answer) -> (u16, String) {
    let Answer::Response { status, body, .. } = answer else {
        panic!("expected a response of {}, got {answer:?}", server.name);
    };
    (status.as_u16(), String::from_utf8_lossy(body).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_servers_answer_as_the_tower_adapter_does() {
    let servers = Server::all().await;
    for (name, expected, request) in requests(&servers[0].platform) {
        let mut answers = Vec::new();
        for server in &servers {
            let answer = shown(server, &server.platform.post(request.clone()).await);
            assert_eq!(answer.0, expected, "{name}: {}: {}", server.name, answer.1);
            answers.push(answer);
        }
        assert!(
            answers.iter().all(|it| *it == answers[0]),
            "{name}: {answers:?}"
        );
    }
    for server in servers {
        let messages = server.handled.messages.load(Ordering::SeqCst);
        assert_eq!(messages, 2, "{}", server.name);
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_handler_is_answered_504_and_finishes() {
    let servers = Server::all().await;
    let answer = async |server: &Server| {
        let request = server.platform.request(event("kitchen.late_v1"));
        let answer = shown(server, &server.platform.post(request).await);
        assert_eq!(answer, (504, String::new()), "{}", server.name);
        assert_eq!(server.handled.late.load(Ordering::SeqCst), 0);
    };
    let [axum, actix, actix_service] = servers.each_ref().map(answer);
    tokio::join!(axum, actix, actix_service);
    for server in servers {
        server.handled.may_end.notify_one();
        let finished = async {
            while server.handled.late.load(Ordering::SeqCst) == 0 {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, finished).await.expect(server.name);
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_body_is_answered_408() {
    let servers = Server::all().await;
    let answer = async |server: &Server| {
        let mut socket = TcpStream::connect(server.address).await.unwrap();
        let head = format!("POST {PATH} HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n{{");
        socket.write_all(head.as_bytes()).await.unwrap();
        let mut start = [0; 12];
        let read = timeout(PATIENCE, socket.read_exact(&mut start)).await;
        read.expect(server.name).expect(server.name);
        assert_eq!(&start, b"HTTP/1.1 408", "{}", server.name);
    };
    let [axum, actix, actix_service] = servers.each_ref().map(answer);
    tokio::join!(axum, actix, actix_service);
    for server in servers {
        server.stop().await;
    }
}
