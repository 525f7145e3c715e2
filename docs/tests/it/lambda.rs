//! The function for AWS Lambda appends before it answers, and nothing runs after the answer.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::Request;
use lark_events::callback::{CardActionReply, CardActionTrigger, Toast};
use lark_events::{Dispatcher, Event};
use lark_events_inbox::{Inbox, SqliteStore, Store as _};
use lark_events_sim::Document;
use lark_events_types::im::MessageReceiveV1;
use serde_json::json;
use tokio::sync::oneshot;
use tokio::time::timeout;
use tower::ServiceExt as _;

use crate::programs::lambda;
use crate::support::{PATH, PATIENCE, TOKEN, file, forged, platform, webhook};

/// A request as API Gateway passes it to a function.
fn invocation(request: Request<Bytes>) -> lambda_http::Request {
    let (parts, body) = request.into_parts();
    let headers = parts.headers.iter();
    let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().into()));
    let headers = serde_json::Value::Object(headers.collect());
    let event = json!({
        "version": "2.0",
        "routeKey": "POST /webhook/event",
        "rawPath": PATH,
        "rawQueryString": "",
        "headers": headers,
        "requestContext": {
            "accountId": "1",
            "apiId": "a",
            "domainName": "a.example.com",
            "domainPrefix": "a",
            "http": {
                "method": "POST",
                "path": PATH,
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1",
                "userAgent": "platform",
            },
            "requestId": "r",
            "routeKey": "POST /webhook/event",
            "stage": "$default",
            "time": "30/Nov/2026:12:00:00 +0000",
            "timeEpoch": 1_796_000_000_000_u64,
        },
        "body": String::from_utf8(body.to_vec()).unwrap(),
        "isBase64Encoded": false,
    });
    lambda_http::request::from_str(&event.to_string()).unwrap()
}

#[tokio::test]
async fn a_function_appends_before_it_answers_and_a_worker_elsewhere_handles() {
    let platform = platform().await;
    let file = file("lambda.db");
    let store = Arc::new(SqliteStore::open(&file).await.unwrap());
    let callbacks = Dispatcher::builder().on::<CardActionTrigger>(async |_: Event<_>| {
        CardActionReply::new().toast(Toast::info("pressed"))
    });
    let callbacks = callbacks.build().unwrap();
    let function = lambda::receiver(webhook(), Arc::clone(&store) as _, callbacks).unwrap();
    let invoke = async |request| {
        let request = invocation(request);
        let answer = function.clone().oneshot(request).await.unwrap();
        let answer = lambda_http::IntoResponse::into_response(answer).await;
        let body = String::from_utf8(answer.body().to_vec()).unwrap();
        (answer.status().as_u16(), body)
    };

    let check = json!({"type": "url_verification", "token": TOKEN, "challenge": "abc"});
    let check = platform.request(Document::from(check));
    assert_eq!(invoke(check).await, (200, r#"{"challenge":"abc"}"#.into()));

    let message = || platform.request(Document::sample::<MessageReceiveV1>());
    assert_eq!(invoke(forged(message())).await, (401, String::new()));
    assert_eq!(store.status().await.unwrap().ready, 0);

    assert_eq!(
        invoke(message()).await,
        (200, r#"{"msg":"success"}"#.into())
    );
    assert_eq!(store.status().await.unwrap().ready, 1);
    assert_eq!(function.stats().running, 0, "nothing runs after the answer");

    let button = platform.request(Document::sample::<CardActionTrigger>());
    let (status, reply) = invoke(button).await;
    assert!(
        status == 200 && reply.contains("pressed"),
        "{status} {reply}"
    );

    let (handled, was_handled) = oneshot::channel();
    let handled = std::sync::Mutex::new(Some(handled));
    let dispatcher =
        Dispatcher::builder().on::<MessageReceiveV1>(move |event: Event<MessageReceiveV1>| {
            let id = event.header.event_id;
            drop(handled.lock().unwrap().take().map(|it| it.send(id)));
            async {}
        });
    let elsewhere = Arc::new(SqliteStore::open(&file).await.unwrap());
    let worker = Inbox::builder(elsewhere).worker(dispatcher.build().unwrap());
    let mut id = None;
    let handled = async { id = was_handled.await.unwrap() };
    let worked = worker.unwrap();
    timeout(PATIENCE, worked.run(handled))
        .await
        .unwrap()
        .unwrap();
    assert!(id.is_some());
    platform.shutdown().await;
}

#[tokio::test]
async fn a_late_callback_of_a_function_does_not_run_on() {
    struct Running(Arc<AtomicUsize>);
    impl Drop for Running {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::SeqCst);
        }
    }
    let running = Arc::new(AtomicUsize::new(0));
    let runs = Arc::clone(&running);
    let callbacks = Dispatcher::builder().on::<CardActionTrigger>(move |_: Event<_>| {
        runs.fetch_add(1, Ordering::SeqCst);
        let running = Running(Arc::clone(&runs));
        async move {
            let _running = running;
            std::future::pending::<CardActionReply>().await
        }
    });
    let store = SqliteStore::open(file("late.db")).await.unwrap();
    let callbacks = callbacks.build().unwrap();
    let function = lambda::receiver(webhook(), Arc::new(store), callbacks).unwrap();
    let platform = platform().await;
    let button = invocation(platform.request(Document::sample::<CardActionTrigger>()));
    tokio::time::pause();
    let mut answer = pin!(function.oneshot(button));
    assert_eq!(answer.as_mut().await.unwrap().status(), 504);
    tokio::task::yield_now().await;
    assert_eq!(running.load(Ordering::SeqCst), 0);
}
