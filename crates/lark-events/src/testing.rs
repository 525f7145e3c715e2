//! Test support for your handlers: documented sample events, delivered without a transport. Enable the
//! feature `testing` in `[dev-dependencies]`:
//!
//! ```toml
//! lark-events = { version = "0.1", features = ["testing"] }
//! ```
//!
//! A test calls its handler with [a sample](Sample), or [delivers](Deliver) a sample to the whole
//! dispatcher, layers included:
//!
//! ```
//! use lark_events::callback::{CardActionReply, CardActionTrigger, Toast};
//! use lark_events::testing::{Deliver as _, Sample as _};
//! use lark_events::{Dispatcher, Event};
//! use serde_json::{Value, json};
//!
//! async fn on_press(event: Event<CardActionTrigger>) -> Result<CardActionReply, &'static str> {
//!     let operator = event.body.operator.ok_or("nobody pressed it")?;
//!     Ok(CardActionReply::new().toast(Toast::success(operator.open_id.unwrap_or_default())))
//! }
//!
//! fn dispatcher() -> Dispatcher {
//!     Dispatcher::builder().on::<CardActionTrigger>(on_press).build().unwrap()
//! }
//!
//! # macro_rules! test { ($(#[$_:meta])* async fn $name:ident() $body:block) => {
//! #     let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
//! #     runtime.block_on(async $body);
//! # } }
//! # test! {
//! #[tokio::test]
//! async fn a_press_is_answered_with_a_toast() {
//!     let pressed = CardActionTrigger::sample();
//!     let presser = pressed.body.operator.as_ref().and_then(|user| user.open_id.clone());
//!
//!     let reply: Value = dispatcher().deliver(pressed).await.reply();
//!     assert_eq!(reply["toast"]["content"], json!(presser));
//! }
//! # }
//!
//! # test! {
//! #[tokio::test]
//! async fn a_press_of_nobody_fails() {
//!     let pressed = CardActionTrigger::sample().with_body(|body| body.operator = None);
//!
//!     let failure = dispatcher().deliver(pressed).await.failure();
//!     assert_eq!(failure, "the handler failed: nobody pressed it");
//! }
//! # }
//! ```
//!
//! To test over a transport, with signatures, encryption, redelivery and faults, use the simulator,
//! `lark-events-sim`.

#![expect(clippy::panic, reason = "a test fails by panicking")]

use std::fmt;
use std::future::poll_fn;
use std::time::SystemTime;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tower_service::Service;

use crate::dispatch::Outcome;
use crate::error::{BoxError, DecodeError, DispatchError, DispatchErrorKind, with_sources};
use crate::event::{Delivery, Event, EventHeader, EventType, Transport};
use crate::json::RawJson;

/// The documented sample of an event, available for every [`EventType`].
pub trait Sample: EventType {
    /// The sample event of the documentation, header and body, as a handler receives it. The body is
    /// empty if the documentation has no sample.
    ///
    /// # Panics
    ///
    /// When the sample does not fit the type, or there is no sample and the type does not accept an
    /// empty body. Both happen only with your own types.
    #[must_use]
    #[track_caller]
    fn sample() -> Event<Self> {
        let sampled = sample_of(Self::SAMPLE, Self::EVENT_TYPE);
        match sampled.and_then(Event::decode) {
            Ok(event) => event,
            Err(error) => panic!("{} does not accept its sample: {error}", Self::EVENT_TYPE),
        }
    }
}

impl<E: EventType> Sample for E {}

/// The documented sample as a delivery. The sample may be a whole document or only a body.
fn sample_of(sample: Option<&'static str>, event_type: &str) -> Result<Delivery, DecodeError> {
    let sample = sample.unwrap_or("{}");
    let whole = Delivery::parse_unauthenticated(sample, Transport::Local, SystemTime::now());
    whole.or_else(|_| {
        let body = RawJson::parse(sample)?;
        Ok(Delivery::new(EventHeader::new(event_type), body))
    })
}

impl<E> Event<E> {
    /// Changes the header.
    #[must_use]
    pub fn with_header(mut self, change: impl FnOnce(&mut EventHeader)) -> Self {
        change(&mut self.header);
        self
    }
}

impl<E: Serialize> Event<E> {
    /// Changes the body. The [`raw`](Self::raw) text becomes the serialised body.
    ///
    /// # Panics
    ///
    /// The panics of [`Event::new`].
    #[must_use]
    pub fn with_body(self, change: impl FnOnce(&mut E)) -> Self {
        let Self {
            header,
            mut body,
            extensions,
            ..
        } = self;
        change(&mut body);
        let mut changed = Self::new(header, body);
        changed.extensions = extensions;
        changed
    }
}

