//! What is measured of deliveries and requests, by name and labels.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use lark_events::error::RejectionKind;
use lark_events::{Delivery, Outcome, RawJson};
use lark_events_layers::{DedupLayer, LayerError, LayerErrorKind, MetricsLayer};
use lark_events_tower::EventService;
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use tower::{ServiceBuilder, ServiceExt as _};

use crate::passing::delivery;
use crate::support::{event, post, posted, status, unsigned, watched, webhook};

/// Everything that was measured since the last time: `name{label=value,…}` with counts, gauges and
/// how many times a histogram was given.
fn measured(snapshotter: &Snapshotter) -> BTreeMap<String, f64> {
    let one = |(key, _, _, value): (metrics_util::CompositeKey, _, _, DebugValue)| {
        let key = key.key();
        let label = |label: &metrics::Label| format!("{}={}", label.key(), label.value());
        let labels: Vec<_> = key.labels().map(label).collect();
        let value = match value {
            DebugValue::Counter(count) => count as f64,
            DebugValue::Gauge(value) => value.into_inner(),
            DebugValue::Histogram(values) => values.len() as f64,
        };
        (format!("{}{{{}}}", key.name(), labels.join(",")), value)
    };
    let all = snapshotter.snapshot().into_vec().into_iter().map(one);
    all.filter(|(_, value)| *value != 0.0).collect()
}

fn named<'a>(all: &'a BTreeMap<String, f64>, name: &str) -> Vec<(&'a str, f64)> {
    let prefix = format!("lark_events_{name}{{");
    let strip = |(key, value): (&'a String, &f64)| {
        let labels = key.strip_prefix(&prefix)?.strip_suffix('}')?;
        Some((labels, *value))
    };
    all.iter().filter_map(strip).collect()
}

#[tokio::test(start_paused = true)]
async fn deliveries_are_counted_and_timed_by_type_transport_and_outcome() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let _recording = metrics::set_default_local_recorder(&recorder);

    let (dispatcher, _) = watched();
    let layers = ServiceBuilder::new()
        .layer(MetricsLayer::new())
        .layer(DedupLayer::new())
        .load_shed()
        .concurrency_limit(1)
        .timeout(Duration::from_secs(1));
    let service = EventService::new(webhook(), layers.service(dispatcher));
    for (event_type, answer) in [
        ("quick_v1", 200),
        ("slow_v1", 200),
        ("other_v1", 200),
        ("failing_v1", 500),
        ("panicking_v1", 500),
        ("hanging_v1", 504),
    ] {
        assert_eq!(status(&service, post(event_type)).await, answer);
    }
    let twice = || event("quick_v1").event_id("e-1");
    assert_eq!(status(&service, posted(twice())).await, 200);
    assert_eq!(status(&service, posted(twice())).await, 200);
    let (hanging, shed) = tokio::join!(
        status(&service, post("hanging_v1")),
        status(&service, post("slow_v1"))
    );
    assert_eq!((hanging, shed), (504, 503));
    let all = measured(&snapshotter);
    let of = |event_type: &str, outcome: &str| {
        format!("event_type={event_type},transport=webhook,outcome={outcome}")
    };
    let expected = [
        (of("failing_v1", "failed"), 1.0),
        (of("hanging_v1", "timed_out"), 2.0),
        (of("other_v1", "unhandled"), 1.0),
        (of("panicking_v1", "panicked"), 1.0),
        (of("quick_v1", "handled"), 3.0),
        (of("slow_v1", "handled"), 1.0),
        (of("slow_v1", "overloaded"), 1.0),
    ];
    let expected: Vec<_> = expected.iter().map(|(key, n)| (&**key, *n)).collect();
    assert_eq!(named(&all, "deliveries_total"), expected);
    let handling = named(&all, "handling_seconds");
    assert!(
        handling.contains(&("event_type=slow_v1,transport=webhook", 2.0)),
        "{handling:?}"
    );
    assert_eq!(named(&all, "ack_seconds"), [("transport=webhook", 10.0)]);
    assert_eq!(
        named(&all, "duplicates_total"),
        [("event_type=quick_v1", 1.0)]
    );
    assert_eq!(named(&all, "running"), [], "all have ended");
    assert_eq!(named(&all, "redeliveries_total"), []);
    let answers = [
        ("status=200", 5.0),
        ("status=500", 2.0),
        ("status=503", 1.0),
        ("status=504", 2.0),
    ];
    assert_eq!(named(&all, "answers_total"), answers);
}

