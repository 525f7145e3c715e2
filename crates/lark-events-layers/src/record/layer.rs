//! Recording what an app receives.

use std::task::{Context, Poll};
use std::time::Duration;

use lark_events::{BoxError, Delivery, Outcome};
use tokio::time::Instant;
use tower_layer::Layer;
use tower_service::Service;

use super::entry::Entry;
use super::recorder::Recorder;
use crate::future::{OutcomeFuture, pass_on};
use crate::label::{interrupted, label};
use crate::run::causes;

/// Records each delivery and its outcome to a file, from which `lark-events replay` can send them again. Make it
/// the outermost layer, so that it sees all deliveries.
///
/// The document of an event is copied, without the token, before the inner service is called. All other work is
/// done in the thread of the [`Recorder`].
///
/// The file contains the events in full, but no Verification Token and no key.
///
/// ```no_run
/// use lark_events::Dispatcher;
/// use lark_events_layers::record::{RecordLayer, Recorder};
/// use tower::ServiceBuilder;
///
/// let recorder = Recorder::create("events.jsonl")?;
/// let service = ServiceBuilder::new()
///     .layer(RecordLayer::new(recorder.clone()))
///     .service(Dispatcher::builder().build()?);
/// # drop(service);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct RecordLayer {
    recorder: Recorder,
}

impl RecordLayer {
    /// Records to the file of `recorder`.
    #[must_use]
    pub fn new(recorder: Recorder) -> Self {
        Self { recorder }
    }
}

impl<S> Layer<S> for RecordLayer {
    type Service = Recorded<S>;

    fn layer(&self, inner: S) -> Recorded<S> {
        let recorder = self.recorder.clone();
        Recorded { recorder, inner }
    }
}

/// A service under a [`RecordLayer`].
#[derive(Debug, Clone)]
pub struct Recorded<S> {
    recorder: Recorder,
    inner: S,
}

impl<S> Service<Delivery> for Recorded<S>
where
    S: Service<Delivery, Response = Outcome> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
{
    type Response = Outcome;
    type Error = BoxError;
    type Future = OutcomeFuture;

    /// Always ready: an event that waits for the inner service is recorded too.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, delivery: Delivery) -> OutcomeFuture {
        let inner = self.inner.clone();
        let mut running = Running {
            recorder: self.recorder.clone(),
            entry: Some(Entry::of(&delivery)),
            began: Instant::now(),
        };
        OutcomeFuture::new(async move {
            let result = pass_on(inner, delivery).await;
            running.ended(&result);
            result
        })
    }
}

/// A delivery that has not ended.
struct Running {
    recorder: Recorder,
    /// `None` once it has ended.
    entry: Option<Entry>,
    began: Instant,
}

impl Running {
    fn ended(&mut self, result: &Result<Outcome, BoxError>) {
        let took = self.began.elapsed();
        if let Some(mut entry) = self.entry.take() {
            match result {
                Ok(Outcome::Replied(reply)) => entry.reply = Some(reply.clone()),
                Ok(Outcome::Rejected(error)) => entry.error = Some(error.clone()),
                Ok(_) => {}
                Err(error) => entry.error = Some(text(error)),
            }
            self.record(entry, label(result), took);
        }
    }

    fn record(&self, entry: Entry, outcome: &str, took: Duration) {
        self.recorder.record(entry.with_outcome(outcome, took));
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(entry) = self.entry.take() {
            self.record(entry, interrupted(), self.began.elapsed());
        }
    }
}

/// An error and its causes.
fn text(error: &BoxError) -> String {
    let texts: Vec<_> = causes(&**error).map(ToString::to_string).collect();
    texts.join(": ")
}
