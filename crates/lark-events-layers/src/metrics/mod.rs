//! Measuring deliveries, through the `metrics` facade.

use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use lark_events::{BoxError, Delivery, Outcome};
use metrics::{
    Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};
use tokio::time::Instant;
use tower_layer::Layer;
use tower_service::Service;

use crate::future::{OutcomeFuture, pass_on};
use crate::label::{interrupted, label};

const DELIVERIES: &str = "lark_events_deliveries_total";
const HANDLING: &str = "lark_events_handling_seconds";
const ACK: &str = "lark_events_ack_seconds";
const RUNNING: &str = "lark_events_running";
const REDELIVERIES: &str = "lark_events_redeliveries_total";
const DUPLICATES: &str = "lark_events_duplicates_total";

/// The minimum time before the platform's first redelivery.
const REDELIVERED_AFTER: Duration = Duration::from_secs(15);

/// Measures deliveries, for any recorder of the [`metrics`](::metrics) facade that the program
/// installs. Make it the outermost layer, so that it sees all deliveries. Inside an inbox of
/// `lark-events-inbox` it measures the attempts. Outside, it measures the acknowledgements, and the
/// outcome of an event that was stored is `queued`.
///
/// | name | kind | labels | what |
/// | --- | --- | --- | --- |
/// | `lark_events_deliveries_total` | counter | `event_type`, `transport`, `outcome` | deliveries that ended |
/// | `lark_events_handling_seconds` | histogram | `event_type`, `transport` | from this layer to the outcome |
/// | `lark_events_ack_seconds` | histogram | `transport` | from the arrival of the whole event to the outcome: the platform waits 3 s |
/// | `lark_events_running` | gauge | `transport` | deliveries that have passed this layer and not ended |
/// | `lark_events_redeliveries_total` | counter | `event_type` | deliveries that arrived 15 s or more after their event happened, as the platform's first redelivery does |
/// | `lark_events_duplicates_total` | counter | `event_type` | deliveries that a [`DedupLayer`](crate::DedupLayer) acknowledged as handled before |
///
/// An `event_type` is any type in an authenticated document, including types without a handler.
///
/// The crates `lark-events-tower` and `lark-events-ws` have metrics of requests and of long
/// connections.
///
/// An `outcome` is `handled`, `replied`, `rejected`, `unhandled` or `queued`; for a failure, `failed`, `panicked`,
/// `undecodable`, `no_reply`, `unencodable`, or `unhandled_failed` by policy; for a rejection by an inner layer,
/// the name of its [`LayerErrorKind`](crate::LayerErrorKind::as_str), such as `overloaded`, or `timed_out`; and
/// `cancelled` for a delivery that was dropped before it finished. Any other error is `failed`.
///
/// ```
/// use lark_events::Dispatcher;
/// use lark_events_layers::MetricsLayer;
/// use tower::ServiceBuilder;
///
/// // Once in the program: metrics_exporter_prometheus::PrometheusBuilder::new().install()?
/// let service = ServiceBuilder::new()
///     .layer(MetricsLayer::new())
///     .service(Dispatcher::builder().build()?);
/// # Ok::<(), lark_events::error::BuildError>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct MetricsLayer {}

impl MetricsLayer {
    /// Creates a layer. Each delivery is measured by the recorder that is installed at that time. The metrics are
    /// described to the recorder that is installed now, so install it first.
    #[must_use]
    pub fn new() -> Self {
        let count = Unit::Count;
        describe_counter!(DELIVERIES, count, "deliveries that ended, by outcome");
        describe_counter!(REDELIVERIES, count, "deliveries of events 15 s old or more");
        describe_counter!(DUPLICATES, count, "deliveries of events handled before");
        describe_gauge!(RUNNING, count, "deliveries that have not ended");
        describe_histogram!(HANDLING, Unit::Seconds, "time to the outcome");
        describe_histogram!(
            ACK,
            Unit::Seconds,
            "time from arrival to the outcome; the platform waits 3 s"
        );
        Self {}
    }
}

impl Default for MetricsLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Layer<S> for MetricsLayer {
    type Service = Measured<S>;

    fn layer(&self, inner: S) -> Measured<S> {
        Measured { inner }
    }
}

/// A service under a [`MetricsLayer`].
#[derive(Debug, Clone)]
pub struct Measured<S> {
    inner: S,
}

impl<S> Service<Delivery> for Measured<S>
where
    S: Service<Delivery, Response = Outcome> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
{
    type Response = Outcome;
    type Error = BoxError;
    type Future = OutcomeFuture;

    /// Always ready: waiting for the inner service is measured too.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, delivery: Delivery) -> OutcomeFuture {
        let inner = self.inner.clone();
        let measured = Measurement::begin(&delivery);
        OutcomeFuture::new(async move {
            let result = pass_on(inner, delivery).await;
            measured.end(label(&result));
            result
        })
    }
}

/// The measurement of a delivery that has not ended.
struct Measurement {
    event_type: String,
    transport: &'static str,
    received_at: SystemTime,
    began: Instant,
    is_over: bool,
}

impl Measurement {
    fn begin(delivery: &Delivery) -> Self {
        let header = &delivery.header;
        let measurement = Self {
            event_type: header.event_type.clone(),
            transport: delivery.transport.as_str(),
            received_at: delivery.received_at,
            began: Instant::now(),
            is_over: false,
        };
        gauge!(RUNNING, "transport" => measurement.transport).increment(1.0);
        let age = header.created_at();
        let age = age.and_then(|at| delivery.received_at.duration_since(at).ok());
        if age.is_some_and(|age| age >= REDELIVERED_AFTER) {
            counter!(REDELIVERIES, "event_type" => header.event_type.clone()).increment(1);
        }
        measurement
    }

    fn end(mut self, outcome: &'static str) {
        self.record(outcome);
    }

    fn record(&mut self, outcome: &'static str) {
        self.is_over = true;
        let (event_type, transport) = (std::mem::take(&mut self.event_type), self.transport);
        gauge!(RUNNING, "transport" => transport).decrement(1.0);
        let of_type = event_type.clone();
        counter!(DELIVERIES, "event_type" => of_type, "transport" => transport, "outcome" => outcome)
            .increment(1);
        histogram!(HANDLING, "event_type" => event_type, "transport" => transport)
            .record(self.began.elapsed());
        // A clock that was set back in the meantime gives no duration.
        if let Ok(since) = self.received_at.elapsed() {
            histogram!(ACK, "transport" => transport).record(since);
        }
    }
}

impl Drop for Measurement {
    fn drop(&mut self) {
        if !self.is_over {
            self.record(interrupted());
        }
    }
}

/// Counts a delivery that was acknowledged because its event was handled already.
pub(crate) fn duplicate(event_type: &str) {
    counter!(DUPLICATES, "event_type" => event_type.to_owned()).increment(1);
}
