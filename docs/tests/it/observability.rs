//! Each metric in the rules of the page about observability is one that a program exports, with the labels and the
//! values that the rules ask for.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode};
use http_body_util::Full;
use lark_events::webhook::{SIGNATURE_HEADER, SIGNATURE_NONCE_HEADER, SIGNATURE_TIMESTAMP_HEADER};
use lark_events::{BoxError, Dispatcher, EncryptKey, Event, RawJson};
use lark_events_inbox::{Inbox, SqliteStore};
use lark_events_layers::MetricsLayer;
use lark_events_sim::Document;
use lark_events_tower::EventService;
use metrics_exporter_prometheus::PrometheusBuilder;
use serde_json::json;
use tokio::time::timeout;
use tower::{ServiceBuilder, ServiceExt as _};

use crate::support::{KEY, PATIENCE, file, forged, platform, platform_with, webhook};

/// A metric in a rule, with the label and the values that it is selected by.
#[derive(Debug)]
struct Selected<'p> {
    metric: &'p str,
    by: Vec<(&'p str, Vec<&'p str>)>,
}

fn selected(page: &str) -> Vec<Selected<'_>> {
    let rules = page.split("```yaml\n").nth(1).unwrap();
    let rules = rules.split("```").next().unwrap();
    let places = rules
        .match_indices("lark_events_")
        .map(|(at, _)| &rules[at..]);
    let selected = places.map(|text| {
        let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let (metric, rest) = text.split_at(end.unwrap());
        let matchers = rest.strip_prefix('{').and_then(|it| it.split_once('}'));
        let matchers = matchers.iter().flat_map(|(it, _)| it.split(','));
        let by = matchers.map(|matcher| {
            let (label, values) = matcher.split_once('"').unwrap();
            let values = values.strip_suffix('"').unwrap();
            (
                label.trim_end_matches(['=', '~', '!']),
                values.split('|').collect(),
            )
        });
        Selected {
            metric,
            by: by.collect(),
        }
    });
    selected.collect()
}

/// The metrics of a program whose handler fails, after an event, its redelivery, and a request for each reason to
/// reject one.
async fn exported() -> String {
    let recorder = PrometheusBuilder::new().build_recorder();
    let exported = recorder.handle();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let store = Arc::new(SqliteStore::open(file("observability.db")).await.unwrap());
    let failing = Dispatcher::builder().on_raw("kitchen.tea_v1", async |_: Event<RawJson>| {
        Err::<(), BoxError>("no tea".into())
    });
    let inbox = Inbox::builder(store).attempts(1);
    let inbox = inbox.build(failing.build().unwrap()).unwrap();
    let measured = ServiceBuilder::new()
        .layer(MetricsLayer::new())
        .service(inbox.clone());
    let events = EventService::new(webhook(), measured);
    let post = async |request: Request<Bytes>| {
        events
            .clone()
            .oneshot(request.map(Full::new))
            .await
            .unwrap()
            .status()
    };

    let tea = || {
        Document::v2("kitchen.tea_v1", &json!({}))
            .unwrap()
            .event_id("e-1")
    };
    let platform = platform().await;
    for _ in 0..2 {
        assert_eq!(post(platform.request(tea())).await, StatusCode::OK);
    }
    let with = |name, value: &str| {
        let mut request = platform.request(tea());
        request
            .headers_mut()
            .insert(name, HeaderValue::from_str(value).unwrap());
        request
    };
    let mut old = with(SIGNATURE_TIMESTAMP_HEADER, "1");
    let nonce = old.headers()[SIGNATURE_NONCE_HEADER].to_str().unwrap();
    let signature = EncryptKey::new(KEY).sign("1", nonce, old.body());
    old.headers_mut()
        .insert(SIGNATURE_HEADER, signature.parse().unwrap());
    let rejected = [
        forged(platform.request(tea())),
        with(SIGNATURE_HEADER, "00"),
        old,
        Request::post("/").body("{}".into()).unwrap(),
        platform_with("another-token").await.request(tea()),
    ];
    for request in rejected {
        assert_eq!(post(request).await, StatusCode::UNAUTHORIZED);
    }
    events.drain(PATIENCE).await.unwrap();
    let drained = post(platform.request(tea())).await;
    assert_eq!(drained, StatusCode::SERVICE_UNAVAILABLE);
    let dead = async {
        while inbox.monitor().status().await.unwrap().dead == 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, inbox.run(dead)).await.unwrap().unwrap();
    exported.render()
}

#[tokio::test]
async fn the_rules_ask_for_metrics_that_are_exported() {
    let page = include_str!("../../guide/observability.md");
    let selected = selected(page);
    assert!(selected.len() > 8, "{selected:?}");
    let exported = exported().await;
    for Selected { metric, by } in selected {
        let mut of_metric = exported
            .lines()
            .filter_map(|line| line.strip_prefix(metric));
        assert!(
            of_metric.any(|rest| rest.starts_with(['{', ' '])),
            "no {metric} in {exported}"
        );
        for (label, values) in by {
            for value in values {
                // A status such as `5..` is a pattern.
                let value = value.trim_end_matches('.');
                let start = format!("{metric}{{");
                let pair = format!("{label}=\"{value}");
                let is_there = |line: &str| line.starts_with(&start) && line.contains(&pair);
                assert!(
                    exported.lines().any(is_there),
                    "no {metric} with {pair} in {exported}"
                );
            }
        }
    }
}