/// Creates a delivery with [`Transport::Local`](crate::Transport::Local) and the current time.
impl<E> From<Event<E>> for Delivery {
    fn from(event: Event<E>) -> Self {
        let raw = event.raw().clone();
        Self {
            extensions: event.extensions,
            ..Self::new(event.header, raw)
        }
    }
}

/// Delivers events without a transport, to a [`Dispatcher`](crate::Dispatcher) or to any service of
/// deliveries, such as one with layers.
pub trait Deliver {
    /// Delivers an event, like a transport, and waits for the outcome.
    fn deliver(&self, event: impl Into<Delivery> + Send) -> impl Future<Output = Delivered> + Send;
}

impl<S> Deliver for S
where
    S: Service<Delivery, Response = Outcome, Error: Into<BoxError> + Send, Future: Send>
        + Clone
        + Send,
{
    fn deliver(&self, event: impl Into<Delivery> + Send) -> impl Future<Output = Delivered> + Send {
        let delivery = event.into();
        let event_type = delivery.header.event_type.clone();
        let mut service = self.clone();
        async move {
            let result = match poll_fn(|context| service.poll_ready(context)).await {
                Ok(()) => service.call(delivery).await,
                Err(error) => Err(error),
            };
            Delivered {
                event_type,
                result: result.map_err(Into::into),
            }
        }
    }
}

/// The outcome of an event that a test delivered.
#[must_use = "check the result of the event"]
pub struct Delivered {
    event_type: String,
    result: Result<Outcome, BoxError>,
}

impl Delivered {
    /// Whether a handler ran and succeeded, with or without a reply.
    #[must_use]
    pub fn is_handled(&self) -> bool {
        matches!(self.result, Ok(Outcome::Handled | Outcome::Replied(_)))
    }

    /// Asserts that a handler ran and succeeded.
    ///
    /// # Panics
    ///
    /// If the assertion fails, with the actual outcome.
    #[track_caller]
    pub fn assert_handled(&self) {
        assert!(
            self.is_handled(),
            "expected the event to be handled: {self}"
        );
    }

    /// Asserts that no handler is registered for the event, whether it was acknowledged or not.
    ///
    /// # Panics
    ///
    /// If the assertion fails, with the actual outcome.
    #[track_caller]
    pub fn assert_unhandled(&self) {
        let unhandled = match &self.result {
            Ok(outcome) => *outcome == Outcome::Unhandled,
            Err(error) => error
                .downcast_ref::<DispatchError>()
                .is_some_and(|error| error.kind() == DispatchErrorKind::Unhandled),
        };
        assert!(unhandled, "expected the event to be unhandled: {self}");
    }

    /// Asserts that there is a reply, and decodes it.
    ///
    /// # Panics
    ///
    /// When there is no reply, with the actual outcome, or when the reply does not fit `R`.
    #[must_use]
    #[track_caller]
    pub fn reply<R: DeserializeOwned>(&self) -> R {
        let Ok(Outcome::Replied(reply)) = &self.result else {
            panic!("expected a reply: {self}");
        };
        match reply.decode() {
            Ok(reply) => reply,
            Err(error) => panic!("expected another reply than {}: {error}", reply.as_str()),
        }
    }

    /// Asserts that the delivery failed, and returns the error text with its causes.
    ///
    /// # Panics
    ///
    /// When the delivery did not fail, with the actual outcome.
    #[must_use]
    #[track_caller]
    pub fn failure(&self) -> String {
        match &self.result {
            Ok(_) => panic!("expected a failure: {self}"),
            Err(error) => with_sources(&**error),
        }
    }

    /// The result that the service returned.
    ///
    /// # Errors
    ///
    /// The error of the service, which is a [`DispatchError`] for a dispatcher.
    pub fn into_result(self) -> Result<Outcome, BoxError> {
        self.result
    }
}

impl fmt::Display for Delivered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { event_type, result } = self;
        match result {
            Ok(Outcome::Replied(reply)) => {
                write!(f, "{event_type} was answered with {}", reply.as_str())
            }
            Ok(outcome) => write!(f, "{event_type} was {}", outcome.as_str()),
            Err(error) => write!(f, "{event_type} failed: {}", with_sources(&**error)),
        }
    }
}

impl fmt::Debug for Delivered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
