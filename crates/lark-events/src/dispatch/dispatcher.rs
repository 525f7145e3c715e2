//! Routing a delivery to its handler with one look-up and one decode. Every failure is a value.

use std::collections::HashMap;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;
use std::{fmt, mem};

use tower_service::Service;
use tracing::field::Empty;
use tracing::{Span, debug, error, error_span, warn};

use super::builder::DispatcherBuilder;
use super::handler::{ErasedHandler, HandlerFuture};
use super::manifest::Manifest;
use super::outcome::Outcome;
use super::unhandled::UnhandledTypes;
use super::verdict::Verdict;
use crate::error::{BoxError, DispatchError, DispatchErrorKind};
use crate::event::{Delivery, EventInfo};

/// Routes deliveries to the handlers registered for their event types.
///
/// It is a [`tower_service::Service`] of [`Delivery`] and always ready. Clones are cheap and share the
/// handlers. Its error is a [`BoxError`], as tower's layers expect, and always contains a
/// [`DispatchError`], which [`dispatch`](Self::dispatch) returns directly. An event without a handler
/// is never decoded. A handler that panics fails like one that returns an error, if the program is
/// built to unwind.
///
/// Every delivery has a [`tracing`] span `delivery` with the fields `event_type`, `event_id`,
/// `app_id`, `tenant_key`, `transport`, `outcome` and `elapsed_us` (microseconds until the outcome).
/// The outcome is `handled`, `replied`, `rejected` or `unhandled`; for a failure, the name of its
/// [kind](crate::error::DispatchErrorKind::as_str); or `cancelled` when a layer or the transport
/// dropped the delivery before it finished. A handler's error is logged with its causes at level
/// `ERROR`. The contents of a delivery are never logged.
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

/// The registered handlers and the policy, shared by all clones.
pub(crate) struct Routes {
    pub(crate) by_type: HashMap<String, Route>,
    pub(crate) fallback: Option<ErasedHandler>,
    pub(crate) unhandled: UnhandledPolicy,
    pub(crate) unhandled_types: UnhandledTypes,
}

/// How the events of one type are handled.
pub(crate) struct Route {
    /// `None` if the app ignores the type.
    pub(crate) handler: Option<ErasedHandler>,
    /// The documented facts of the event, if its handler is typed.
    pub(crate) info: Option<&'static EventInfo>,
}

/// How to answer an event without a handler: [`Fail`](Self::Fail) by default. A *callback* without a handler always
/// fails: acknowledging it without a reply would mislead the user who waits for it.
///
/// The dispatcher logs the first event of a type at `WARN` and further ones at `DEBUG` with their
/// count. [Ignored](DispatcherBuilder::ignore) types are acknowledged and not logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum UnhandledPolicy {
    /// Fail, so that the platform redelivers the event, perhaps to a newer version of the app. A
    /// rolling deployment then loses no event of a type that only the new version handles: on a long
    /// connection the platform may pick any process of the app, including an old one. The official SDKs
    /// fail too.
    #[default]
    Fail,
    /// Acknowledge the event as [`Outcome::Unhandled`], so that the platform does not redeliver it.
    Acknowledge,
}

impl Dispatcher {
    /// Starts registering handlers. `S` is the state of the handlers that take one.
    pub fn builder<S>() -> DispatcherBuilder<S> {
        DispatcherBuilder::default()
    }

    pub(crate) fn new(routes: Routes) -> Self {
        Self {
            routes: Arc::new(routes),
        }
    }

    /// Routes a delivery to its handler, like the [`Service`] does, but returns the error without
    /// boxing it.
    pub fn dispatch(
        &self,
        delivery: Delivery,
    ) -> impl Future<Output = Result<Outcome, DispatchError>> + Send + use<> {
        self.start(delivery)
    }

    /// The event types that have their own handler, in no particular order.
    pub fn event_types(&self) -> impl Iterator<Item = &str> {
        self.routes.handled().map(|(event_type, _)| event_type)
    }

    /// The subscriptions and permissions that the registered handlers need in the developer console.
    #[must_use]
    pub fn manifest(&self) -> Manifest {
        let known = self.routes.handled();
        let known = known.map(|(event_type, route)| (event_type, route.info));
        Manifest::new(known, self.routes.fallback.is_some())
    }
}

impl fmt::Debug for Dispatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dispatcher")
            .field("handlers", &self.routes.handled().count())
            .field("fallback", &self.routes.fallback.is_some())
            .field("unhandled", &self.routes.unhandled)
            .finish()
    }
}

impl Service<Delivery> for Dispatcher {
    type Response = Outcome;
    type Error = BoxError;
    type Future = DispatchFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, delivery: Delivery) -> DispatchFuture {
        DispatchFuture(self.start(delivery))
    }
}

/// The future of a dispatched delivery. Its error is a [`DispatchError`]. Dropping it before it
/// finishes is logged.
#[must_use = "futures do nothing unless polled"]
pub struct DispatchFuture(Dispatching);

impl Future for DispatchFuture {
    type Output = Result<Outcome, BoxError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let polled = Pin::new(&mut self.0).poll(context);
        polled.map_err(Into::into)
    }
}

impl fmt::Debug for DispatchFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DispatchFuture").finish_non_exhaustive()
    }
}

