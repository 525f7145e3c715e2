//! What can be registered as a handler: any `Fn` from an event to a `Send` future.
//!
//! The closure's own signature is a supertrait, so that the compiler infers the argument of an
//! un-annotated closure from the event it is registered for, and needs no marker parameter.

use std::any::TypeId;
use std::future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::outcome::{IntoReply, Outcome, RawReply};
use crate::error::{DispatchError, DispatchErrorKind, EncodeError};
use crate::event::{Delivery, Event, EventSet, EventType};
use crate::json::RawJson;

/// A handler of events with body `E`. Implemented for functions, closures and method paths; do not
/// implement it yourself.
pub trait Handler<E>: Fn(Event<E>) -> <Self as Handler<E>>::Future + Send + Sync + 'static {
    /// The future that the handler returns.
    type Future: Future<Output = Self::Return> + Send + 'static;
    /// The output of the future.
    type Return;
}

impl<E, F, Fut> Handler<E> for F
where
    F: Fn(Event<E>) -> Fut + Send + Sync + 'static,
    Fut: Future + Send + 'static,
{
    type Future = Fut;
    type Return = Fut::Output;
}

/// A handler of events with body `E` that also receives a clone of the state `S`. Implemented for
/// functions, closures and method paths; do not implement it yourself.
pub trait HandlerWith<S, E>:
    Fn(S, Event<E>) -> <Self as HandlerWith<S, E>>::Future + Send + Sync + 'static
{
    /// The future that the handler returns.
    type Future: Future<Output = Self::Return> + Send + 'static;
    /// The output of the future.
    type Return;
}

impl<S, E, F, Fut> HandlerWith<S, E> for F
where
    F: Fn(S, Event<E>) -> Fut + Send + Sync + 'static,
    Fut: Future + Send + 'static,
{
    type Future = Fut;
    type Return = Fut::Output;
}

/// A handler of all events of a set `S`. Implemented for functions, closures and method paths; do not
/// implement it yourself.
pub trait SetHandler<S>: Fn(S) -> <Self as SetHandler<S>>::Future + Send + Sync + 'static {
    /// The future that the handler returns.
    type Future: Future<Output = Self::Return> + Send + 'static;
    /// The output of the future.
    type Return;
}

impl<S, F, Fut> SetHandler<S> for F
where
    F: Fn(S) -> Fut + Send + Sync + 'static,
    Fut: Future + Send + 'static,
{
    type Future = Fut;
    type Return = Fut::Output;
}

/// A handler of all events of a set `E` that also receives a clone of the state `S`. Implemented for
/// functions, closures and method paths; do not implement it yourself.
pub trait SetHandlerWith<S, E>:
    Fn(S, E) -> <Self as SetHandlerWith<S, E>>::Future + Send + Sync + 'static
{
    /// The future that the handler returns.
    type Future: Future<Output = Self::Return> + Send + 'static;
    /// The output of the future.
    type Return;
}

impl<S, E, F, Fut> SetHandlerWith<S, E> for F
where
    F: Fn(S, E) -> Fut + Send + Sync + 'static,
    Fut: Future + Send + 'static,
{
    type Future = Fut;
    type Return = Fut::Output;
}

/// A running handler.
pub(crate) type HandlerFuture =
    Pin<Box<dyn Future<Output = Result<Outcome, DispatchError>> + Send>>;

/// A handler with its event type erased. One may be registered for several types.
pub(crate) type ErasedHandler = Arc<dyn Fn(Delivery) -> HandlerFuture + Send + Sync>;

/// Wraps a typed handler so that it decodes the body first.
pub(crate) fn erase<E, Fut>(
    handler: impl Fn(Event<E>) -> Fut + Send + Sync + 'static,
) -> ErasedHandler
where
    E: EventType,
    Fut: Future<Output: IntoReply<E::Reply>> + Send + 'static,
{
    Arc::new(move |delivery| match Event::<E>::decode(delivery) {
        Ok(event) => running(handler(event), encode::<E::Reply>),
        Err(error) => failed(DispatchErrorKind::Decode, error),
    })
}

/// Wraps a handler of a set so that it decodes the body first.
pub(crate) fn erase_set<S, Fut>(handler: impl Fn(S) -> Fut + Send + Sync + 'static) -> ErasedHandler
where
    S: EventSet,
    Fut: Future<Output: IntoReply<()>> + Send + 'static,
{
    Arc::new(
        move |delivery| match S::decode(Event::undecoded(delivery)) {
            Ok(Some(event)) => running(handler(event), encode::<()>),
            Ok(None) => failed(
                DispatchErrorKind::Handler,
                "the event set does not decode an event that it lists",
            ),
            Err(error) => failed(DispatchErrorKind::Decode, error),
        },
    )
}

/// Wraps an untyped handler.
pub(crate) fn erase_raw<Fut>(
    handler: impl Fn(Event<RawJson>) -> Fut + Send + Sync + 'static,
) -> ErasedHandler
where
    Fut: Future<Output: IntoReply<RawReply>> + Send + 'static,
{
    Arc::new(move |delivery| {
        running(handler(Event::undecoded(delivery)), |RawReply(json)| {
            Ok(json)
        })
    })
}

fn running<R: 'static, Fut>(handler: Fut, encode: Encode<R>) -> HandlerFuture
where
    Fut: Future<Output: IntoReply<R>> + Send + 'static,
{
    Box::pin(Running { handler, encode })
}

/// A handler that cannot run.
fn failed(kind: DispatchErrorKind, error: impl Into<crate::BoxError>) -> HandlerFuture {
    let error = DispatchError::with_source(kind, error);
    Box::pin(future::ready(Err(error)))
}

/// Encodes a reply, if it is one.
type Encode<R> = fn(R) -> Result<Option<RawJson>, EncodeError>;

pin_project! {
    /// A handler whose return value becomes an outcome. An async block would reserve the memory of the
    /// handler twice.
    struct Running<Fut, R> {
        #[pin]
        handler: Fut,
        encode: Encode<R>,
    }
}

impl<R, Fut: Future<Output: IntoReply<R>>> Future for Running<Fut, R> {
    type Output = Result<Outcome, DispatchError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let returned = ready!(this.handler.poll(context));
        Poll::Ready(finish(returned.into_reply(), *this.encode))
    }
}

fn finish<R>(
    reply: Result<R, crate::BoxError>,
    encode: Encode<R>,
) -> Result<Outcome, DispatchError> {
    let reply =
        reply.map_err(|error| DispatchError::with_source(DispatchErrorKind::Handler, error))?;
    match encode(reply) {
        Ok(Some(json)) => Ok(Outcome::Replied(json)),
        Ok(None) => Ok(Outcome::Handled),
        Err(error) => Err(DispatchError::with_source(DispatchErrorKind::Encode, error)),
    }
}

/// The JSON of a reply; `()` is no reply.
fn encode<R: serde::Serialize + 'static>(reply: R) -> Result<Option<RawJson>, EncodeError> {
    if TypeId::of::<R>() == TypeId::of::<()>() {
        return Ok(None);
    }
    RawJson::encode(&reply).map(Some)
}