#[tokio::test(start_paused = true)]
async fn what_is_dropped_is_cancelled_and_what_is_old_was_delivered_before() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let (dispatcher, _) = watched();
    let service = MetricsLayer::new();
    let service = ServiceBuilder::new().layer(service).service(dispatcher);

    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap();
    let aged = |seconds: u64| -> Delivery {
        let mut aged = delivery("hanging_v1", "");
        let created = now - Duration::from_secs(seconds);
        aged.header.create_time = Some(created.as_millis().to_string());
        aged
    };
    for age in [0, 10, 16, 3600] {
        let handling = service.clone().oneshot(aged(age));
        let cut_short = tokio::time::timeout(Duration::from_millis(1), handling);
        assert!(cut_short.await.is_err());
    }
    let mut odd = aged(0);
    odd.header.create_time = Some("yesterday".to_owned());
    odd.raw = RawJson::default();
    let running = tokio::spawn(service.clone().oneshot(odd));
    tokio::task::yield_now().await;

    let all = measured(&snapshotter);
    let cancelled = "event_type=hanging_v1,transport=local,outcome=cancelled";
    assert_eq!(named(&all, "deliveries_total"), [(cancelled, 4.0)]);
    let redelivered = [("event_type=hanging_v1", 2.0)];
    assert_eq!(named(&all, "redeliveries_total"), redelivered);
    assert_eq!(named(&all, "running"), [("transport=local", 1.0)]);
    running.abort();
}

#[test]
fn the_counts_of_refused_requests_begin_at_zero() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let _service = EventService::new(webhook(), watched().0);
    let counted = snapshotter.snapshot().into_vec().into_iter();
    let mut reasons = BTreeMap::new();
    for (key, _, _, value) in counted {
        assert_eq!(key.key().name(), "lark_events_rejections_total");
        let reason = key.key().labels().next().unwrap().value().to_owned();
        reasons.insert(reason, value);
    }
    for kind in RejectionKind::ALL {
        let count = reasons.remove(kind.as_str());
        assert_eq!(count, Some(DebugValue::Counter(0)), "{kind:?}");
    }
    assert_eq!(reasons, BTreeMap::new());
}

#[tokio::test(start_paused = true)]
async fn requests_refused_are_counted_by_reason_and_a_layer_names_its_own() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let refusing = tower::service_fn(async |delivery: Delivery| {
        let kind = match delivery.header.event_type.as_str() {
            "stored_v1" => return Ok(Outcome::Queued),
            "failing_v1" => LayerErrorKind::Store,
            _ => LayerErrorKind::NoWorker,
        };
        Err(LayerError::new(kind))
    });
    let layers = ServiceBuilder::new().layer(MetricsLayer::new());
    let service = EventService::new(webhook(), layers.service(refusing));

    assert_eq!(status(&service, unsigned("{}")).await, 401);
    let mut forged = post("quick_v1");
    let nonce = forged
        .headers_mut()
        .get_mut("x-lark-request-nonce")
        .unwrap();
    *nonce = "another".parse().unwrap();
    assert_eq!(status(&service, forged).await, 401);
    assert_eq!(status(&service, post("failing_v1")).await, 500);
    assert_eq!(status(&service, post("quick_v1")).await, 503);
    assert_eq!(status(&service, post("stored_v1")).await, 200);

    let all = measured(&snapshotter);
    let rejections = [("reason=signature", 1.0), ("reason=unsigned", 1.0)];
    assert_eq!(named(&all, "rejections_total"), rejections);
    let refused = [
        ("event_type=failing_v1,transport=webhook,outcome=store", 1.0),
        (
            "event_type=quick_v1,transport=webhook,outcome=no_worker",
            1.0,
        ),
        ("event_type=stored_v1,transport=webhook,outcome=queued", 1.0),
    ];
    assert_eq!(named(&all, "deliveries_total"), refused);
}