impl Dispatcher {
    fn start(&self, delivery: Delivery) -> Dispatching {
        let routes = Arc::clone(&self.routes);
        let header = &delivery.header;
        // At the highest level, so that every line that passes the filter names its delivery.
        let span = error_span!(
            "delivery",
            event_type = header.event_type,
            event_id = header.event_id.as_deref(),
            app_id = header.app_id.as_deref(),
            tenant_key = header.tenant_key.as_deref(),
            transport = delivery.transport.as_str(),
            outcome = Empty,
            elapsed_us = Empty,
        );
        // Without a span, nothing records the time.
        let started = (!span.is_disabled()).then(Instant::now);
        Dispatching {
            span,
            started,
            stage: Stage::Called { routes, delivery },
        }
    }
}

/// The state of a delivery and its span.
struct Dispatching {
    span: Span,
    started: Option<Instant>,
    stage: Stage,
}

/// The progress of a delivery.
enum Stage {
    Called {
        routes: Arc<Routes>,
        delivery: Delivery,
    },
    Running {
        handler: HandlerFuture,
        is_callback: bool,
    },
    Ended,
}

impl Stage {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<Outcome, DispatchError>> {
        if let Self::Called { .. } = self
            && let Self::Called { routes, delivery } = mem::replace(self, Self::Ended)
        {
            match routes.start(delivery) {
                Ok(running) => *self = running,
                Err(outcome) => return Poll::Ready(outcome),
            }
        }
        #[expect(clippy::panic, reason = "no executor polls what has ended")]
        let Self::Running {
            handler,
            is_callback,
        } = self
        else {
            panic!("`DispatchFuture` polled after completion");
        };
        let polled = catch_unwind(AssertUnwindSafe(|| handler.as_mut().poll(context)));
        Poll::Ready(match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(Ok(Outcome::Handled))) if *is_callback => {
                Err(DispatchError::new(DispatchErrorKind::NoReply))
            }
            Ok(Poll::Ready(Err(error))) if !*is_callback && is_rejected(&error) => {
                Ok(Outcome::rejected_by(&error))
            }
            Ok(Poll::Ready(outcome)) => outcome,
            Err(_panic) => Err(DispatchError::new(DispatchErrorKind::Panic)),
        })
    }
}

impl Routes {
    /// The event types that have their own handler.
    fn handled(&self) -> impl Iterator<Item = (&str, &Route)> {
        let routes = self
            .by_type
            .iter()
            .filter(|(_, route)| route.handler.is_some());
        routes.map(|(event_type, route)| (event_type.as_str(), route))
    }

    /// Starts the handler of a delivery, or finishes it if there is no handler.
    fn start(&self, delivery: Delivery) -> Result<Stage, Result<Outcome, DispatchError>> {
        let route = self.by_type.get(&delivery.header.event_type);
        let is_callback = delivery.is_callback();
        let handler = match route {
            Some(Route { handler: None, .. }) if !is_callback => {
                return Err(Ok(Outcome::Unhandled));
            }
            Some(route) => route.handler.as_ref(),
            None => None,
        };
        let Some(handler) = handler.or(self.fallback.as_ref()) else {
            let unhandled = DispatchError::new(DispatchErrorKind::Unhandled);
            if is_callback {
                error!(error = &unhandled as &dyn Error, "not handled");
                return Err(Err(unhandled));
            }
            let event_type = &delivery.header.event_type;
            self.unhandled_types.report(event_type, self.unhandled);
            return Err(match self.unhandled {
                UnhandledPolicy::Acknowledge => Ok(Outcome::Unhandled),
                UnhandledPolicy::Fail => Err(unhandled),
            });
        };
        match catch_unwind(AssertUnwindSafe(|| handler(delivery))) {
            Ok(handler) => Ok(Stage::Running {
                handler,
                is_callback,
            }),
            Err(_panic) => Err(Err(DispatchError::new(DispatchErrorKind::Panic))),
        }
    }
}

impl Stage {
    /// Drops the pending work, which may panic.
    fn end(&mut self) -> Result<(), DispatchError> {
        let ended = mem::replace(self, Self::Ended);
        let dropped = catch_unwind(AssertUnwindSafe(|| drop(ended)));
        dropped.map_err(|_panic| DispatchError::new(DispatchErrorKind::Panic))
    }
}

fn is_rejected(error: &DispatchError) -> bool {
    Verdict::of(error) == Some(Verdict::Reject)
}

fn record(span: &Span, started: Option<Instant>, outcome: &str) {
    if let Some(started) = started {
        let elapsed = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        span.record("outcome", outcome);
        span.record("elapsed_us", elapsed);
    }
}

impl Future for Dispatching {
    type Output = Result<Outcome, DispatchError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self {
            span,
            started,
            stage,
        } = self.get_mut();
        let _entered = span.enter();
        let result = ready!(stage.poll(context));
        let result = stage.end().and(result);
        match &result {
            Ok(outcome) => record(span, *started, outcome.as_str()),
            Err(error) => record(span, *started, error.kind().as_str()),
        }
        match &result {
            // Already reported by the look-up, unless the type is ignored.
            Ok(Outcome::Unhandled) => {}
            Err(error) if error.kind() == DispatchErrorKind::Unhandled => {}
            Ok(Outcome::Rejected(error)) => error!(error, "rejected: acknowledged, not retried"),
            Ok(_) => debug!("dispatched"),
            Err(failure) => error!(error = failure as &dyn Error, "not handled"),
        }
        Poll::Ready(result)
    }
}

impl Drop for Dispatching {
    fn drop(&mut self) {
        if matches!(self.stage, Stage::Ended) {
            return;
        }
        let _entered = self.span.enter();
        // A panic makes no difference: there is no outcome in either case.
        let _ = self.stage.end();
        record(&self.span, self.started, "cancelled");
        warn!("cancelled before it finished");
    }
}
