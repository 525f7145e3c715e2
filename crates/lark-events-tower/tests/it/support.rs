//! The platform to receive from, and handlers to watch.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, Uri};
use http_body::{Body, Frame};
use http_body_util::{BodyExt as _, Full};
use lark_events::webhook::{SIGNATURE_HEADER, SIGNATURE_NONCE_HEADER, SIGNATURE_TIMESTAMP_HEADER};
use lark_events::{Dispatcher, EncryptKey, UnhandledPolicy, Webhook};
use lark_events_sim::{Document, Platform, PlatformBuilder};
use serde_json::json;
use tokio::time::Sleep;
use tower::{Service, ServiceExt as _};

pub(crate) const KEY: &str = "test key";
pub(crate) const TOKEN: &str = "v-token";
pub(crate) const PATH: &str = "/webhook/event";
pub(crate) const SUCCESS: &str = r#"{"msg":"success"}"#;

pub(crate) fn webhook() -> Webhook {
    let keyed = Webhook::builder()
        .encrypt_key(KEY)
        .verification_token(TOKEN);
    keyed.build().unwrap()
}

/// The platform with our app, which delivers an event once.
pub(crate) fn platform() -> PlatformBuilder {
    Platform::builder()
        .encrypt_key(KEY)
        .verification_token(TOKEN)
        .redeliver_after([])
}

/// An event of `event_type` with an empty body.
pub(crate) fn event(event_type: &str) -> Document {
    Document::v2(event_type, &json!({})).unwrap()
}

/// The encrypted and signed request in which the platform posts a document.
pub(crate) fn request(document: impl Into<Document>) -> Request<Bytes> {
    let mut request = platform().request(document);
    *request.uri_mut() = Uri::from_static(PATH);
    request
}

pub(crate) fn posted(document: impl Into<Document>) -> Request<Full<Bytes>> {
    request(document).map(Full::new)
}

pub(crate) fn post(event_type: &str) -> Request<Full<Bytes>> {
    posted(event(event_type))
}

/// A request whose body the platform would not post, signed all the same.
pub(crate) fn signed(body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    let (mut request, body) = (post("other_v1"), body.into());
    let [timestamp, nonce] = [SIGNATURE_TIMESTAMP_HEADER, SIGNATURE_NONCE_HEADER]
        .map(|name| request.headers()[name].to_str().unwrap());
    let signature = EncryptKey::new(KEY).sign(timestamp, nonce, &body);
    let signature = signature.parse().unwrap();
    request.headers_mut().insert(SIGNATURE_HEADER, signature);
    request.map(|_| Full::new(body))
}

pub(crate) fn unsigned(body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    Request::post(PATH).body(Full::new(body.into())).unwrap()
}

/// What was answered.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answered {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

/// Sends a request through a clone of `service`.
pub(crate) async fn send<S, B, R>(service: &S, request: Request<B>) -> Answered
where
    S: Service<Request<B>, Response = Response<R>, Error = Infallible> + Clone,
    R: Body<Error: std::fmt::Debug>,
{
    let response = service.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Answered {
        status: parts.status,
        headers: parts.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    }
}

pub(crate) async fn status<S, B, R>(service: &S, request: Request<B>) -> u16
where
    S: Service<Request<B>, Response = Response<R>, Error = Infallible> + Clone,
    R: Body<Error: std::fmt::Debug>,
{
    send(service, request).await.status.as_u16()
}

/// Counts what happened to handlers.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    started: AtomicUsize,
    finished: AtomicUsize,
}

impl Seen {
    pub(crate) fn started(&self) -> usize {
        self.started.load(Ordering::Relaxed)
    }

    pub(crate) fn finished(&self) -> usize {
        self.finished.load(Ordering::Relaxed)
    }
}

/// A dispatcher whose handlers are counted: `quick_v1` succeeds at once, `slow_v1` after 400 ms,
/// `hanging_v1` never, `failing_v1` fails, `panicking_v1` panics.
pub(crate) fn watched() -> (Dispatcher, Arc<Seen>) {
    let seen = Arc::new(Seen::default());
    let takes = |delay: Duration| {
        let seen = Arc::clone(&seen);
        move |_| {
            let seen = Arc::clone(&seen);
            async move {
                seen.started.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(delay).await;
                seen.finished.fetch_add(1, Ordering::Relaxed);
            }
        }
    };
    let dispatcher = Dispatcher::builder()
        .unhandled(UnhandledPolicy::Acknowledge)
        .on_raw("quick_v1", takes(Duration::ZERO))
        .on_raw("slow_v1", takes(Duration::from_millis(400)))
        .on_raw("hanging_v1", takes(Duration::from_hours(24)))
        .on_raw("failing_v1", |_| async move {
            Err::<(), _>("a failure's own text")
        })
        .on_raw("panicking_v1", |_| async move {
            assert!(std::hint::black_box(false), "a panic's own text");
        })
        .build()
        .unwrap();
    (dispatcher, seen)
}

/// A body that comes piece by piece, each after a pause, and may break off at the end.
pub(crate) struct Pieces {
    pieces: VecDeque<Bytes>,
    pause: Duration,
    sleep: Option<Pin<Box<Sleep>>>,
    breaks_off: bool,
}

impl Pieces {
    pub(crate) fn new(pieces: impl IntoIterator<Item = Bytes>) -> Self {
        Self {
            pieces: pieces.into_iter().collect(),
            pause: Duration::ZERO,
            sleep: None,
            breaks_off: false,
        }
    }

    pub(crate) fn with_pause(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }

    pub(crate) fn breaking_off(mut self) -> Self {
        self.breaks_off = true;
        self
    }

    pub(crate) fn bytes_by_byte(body: Bytes) -> Self {
        Self::new((0..body.len()).map(|place| body.slice(place..=place)))
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let pause = self.pause;
        let sleep = self
            .sleep
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(pause)));
        ready!(sleep.as_mut().poll(context));
        self.sleep = None;
        Poll::Ready(match self.pieces.pop_front() {
            Some(piece) => Some(Ok(Frame::data(piece))),
            None if self.breaks_off => Some(Err("connection reset")),
            None => None,
        })
    }
}
