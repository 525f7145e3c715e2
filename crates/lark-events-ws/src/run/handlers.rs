//! The handlers of a connection's events, called in the order of the events, each in its own task.

use std::error::Error;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use lark_events::{BoxError, Delivery, Outcome, Transport};
use lark_events_layers::run::{
    Ended, MAX_INLINE_BYTES, NotStarted, Slot, Tasks, Terms, is_logged, is_not_started,
    off_the_workers, unless_rejected,
};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use tower::Service;
use tracing::{Instrument as _, warn};

use crate::session::Done;

/// Runs handlers, and cancels them when dropped. The session's [`Running`](crate::session::Running)
/// lists them.
pub(crate) struct Handlers {
    tasks: Arc<Tasks>,
    /// The queue of the task that calls the service.
    calls: mpsc::UnboundedSender<Call>,
    calling: JoinHandle<()>,
    ends: mpsc::UnboundedReceiver<(u64, Done)>,
}

/// A service that handles deliveries in separate tasks.
pub(crate) trait Handle:
    Service<Delivery, Response = Outcome, Error: Into<BoxError>, Future: Send> + Clone + Send + 'static
{
}

impl<S> Handle for S where
    S: Service<Delivery, Response = Outcome, Error: Into<BoxError>, Future: Send>
        + Clone
        + Send
        + 'static
{
}

impl Handlers {
    /// Creates handlers for the events of one app.
    pub(crate) fn new<S: Handle>(service: S, app_id: Arc<str>, tasks: Arc<Tasks>) -> Self {
        // The session limits the length of the queue.
        let (calls, called) = mpsc::unbounded_channel();
        let (ended, ends) = mpsc::unbounded_channel();
        let caller = Caller {
            service,
            app_id,
            tasks: Arc::clone(&tasks),
            ended,
        };
        Self {
            tasks,
            calls,
            calling: tokio::spawn(caller.run(called).in_current_span()),
            ends,
        }
    }

    /// Starts the handler of an event, after those started before.
    pub(crate) fn start(&mut self, key: u64, payload: Bytes, terms: Terms) {
        let slot = self.tasks.counted();
        let call = Call {
            key,
            slot,
            payload,
            terms,
        };
        // The task runs until this is dropped.
        let _ = self.calls.send(call);
    }

    /// Stops starting the waiting events.
    pub(super) fn begin_drain(&self) {
        self.tasks.begin_drain();
    }

    pub(super) fn cancel_all(&self) {
        self.tasks.cancel_all();
    }

    /// Lets running handlers finish until the given time, and cancels the rest.
    pub(super) async fn drain_by(&self, moment: Instant) {
        let within = moment.saturating_duration_since(Instant::now());
        // The stats count cancelled handlers; there is no connection to answer on.
        let _ = self.tasks.drain(within).await;
    }

    /// The next handler to end; pending while none runs.
    pub(crate) async fn next(&mut self) -> (u64, Done) {
        match self.ends.recv().await {
            Some(end) => end,
            None => std::future::pending().await,
        }
    }
}

impl Drop for Handlers {
    fn drop(&mut self) {
        self.calling.abort();
        self.tasks.begin_drain();
        self.tasks.cancel_all();
    }
}

/// An event to handle.
struct Call {
    key: u64,
    slot: Slot,
    payload: Bytes,
    terms: Terms,
}

/// Sends how an event ended: cancelled, unless another end is set.
struct EndSender {
    key: u64,
    done: Done,
    ended: mpsc::UnboundedSender<(u64, Done)>,
}

impl EndSender {
    fn send(mut self, done: Done) {
        self.done = done;
    }
}

impl Drop for EndSender {
    fn drop(&mut self) {
        let done = std::mem::replace(&mut self.done, Done::Cancelled);
        // A dropped connection has no receiver.
        let _ = self.ended.send((self.key, done));
    }
}

/// Calls the service for each event in order.
struct Caller<S> {
    service: S,
    app_id: Arc<str>,
    tasks: Arc<Tasks>,
    ended: mpsc::UnboundedSender<(u64, Done)>,
}

impl<S: Handle> Caller<S> {
    async fn run(mut self, mut calls: mpsc::UnboundedReceiver<Call>) {
        while let Some(call) = calls.recv().await {
            self.call(call).await;
        }
    }

    async fn call(&mut self, call: Call) {
        let Call {
            key,
            slot,
            payload,
            terms,
        } = call;
        let end = EndSender {
            key,
            done: Done::Cancelled,
            ended: self.ended.clone(),
        };
        let parsed = if payload.len() > MAX_INLINE_BYTES {
            let app_id = Arc::clone(&self.app_id);
            let parsing = off_the_workers(move || parse(payload, &app_id));
            timeout_at(terms.deadline, Box::pin(parsing)).await
        } else {
            Ok(parse(payload, &self.app_id))
        };
        let delivery = match parsed {
            Ok(Some(delivery)) => delivery,
            Ok(None) => return end.send(Done::Failed),
            Err(_) => return end.send(Done::NotStarted),
        };
        let (kind, header) = (delivery.kind, &delivery.header);
        let (event_type, event_id) = (header.event_type.clone(), header.event_id.clone());
        // Logs why an event is not acknowledged, unless it is logged elsewhere: the dispatcher logs its
        // failures, the session logs events that were not started.
        let failed = move |error: BoxError| {
            let event_id = event_id.as_deref();
            let error = match unless_rejected(kind, (&event_type, event_id), error) {
                Ok(outcome) => return Done::Outcome(outcome),
                Err(error) => error,
            };
            let error = &*error as &(dyn Error + 'static);
            if is_not_started(error) {
                return Done::NotStarted;
            }
            if !is_logged(error) {
                warn!(event_type, event_id, error, "not acknowledged");
            }
            Done::Failed
        };
        let called = self.tasks.call(self.service.clone(), delivery, terms);
        match called.await {
            Ok(called) => {
                self.tasks.run(called, (slot, ()), move |ended| {
                    end.send(match ended {
                        Ended::Finished(Ok(outcome)) => Done::Outcome(outcome),
                        Ended::Finished(Err(error)) => failed(error),
                        Ended::Late | Ended::Drained => Done::Cancelled,
                    });
                });
            }
            Err(NotStarted::Draining | NotStarted::Late) => end.send(Done::NotStarted),
            Err(NotStarted::Failed(error)) => end.send(failed(error)),
        }
    }
}

/// Parses the delivery in a payload. A payload that is not a delivery of the app is logged.
fn parse(payload: Bytes, app_id: &str) -> Option<Delivery> {
    let now = SystemTime::now();
    let delivery = Delivery::parse_unauthenticated(payload, Transport::LongConnection, now);
    let mut delivery = match delivery {
        Ok(delivery) => delivery,
        Err(error) => {
            warn!(%error, "not acknowledged: the payload is not an event");
            return None;
        }
    };
    let header = &mut delivery.header;
    let named = header.app_id.get_or_insert_with(|| app_id.to_owned());
    if named != app_id {
        let (event_type, event_id) = (&header.event_type, header.event_id.as_deref());
        warn!(
            event_type,
            event_id, "not acknowledged: the event is for another app"
        );
        return None;
    }
    Some(delivery)
}
