//! The receiving half: a service that appends events and passes callbacks on.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use lark_events::{BoxError, Delivery, Outcome};
use lark_events_layers::run::unless_over;
use tower::ServiceExt as _;
use tower_service::Service;

use crate::monitor::Monitor;
use crate::queue::{Pushing, Queue};

/// The receiving half of an [`Inbox`](crate::Inbox): stores events, and passes callbacks to its
/// service. It is always ready.
#[derive(Debug, Clone)]
pub struct Receiver<S> {
    queue: Queue,
    callbacks: S,
}

impl<S> Receiver<S> {
    pub(crate) fn new(queue: Queue, callbacks: S) -> Self {
        Self { queue, callbacks }
    }

    /// The queue, to append events to.
    #[must_use]
    pub fn queue(&self) -> &Queue {
        &self.queue
    }

    /// The state of the store, for readiness checks.
    #[must_use]
    pub fn monitor(&self) -> &Monitor {
        self.queue.monitor()
    }
}

impl<S> Service<Delivery> for Receiver<S>
where
    S: Service<Delivery, Response = Outcome, Error: Into<BoxError>, Future: Send>
        + Clone
        + Send
        + 'static,
{
    type Response = Outcome;
    type Error = BoxError;
    type Future = ReceiveFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, delivery: Delivery) -> ReceiveFuture {
        if delivery.is_callback() {
            let mut callbacks = self.callbacks.clone();
            return ReceiveFuture(Receiving::Callback(Box::pin(async move {
                let ready = unless_over(callbacks.ready()).await?.map_err(Into::into)?;
                ready.call(delivery).await.map_err(Into::into)
            })));
        }
        ReceiveFuture(Receiving::Event(self.queue.begin(delivery)))
    }
}

/// The future of a delivery to an [`Inbox`](crate::Inbox).
#[must_use = "futures do nothing unless polled"]
pub struct ReceiveFuture(Receiving);

enum Receiving {
    Event(Pushing),
    Callback(Pin<Box<dyn Future<Output = Result<Outcome, BoxError>> + Send>>),
}

impl Future for ReceiveFuture {
    type Output = Result<Outcome, BoxError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Receiving::Event(pushing) => {
                let pushed = Pin::new(pushing).poll(context);
                pushed.map(|pushed| Ok(pushed.map(|_| Outcome::Queued)?))
            }
            Receiving::Callback(callback) => callback.as_mut().poll(context),
        }
    }
}

impl fmt::Debug for ReceiveFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceiveFuture").finish_non_exhaustive()
    }
}
