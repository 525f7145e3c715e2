//! What can be registered as a handler: any `Fn` from an event to a `Send` future.
//!
//! The closure's own signature is a supertrait, so that the compiler infers the argument of an
//! un-annotated closure from the event it is registered for, and needs no marker parameter.

use std::any::TypeId;
use std::pin::Pin;
use std::sync::Arc;

use super::outcome::{IntoReply, Outcome, RawReply};
use crate::error::{DispatchError, DispatchErrorKind};
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
    Arc::new(move |delivery| {
        let running = match Event::<E>::decode(delivery) {
            Ok(event) => Ok(handler(event)),
            Err(error) => Err(DispatchError::with_source(DispatchErrorKind::Decode, error)),
        };
        Box::pin(async move { finish(running?.await.into_reply(), encode::<E::Reply>) })
    })
}

/// Wraps a handler of a set so that it decodes the body first.
pub(crate) fn erase_set<S, Fut>(handler: impl Fn(S) -> Fut + Send + Sync + 'static) -> ErasedHandler
where
    S: EventSet,
    Fut: Future<Output: IntoReply<()>> + Send + 'static,
{
    Arc::new(move |delivery| {
        let running = match S::decode(Event::undecoded(delivery)) {
            Ok(Some(event)) => Ok(handler(event)),
            Ok(None) => Err(DispatchError::with_source(
                DispatchErrorKind::Handler,
                "the event set does not decode an event that it lists",
            )),
            Err(error) => Err(DispatchError::with_source(DispatchErrorKind::Decode, error)),
        };
        Box::pin(async move { finish(running?.await.into_reply(), encode::<()>) })
    })
}

/// Wraps an untyped handler.
pub(crate) fn erase_raw<Fut>(
    handler: impl Fn(Event<RawJson>) -> Fut + Send + Sync + 'static,
) -> ErasedHandler
where
    Fut: Future<Output: IntoReply<RawReply>> + Send + 'static,
{
    Arc::new(move |delivery| {
        let running = handler(Event::undecoded(delivery));
        Box::pin(async move { finish(running.await.into_reply(), |RawReply(json)| Ok(json)) })
    })
}

fn finish<R>(
    reply: Result<R, crate::BoxError>,
    encode: impl FnOnce(R) -> Result<Option<RawJson>, crate::error::EncodeError>,
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
fn encode<R: serde::Serialize + 'static>(
    reply: R,
) -> Result<Option<RawJson>, crate::error::EncodeError> {
    if TypeId::of::<R>() == TypeId::of::<()>() {
        return Ok(None);
    }
    RawJson::encode(&reply).map(Some)
}
