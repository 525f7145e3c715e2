//! Routing a delivery to its handler: one look-up, one decode, and a failure of any kind is a value.

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use tower_service::Service;
use tracing::field::Empty;
use tracing::{Instrument as _, Span, debug, error, error_span, warn};

use crate::builder::DispatcherBuilder;
use crate::delivery::Delivery;
use crate::error::{DispatchError, DispatchErrorKind};
use crate::handler::{ErasedHandler, HandlerFuture};
use crate::info::EventInfo;
use crate::manifest::Manifest;
use crate::outcome::Outcome;

/// Routes deliveries to the handlers registered for their event types.
///
/// It is a [`tower_service::Service`] of [`Delivery`], always ready; cloning it is cheap and shares
/// the handlers. An event without a handler is never decoded. A handler that panics is a
/// [`DispatchError`] like one that fails, as long as the program is built to unwind.
///
/// Every delivery has a [`tracing`] span `delivery` with the fields `event_type`, `event_id`,
/// `app_id`, `tenant_key`, `transport`, `outcome` and `elapsed_us` (microseconds until the outcome).
/// The outcome is `handled`, `replied` or `unhandled`; the name of the
/// [kind of failure](crate::DispatchErrorKind::as_str); or `cancelled` when a layer or transport
/// dropped the delivery before its end. The error of a failed handler is logged with its causes, at
/// level `ERROR`; nothing that a delivery contains ever is.
///
/// ```
/// use lark_events::callback::{CardActionReply, CardActionTrigger, Toast};
/// use lark_events::{Delivery, Dispatcher, EventHeader, Outcome, RawJson};
/// use tower::ServiceExt;
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let dispatcher = Dispatcher::builder()
///     .on::<CardActionTrigger>(|event| async move {
///         let tag = event.body.action.and_then(|action| action.tag);
///         CardActionReply::new().toast(Toast::info(tag.unwrap_or_default()))
///     })
///     .build()?;
///
/// let raw = RawJson::parse(r#"{"action":{"tag":"button"}}"#)?;
/// let delivery = Delivery::new(EventHeader::new("card.action.trigger"), raw);
/// let Outcome::Replied(reply) = dispatcher.oneshot(delivery).await? else {
///     panic!("a callback is answered with its reply");
/// };
/// assert_eq!(reply.as_str(), r#"{"toast":{"type":"info","content":"button"}}"#);
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// # }).unwrap();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Dispatcher {
    routes: Arc<Routes>,
}

/// All that a dispatcher knows.
pub(crate) struct Routes {
    pub(crate) by_type: HashMap<String, Route>,
    pub(crate) fallback: Option<ErasedHandler>,
    pub(crate) unhandled: UnhandledPolicy,
}

/// Where the events of one type go.
pub(crate) struct Route {
    pub(crate) handler: ErasedHandler,
    /// What is documented of the event, where its handler is typed.
    pub(crate) info: Option<&'static EventInfo>,
}

/// What to answer an event that no handler is registered for. A *callback* without a handler
/// always fails: to acknowledge it without its reply would mislead the user who waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum UnhandledPolicy {
    /// Acknowledge it, and report it as [`Outcome::Unhandled`] and in the log: the platform does not
    /// send it again.
    #[default]
    Acknowledge,
    /// Fail: the platform delivers it again later, perhaps to a newer version of the app. With this
    /// a rolling deployment loses nothing.
    Fail,
}

impl Dispatcher {
    /// Starts registering handlers.
    pub fn builder() -> DispatcherBuilder {
        DispatcherBuilder::default()
    }

    pub(crate) fn new(routes: Routes) -> Self {
        Self {
            routes: Arc::new(routes),
        }
    }

    /// The event types that have a handler of their own, in no particular order.
    pub fn event_types(&self) -> impl Iterator<Item = &str> {
        self.routes.by_type.keys().map(String::as_str)
    }

    /// What the registered handlers need of the app in the developer console: subscriptions and
    /// permissions.
    #[must_use]
    pub fn manifest(&self) -> Manifest {
        let routes = self.routes.by_type.iter();
        let known = routes.map(|(event_type, route)| (event_type.as_str(), route.info));
        Manifest::new(known, self.routes.fallback.is_some())
    }
}

