//! Apps in threads of the tests, each with a webhook.

use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};

use axum::Router;
use axum::body::Bytes;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use lark_events::{Dispatcher, Event, RawJson, Webhook};
use lark_events_layers::DedupLayer;
use lark_events_tower::EventService;
use serde_json::Value;
use tokio::sync::oneshot;
use tower_layer::Layer as _;

const PATH: &str = "/webhook/event";

/// A running app, which stops with this.
pub(crate) struct App {
    pub(crate) url: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl App {
    pub(crate) fn serve(listener: TcpListener, router: Router) -> Self {
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        listener.set_nonblocking(true).unwrap();
        let thread = thread::spawn(move || {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            runtime.enable_all().build().unwrap().block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                tokio::select! {
                    served = axum::serve(listener, router) => served.unwrap(),
                    _ = stopped => {}
                }
            });
        });
        Self {
            url: format!("http://{address}{PATH}"),
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    fn start(router: Router) -> Self {
        Self::serve(TcpListener::bind("127.0.0.1:0").unwrap(), router)
    }

    /// One that handles each event once, and the events that it has handled. It has the usual secrets of the
    /// platform.
    pub(crate) fn deduplicating() -> (Self, Receiver<Event<RawJson>>) {
        let (sender, handled) = channel();
        let dispatcher = Dispatcher::builder().fallback(move |event: Event<RawJson>| {
            sender.send(event).unwrap();
            std::future::ready(())
        });
        let service = DedupLayer::new().layer(dispatcher.build().unwrap());
        let webhook = Webhook::builder()
            .encrypt_key("encrypt-key")
            .verification_token("verification-token");
        let service = EventService::new(webhook.build().unwrap(), service);
        let router = Router::new().route_service(PATH, service);
        (Self::start(router), handled)
    }

    /// One without an Encrypt Key, which answers each document as it is asked.
    pub(crate) fn answering(
        answer: impl Fn(&Value) -> Response + Clone + Send + Sync + 'static,
    ) -> Self {
        Self::start(answering(answer))
    }
}

impl Drop for App {
    fn drop(&mut self) {
        self.stop = None;
        let _ = self.thread.take().unwrap().join();
    }
}

/// The URL check passes whatever the answers are.
pub(crate) fn answering(
    answer: impl Fn(&Value) -> Response + Clone + Send + Sync + 'static,
) -> Router {
    let answer = move |body: Bytes| async move {
        let document: Value = serde_json::from_slice(&body).unwrap();
        match &document["challenge"] {
            Value::String(_) => document.to_string().into_response(),
            _ => answer(&document),
        }
    };
    Router::new().route(PATH, post(answer))
}
