//! One trace goes from the request through the file of the inbox to the handler: with the program of the guide's page
//! about observability, and an exporter in memory.
//!
//! These tests are a program of their own, because it sets the subscriber of the process.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(unreachable_pub, reason = "a page has no users of its items")]
mod program;

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::body::Body;
use http::StatusCode;
use lark_events::{Dispatcher, Event, Webhook};
use lark_events_inbox::{Inbox, SqliteStore};
use lark_events_sim::{Document, Platform};
use lark_events_types::im::MessageReceiveV1;
use lark_events_ws::{Domain, LongConnection};
use opentelemetry::SpanId;
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use tokio::sync::oneshot;
use tokio::time::timeout;
use tower::ServiceExt as _;

use self::program::{AppendSpan, app, carry_traces, export};

const APP_ID: &str = "cli_a1b2c3d4e5f60718";
const APP_SECRET: &str = "app-secret";
const KEY: &str = "encrypt-key";
const TOKEN: &str = "verification-token";
const PATH: &str = "/webhook/event";
const PATIENCE: Duration = Duration::from_secs(60);

static EXPORTED: LazyLock<(InMemorySpanExporter, SdkTracerProvider)> = LazyLock::new(|| {
    let exporter = InMemorySpanExporter::default();
    (exporter.clone(), export(exporter))
});

fn file(name: &str) -> PathBuf {
    LazyLock::force(&EXPORTED);
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    for suffix in ["", "-wal", "-shm"] {
        drop(std::fs::remove_file(folder.join(format!("{name}{suffix}"))));
    }
    folder.join(name)
}

/// Handles this many events of a file in another inbox.
async fn work(file: &PathBuf, events: usize) {
    let (handled, all) = oneshot::channel();
    let handled = std::sync::Mutex::new(Some(handled));
    let count = AtomicUsize::new(0);
    let dispatcher =
        Dispatcher::builder().on::<MessageReceiveV1>(move |_: Event<MessageReceiveV1>| {
            if count.fetch_add(1, Ordering::SeqCst) + 1 == events {
                handled.lock().unwrap().take().unwrap().send(()).unwrap();
            }
            async {}
        });
    let store = Arc::new(SqliteStore::open(file).await.unwrap());
    let worker = carry_traces(Inbox::builder(store)).worker(dispatcher.build().unwrap());
    let all = async { all.await.unwrap() };
    timeout(PATIENCE, worker.unwrap().run(all))
        .await
        .unwrap()
        .unwrap();
}

/// The ended spans that lead to the ends of the handlers of one transport, each with its trace.
fn traces(transport: &str) -> Vec<Vec<SpanData>> {
    let (exporter, provider) = &*EXPORTED;
    provider.force_flush().unwrap();
    let spans = exporter.get_finished_spans().unwrap();
    let is_handler = |span: &&SpanData| {
        let mut attributes = span.attributes.iter();
        span.name == "delivery"
            && attributes.any(|it| it.key.as_str() == "transport" && it.value.as_str() == transport)
    };
    let handlers = spans.iter().filter(is_handler);
    let of_trace = |handler: &SpanData| {
        let trace = handler.span_context.trace_id();
        let spans = spans
            .iter()
            .filter(|it| it.span_context.trace_id() == trace);
        spans.cloned().collect()
    };
    handlers.map(of_trace).collect()
}

fn named<'s>(trace: &'s [SpanData], name: &str) -> &'s SpanData {
    let mut spans = trace.iter().filter(|it| it.name == name);
    let span = spans
        .next()
        .unwrap_or_else(|| panic!("no {name} in {trace:?}"));
    assert!(spans.next().is_none(), "two of {name} in {trace:?}");
    span
}

fn id(span: &SpanData) -> SpanId {
    span.span_context.span_id()
}

fn have_an_id_each(traces: &[Vec<SpanData>]) {
    let ids = traces.iter().map(|it| it[0].span_context.trace_id());
    assert_eq!(ids.collect::<HashSet<_>>().len(), traces.len());
}

#[tokio::test]
async fn one_trace_goes_from_the_request_through_the_inbox_to_the_handler() {
    let file = file("spans-webhook.db");
    let webhook = Webhook::builder()
        .encrypt_key(KEY)
        .verification_token(TOKEN);
    let store = Arc::new(SqliteStore::open(&file).await.unwrap());
    let callbacks = Dispatcher::builder().build().unwrap();
    let app = app(webhook.build().unwrap(), store, callbacks).unwrap();
    let platform = Platform::builder()
        .encrypt_key(KEY)
        .verification_token(TOKEN);
    let platform = platform.start().await.unwrap();
    for _ in 0..2 {
        let mut request = platform.request(Document::sample::<MessageReceiveV1>());
        *request.uri_mut() = PATH.parse().unwrap();
        let answer = app.clone().oneshot(request.map(Body::from)).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
    }
    work(&file, 2).await;

    let traces = traces("webhook");
    assert_eq!(traces.len(), 2, "{traces:?}");
    have_an_id_each(&traces);
    for trace in &traces {
        let [request, append, attempt, handler] =
            ["request", "append", "attempt", "delivery"].map(|name| named(trace, name));
        assert_eq!(trace.len(), 4, "{trace:?}");
        assert_eq!(request.parent_span_id, SpanId::INVALID);
        assert_eq!(append.parent_span_id, id(request));
        assert_eq!(attempt.parent_span_id, id(append));
        assert!(attempt.parent_span_is_remote);
        assert_eq!(handler.parent_span_id, id(attempt));
        assert!(
            attempt.start_time >= append.end_time,
            "after the acknowledgement"
        );
    }
}

#[tokio::test]
async fn each_event_of_a_long_connection_is_a_trace_of_its_own() {
    let file = file("spans-connection.db");
    let platform = Platform::builder()
        .app(APP_ID, APP_SECRET)
        .start()
        .await
        .unwrap();
    let store = Arc::new(SqliteStore::open(&file).await.unwrap());
    let callbacks = Dispatcher::builder().build().unwrap();
    let receiver = carry_traces(Inbox::builder(store)).receiver(callbacks);
    let receiver = AppendSpan(receiver.unwrap());
    let connection = LongConnection::builder(APP_ID, APP_SECRET)
        .domain(Domain::custom(platform.base_url()))
        .build()
        .unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let stopped = async { stopped.await.unwrap_or_default() };
    let run = connection.run(receiver).with_graceful_shutdown(stopped);
    let run = tokio::spawn(run.into_future());
    timeout(PATIENCE, platform.until(|stats| stats.connections == 1))
        .await
        .unwrap();
    for _ in 0..2 {
        let mut push = platform.push(Document::sample::<MessageReceiveV1>());
        let attempt = timeout(PATIENCE, push.next_attempt())
            .await
            .unwrap()
            .unwrap();
        assert!(attempt.accepted(), "{attempt:?}");
    }
    drop(stop);
    timeout(PATIENCE, run).await.unwrap().unwrap().unwrap();
    work(&file, 2).await;

    let traces = traces("long_connection");
    assert_eq!(traces.len(), 2, "{traces:?}");
    have_an_id_each(&traces);
    for trace in &traces {
        let [append, attempt, handler] =
            ["append", "attempt", "delivery"].map(|name| named(trace, name));
        assert_eq!(append.parent_span_id, SpanId::INVALID);
        assert_eq!(attempt.parent_span_id, id(append));
        assert_eq!(handler.parent_span_id, id(attempt));
    }
}