impl fmt::Debug for Dispatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dispatcher")
            .field("handlers", &self.routes.by_type.len())
            .field("fallback", &self.routes.fallback.is_some())
            .field("unhandled", &self.routes.unhandled)
            .finish()
    }
}

impl Routes {
    async fn run(&self, delivery: Delivery) -> Result<Outcome, DispatchError> {
        let is_callback = delivery.is_callback();
        let route = self.by_type.get(&delivery.header.event_type);
        let handler = route.map(|route| &route.handler);
        let Some(handler) = handler.or(self.fallback.as_ref()) else {
            return match self.unhandled {
                UnhandledPolicy::Acknowledge if !is_callback => Ok(Outcome::Unhandled),
                _ => Err(DispatchError::new(DispatchErrorKind::Unhandled)),
            };
        };
        let panicked = |_: Box<dyn Any + Send>| DispatchError::new(DispatchErrorKind::Panic);
        let running = catch_unwind(AssertUnwindSafe(|| handler(delivery))).map_err(panicked)?;
        let outcome = Unwinding(running).await.map_err(panicked)??;
        if is_callback && outcome == Outcome::Handled {
            return Err(DispatchError::new(DispatchErrorKind::NoReply));
        }
        Ok(outcome)
    }
}

impl Service<Delivery> for Dispatcher {
    type Response = Outcome;
    type Error = DispatchError;
    type Future = DispatchFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), DispatchError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, delivery: Delivery) -> DispatchFuture {
        let routes = Arc::clone(&self.routes);
        let header = &delivery.header;
        // At the highest level, so that whatever the filter lets through of a delivery says which.
        let span = error_span!(
            "delivery",
            event_type = header.event_type,
            event_id = header.event_id,
            app_id = header.app_id,
            tenant_key = header.tenant_key,
            transport = delivery.transport.as_str(),
            outcome = Empty,
            elapsed_us = Empty,
        );
        let report = Report {
            span: span.clone(),
            started: Instant::now(),
            is_made: false,
        };
        let dispatch = async move {
            let result = routes.run(delivery).await;
            report.make(&result);
            result
        };
        DispatchFuture(Box::pin(dispatch.instrument(span)))
    }
}

/// Records the end of a delivery in its span, and logs what somebody should look into. A delivery
/// that is dropped before its end was cancelled.
struct Report {
    span: Span,
    started: Instant,
    is_made: bool,
}

impl Report {
    fn make(mut self, result: &Result<Outcome, DispatchError>) {
        self.is_made = true;
        self.record(match result {
            Ok(outcome) => outcome.as_str(),
            Err(error) => error.kind().as_str(),
        });
        match result {
            Ok(Outcome::Unhandled) => warn!("acknowledged without a handler"),
            Ok(_) => debug!("dispatched"),
            Err(failure) => error!(error = failure as &dyn std::error::Error, "not handled"),
        }
    }

    fn record(&self, outcome: &str) {
        let elapsed = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.span.record("outcome", outcome);
        self.span.record("elapsed_us", elapsed);
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        if !self.is_made {
            self.record("cancelled");
            warn!("cancelled before its end");
        }
    }
}

/// A delivery on its way to an [`Outcome`].
#[must_use = "futures do nothing unless polled"]
pub struct DispatchFuture(HandlerFuture);

impl Future for DispatchFuture {
    type Output = Result<Outcome, DispatchError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(context)
    }
}

impl fmt::Debug for DispatchFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DispatchFuture").finish_non_exhaustive()
    }
}

/// Turns a panic of the future inside into an error.
struct Unwinding(HandlerFuture);

impl Future for Unwinding {
    type Output = Result<Result<Outcome, DispatchError>, Box<dyn Any + Send>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match catch_unwind(AssertUnwindSafe(|| self.0.as_mut().poll(context))) {
            Ok(poll) => poll.map(Ok),
            Err(panic) => Poll::Ready(Err(panic)),
        }
    }
}
