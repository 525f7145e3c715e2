//! A webhook in an axum app with metrics: prints each event as a JSON line on stdout, and serves
//! the metrics in Prometheus's text format at `GET /metrics`.
//!
//! ```sh
//! LARK_ENCRYPT_KEY=… LARK_VERIFICATION_TOKEN=… cargo run --example prometheus
//! ```
//!
//! `LISTEN_ADDR` is 127.0.0.1:7777 by default, `LARK_LOG=debug` logs why requests are rejected. The
//! metrics have the names of the app's events and are not public: on the internet, serve them at another
//! address.

mod bounded_listener;
mod event_app;
mod webhook_app;

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use lark_events::BoxError;
use lark_events_layers::{DedupLayer, MetricsLayer};
use lark_events_tower::EventService;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};
use tokio::time::{MissedTickBehavior, interval};
use tower::ServiceBuilder;

use self::event_app::{dispatcher, log_to_stderr, stop_signal};
use self::webhook_app::{PATH, drain, listen, webhook};

/// Bucket bounds in seconds: the platform waits 3, and our ack deadline is 2.5.
const BUCKETS: [f64; 9] = [0.001, 0.005, 0.02, 0.1, 0.5, 1.0, 2.0, 2.5, 3.0];
/// How often recorded values are aggregated, even without a scrape.
const UPKEEP: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    log_to_stderr()?;
    let stop = stop_signal()?;
    let seconds = Matcher::Suffix("_seconds".to_owned());
    let figures = PrometheusBuilder::new()
        .set_buckets_for_metric(seconds, &BUCKETS)?
        .install_recorder()?;
    let kept_up = figures.clone();
    tokio::spawn(async move {
        let mut ticks = interval(UPKEEP);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            kept_up.run_upkeep();
        }
    });

    let service = ServiceBuilder::new()
        .layer(MetricsLayer::new())
        .layer(DedupLayer::new())
        .service(dispatcher()?);
    let events = EventService::new(webhook()?, service);
    let app = Router::new()
        .route_service(PATH, events.clone())
        .route("/metrics", get(async move || figures.render()));
    axum::serve(listen().await?, app)
        .with_graceful_shutdown(stop)
        .await?;
    drain(&events).await;
    Ok(())
}
