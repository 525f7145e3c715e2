//! The service: one HTTP request in, one status out.

use std::convert::Infallible;
use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Request;
use http_body::Body;
use lark_events::{BoxError, Delivery, Outcome, Webhook};
use lark_events_layers::DrainError;
use tokio::time::Instant;
use tower_service::Service;

use crate::answer::Answer;
use crate::builder::EventServiceBuilder;
use crate::opener::Opener;
use crate::request::Shared;
use crate::response::ResponseFuture;
use crate::stats::Stats;

/// Receives the platform's events over HTTP and passes them to an inner [`Service`] of [`Delivery`]: a
/// [`Dispatcher`](lark_events::Dispatcher), alone or under layers.
///
/// It accepts requests with any body type, never fails, and is always ready. It clones the inner
/// service and waits for its readiness only once a request is authentic, so a forged or slow request
/// never holds a permit of an inner limit. Clones are cheap and share handlers, limits and counts.
///
/// | answer | when |
/// | --- | --- |
/// | 200 | handled, or acknowledged unhandled: `{"msg":"success"}`; the reply of a callback; the challenge of a URL check |
/// | 400 | authentic but malformed |
/// | 401 | any failure of authentication, byte for byte the same |
/// | 405 | any method but POST |
/// | 408 | the body took longer than the read time-out or the ack deadline |
/// | 413 | a body beyond the limit |
/// | 415 | a `Content-Encoding` other than identity |
/// | 500 | the handler or a layer failed, or panicked; an unhandled event that the policy does not acknowledge |
/// | 503 | a limit is reached, a layer rejects the event for now, or the service is draining |
/// | 504 | no outcome by the ack deadline |
///
/// The platform redelivers an event after any answer except 200, at most four times. It never
/// redelivers a callback.
///
/// With an Encrypt Key, an unsigned request is rejected [5
/// milliseconds](lark_events::limits::REFUSAL_DELAY) after its last byte, so that the time of a
/// rejection reveals nothing about the plaintext.
///
/// A handler that waits runs in its own task, so a sender that closes the connection does not cancel it. Its first
/// poll may happen in the task of the request, if handlers of its event type return from their first poll within a
/// millisecond. That poll sees the task id and the task-local values of the server's task: do not rely on
/// [`tokio::task::id`] or on task-local values in a handler. On shutdown, let the server finish its connections,
/// then call [`drain`](Self::drain).
///
/// # Panics
///
/// A request panics outside a tokio runtime, or in one without its timer enabled.
///
/// # Example
///
/// ```
/// use axum::Router;
/// use lark_events::{Dispatcher, Event, Webhook};
/// use lark_events_tower::EventService;
/// use vc_events::ReserveConfigUpdatedV1;
///
/// async fn on_updated(event: Event<ReserveConfigUpdatedV1>) {
///     println!("{:?} of {:?}", event.body.scope_id, event.header.tenant_key);
/// }
///
/// let webhook = Webhook::builder().encrypt_key("key").verification_token("token").build()?;
/// let dispatcher = Dispatcher::builder().on::<ReserveConfigUpdatedV1>(on_updated).build()?;
/// let events = EventService::new(webhook, dispatcher);
/// let app: Router = Router::new().route_service("/webhook/event", events.clone());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct EventService<S, O = Webhook> {
    pub(crate) shared: Arc<Shared<S, O>>,
}

/// The service for the old card callback, at its own URL. It answers like [`EventService`].
///
/// ```
/// use lark_events::callback::{CardActionTriggerV1, OldCardReply, Toast};
/// use lark_events::{Dispatcher, Webhook};
/// use lark_events_tower::OldCardService;
///
/// let dispatcher = Dispatcher::builder()
///     .on::<CardActionTriggerV1>(|event| async move {
///         OldCardReply::new().toast(Toast::info(event.body.open_id.unwrap_or_default()))
///     })
///     .build()?;
/// let webhook = Webhook::builder().verification_token("v-token").build_old_card()?;
/// let cards = OldCardService::new(webhook, dispatcher);
/// let app: axum::Router = axum::Router::new().route_service("/webhook/card", cards);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[cfg(feature = "old-card")]
pub type OldCardService<S> = EventService<S, lark_events::webhook::OldCardWebhook>;

impl<S, O: Opener> EventService<S, O> {
    /// Creates a service with the default limits.
    pub fn new(opener: O, inner: S) -> Self {
        Self::builder(opener, inner).build_checked()
    }

    /// Starts configuring a service.
    pub fn builder(opener: O, inner: S) -> EventServiceBuilder<S, O> {
        EventServiceBuilder::new(opener, inner)
    }

    pub(crate) fn from_shared(shared: Shared<S, O>) -> Self {
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Rejects new events (503), waits up to `within` for the running handlers, and cancels the rest,
    /// which takes up to a second if a handler blocks its thread. Call it at the end of the program,
    /// after the server has stopped.
    ///
    /// # Errors
    ///
    /// [`DrainError`] when handlers were cancelled. The platform redelivers their events, but not their
    /// callbacks.
    pub async fn drain(&self, within: Duration) -> Result<(), DrainError> {
        self.shared.tasks.drain(within).await
    }

    /// The handlers that run now, and counts since the start.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.shared.counters.stats(&self.shared.tasks)
    }
}

impl<S, O> Clone for EventService<S, O> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<S, O> fmt::Debug for EventService<S, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventService")
            .field("ack_deadline", &self.shared.ack_deadline)
            .field("read_timeout", &self.shared.read_timeout)
            .field("late", &self.shared.late)
            .finish_non_exhaustive()
    }
}

impl<S, O, B> Service<Request<B>> for EventService<S, O>
where
    S: Service<Delivery, Response = Outcome> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
    O: Opener,
    B: Body + Send + 'static,
{
    type Response = Answer;
    type Error = Infallible;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> ResponseFuture {
        let arrived = Instant::now();
        let shared = Arc::clone(&self.shared);
        let (parts, body) = request.into_parts();
        ResponseFuture::new(async move {
            let mut ran_here = false;
            let body = pin!(body);
            let reply = shared.reply(&parts, body, arrived, &mut ran_here).await;
            let reply = reply.unwrap_or_else(|refused| shared.refuse(&refused));
            (reply.to(parts.headers), ran_here)
        })
    }
}
