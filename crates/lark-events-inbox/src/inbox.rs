//! An inbox in one process: its receiving and its working half.

use std::sync::Arc;
use std::task::{Context, Poll};

use lark_events::{BoxError, Delivery, Outcome};
use lark_events_layers::{LayerBuildError, LayerError};
use tower_service::Service;

use crate::builder::InboxBuilder;
use crate::error::InboxError;
use crate::monitor::Monitor;
use crate::queue::{Pushed, Queue};
use crate::receiver::{ReceiveFuture, Receiver};
use crate::store::Store;
use crate::worker::Worker;

/// Stores events, acknowledges them, and handles them afterwards.
///
/// It is a [`Service`] of [`Delivery`] for every transport. Clones share one queue. See the
/// [crate](crate) for how it works.
///
/// # Errors
///
/// A [`LayerError`](lark_events_layers::LayerError), so that the platform redelivers:
///
/// - [`Store`](lark_events_layers::LayerErrorKind::Store) (500) when the store fails, or does not
///   append the event [in time](InboxBuilder::append_timeout),
/// - [`Overloaded`](lark_events_layers::LayerErrorKind::Overloaded) (503) when the store is full, or
///   too many appends wait for it,
/// - [`NoWorker`](lark_events_layers::LayerErrorKind::NoWorker) (503) when the store does not outlive the process
///   and no worker runs,
/// - [`Draining`](lark_events_layers::LayerErrorKind::Draining) (503) when the store does not outlive the process
///   and the last worker shuts down.
///
/// The errors of callbacks are those of the inner service.
#[derive(Debug, Clone)]
pub struct Inbox<S> {
    receiver: Receiver<S>,
    worker: Arc<Worker<S>>,
}

impl Inbox<()> {
    /// Starts configuring an inbox with its store.
    pub fn builder(store: Arc<dyn Store>) -> InboxBuilder {
        InboxBuilder::new(store)
    }

    /// Creates only the receiving half, with the default settings: events are stored, and `callbacks`
    /// replies to callbacks. Another process has a [`worker`](Self::worker). Use
    /// [`InboxBuilder::receiver`] to set lanes.
    ///
    /// # Errors
    ///
    /// None with the default settings.
    pub fn receiver<S>(
        store: Arc<dyn Store>,
        callbacks: S,
    ) -> Result<Receiver<S>, LayerBuildError> {
        InboxBuilder::new(store).receiver(callbacks)
    }

    /// Creates only the working half, with the default settings: `service` handles stored events.
    ///
    /// # Errors
    ///
    /// None with the default settings.
    pub fn worker<S>(store: Arc<dyn Store>, service: S) -> Result<Worker<S>, LayerBuildError> {
        InboxBuilder::new(store).worker(service)
    }
}

impl<S> Inbox<S> {
    pub(crate) fn new(receiver: Receiver<S>, worker: Worker<S>) -> Self {
        let worker = Arc::new(worker);
        Self { receiver, worker }
    }

    /// The queue of this inbox, to append events to.
    #[must_use]
    pub fn queue(&self) -> &Queue {
        self.receiver.queue()
    }

    /// Appends an event of your own, such as the slow half of a callback: see [`Queue::push`].
    ///
    /// # Errors
    ///
    /// As [`Queue::push`].
    pub async fn push(&self, delivery: Delivery) -> Result<Pushed, LayerError> {
        self.queue().push(delivery).await
    }

    /// The state of the store, for readiness checks.
    #[must_use]
    pub fn monitor(&self) -> &Monitor {
        self.queue().monitor()
    }

    /// Handles stored events until `shutdown` completes: see [`Worker::run`].
    ///
    /// # Errors
    ///
    /// As [`Worker::run`].
    pub async fn run(&self, shutdown: impl Future<Output = ()>) -> Result<(), InboxError>
    where
        S: Service<Delivery, Response = Outcome, Error: Into<BoxError> + 'static, Future: Send>
            + Clone
            + Send
            + 'static,
    {
        self.worker.run(shutdown).await
    }
}

impl<S> Service<Delivery> for Inbox<S>
where
    S: Service<Delivery, Response = Outcome, Error: Into<BoxError>, Future: Send>
        + Clone
        + Send
        + 'static,
{
    type Response = Outcome;
    type Error = BoxError;
    type Future = ReceiveFuture;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.receiver.poll_ready(context)
    }

    fn call(&mut self, delivery: Delivery) -> ReceiveFuture {
        self.receiver.call(delivery)
    }
}
