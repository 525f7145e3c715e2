//! What is measured of an inbox, and of deliveries outside and inside it.

use std::collections::BTreeMap;

use lark_events::{BoxError, Outcome};
use lark_events_layers::MetricsLayer;
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use tokio::time::sleep;
use tower::{Layer as _, ServiceBuilder};

use crate::app::{SECOND, event, pass, recording, running, volatile};

/// Counts, gauges, and how many values a histogram has, as `name{label=value,…}`.
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
    all.collect()
}

#[tokio::test(start_paused = true)]
async fn appends_attempts_and_the_state_of_the_store_are_measured() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let (service, _) = recording(|delivery| async move {
        match delivery.header.event_id.as_deref() {
            Some("failing") => Err::<_, BoxError>("a failure's own text".into()),
            _ => Ok(Outcome::Handled),
        }
    });
    let inside = MetricsLayer::new().layer(service);
    let (_, builder) = volatile();
    let worked = running(builder.attempts(2), inside).await;
    let outside = ServiceBuilder::new()
        .layer(MetricsLayer::new())
        .service(worked.inbox.clone());
    for id in ["failing", "good", "good"] {
        pass(&outside, event(None, id)).await.unwrap();
    }
    sleep(60 * SECOND).await;
    let inbox = worked.inbox.clone();
    inbox.monitor().status().await.unwrap();
    worked.stop().await.unwrap();
    pass(&inbox, event(None, "late")).await.unwrap_err();

    let all = measured(&snapshotter);
    let of = |name: &str| all.get(name).copied();
    for (name, expected) in [
        ("appends_total{result=new}", 2.0),
        ("appends_total{result=duplicate}", 1.0),
        ("appends_total{result=no_worker}", 1.0),
        ("append_seconds{}", 4.0),
        ("attempts_total{outcome=failed}", 2.0),
        ("attempts_total{outcome=handled}", 1.0),
        ("lag_seconds{}", 2.0),
        ("ready{}", 0.0),
        ("waiting{}", 0.0),
        ("leased{}", 0.0),
        ("dead{}", 1.0),
        ("oldest_seconds{}", 0.0),
        ("blocked_lanes{}", 0.0),
    ] {
        let name = format!("lark_events_inbox_{name}");
        assert_eq!(of(&name), Some(expected), "{name} in {all:#?}");
    }
    // Outside the acknowledgements are measured, and inside the attempts.
    for (outcome, expected) in [("queued", 3.0), ("handled", 1.0), ("failed", 2.0)] {
        let labels =
            format!("event_type=testing.thing.happened_v1,transport=local,outcome={outcome}");
        let name = format!("lark_events_deliveries_total{{{labels}}}");
        assert_eq!(of(&name), Some(expected), "{name} in {all:#?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_number_of_workers_is_measured_also_when_the_last_one_has_stopped() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let workers = || measured(&snapshotter).remove("lark_events_inbox_workers{}");
    let (service, _) = recording(|_| async { Ok::<_, BoxError>(Outcome::Handled) });
    let (_, builder) = volatile();
    let worked = running(builder, service).await;
    sleep(60 * SECOND).await;
    assert_eq!(workers(), Some(1.0));
    worked.stop().await.unwrap();
    assert_eq!(workers(), Some(0.0));
}
