//! The outcome of a delivery, and the values that handlers return for it.

use std::error::Error;

use serde::Serialize;

use crate::error::{BoxError, EncodeError, with_sources};
use crate::json::RawJson;

/// The outcome of a delivery. A failure is not an outcome but the error of the service:
/// [`DispatchError`](crate::DispatchError) from the dispatcher.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// A handler ran and succeeded.
    Handled,
    /// A handler ran and replied with this JSON.
    Replied(RawJson),
    /// No handler is registered, or a layer left the event out, and it is acknowledged anyway.
    Unhandled,
    /// A handler [rejected](crate::Reject) the event, which is acknowledged and never redelivered. The
    /// text is the error and its sources.
    Rejected(String),
    /// Stored durably, to be handled later; the transport acknowledges it. Layers around a dispatcher
    /// return it, for notifications only.
    Queued,
}

impl Outcome {
    /// The outcome of an event that `error` rejects.
    #[must_use]
    pub fn rejected_by(error: &(dyn Error + 'static)) -> Self {
        Self::Rejected(with_sources(error))
    }

    /// The name used in spans and metrics.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Handled => "handled",
            Self::Replied(_) => "replied",
            Self::Unhandled => "unhandled",
            Self::Rejected(_) => "rejected",
            Self::Queued => "queued",
        }
    }
}

/// The return type of a handler: the reply itself (`()` for notifications), or a `Result` of it with
/// any error that converts into a [`BoxError`], such as those of anyhow and thiserror.
#[diagnostic::on_unimplemented(
    message = "a handler of this event must return `{R}` or `Result<{R}, E>`, not `{Self}`",
    label = "the handler registered here returns `{Self}`",
    note = "callbacks such as `card.action.trigger` need their reply; notifications return `()`"
)]
pub trait IntoReply<R> {
    /// Converts into the reply or the error.
    ///
    /// # Errors
    ///
    /// The handler's error.
    fn into_reply(self) -> Result<R, BoxError>;
}

impl<R> IntoReply<R> for R {
    fn into_reply(self) -> Result<R, BoxError> {
        Ok(self)
    }
}

impl<R, E: Into<BoxError>> IntoReply<R> for Result<R, E> {
    fn into_reply(self) -> Result<R, BoxError> {
        self.map_err(Into::into)
    }
}

/// The reply of an untyped handler. A handler that returns `()` or `Result<(), E>` sends no reply.
///
/// ```
/// use lark_events::{Dispatcher, RawReply};
/// use serde_json::json;
///
/// let dispatcher = Dispatcher::builder()
///     .on_raw("profile.view.get", |_event| async move {
///         RawReply::json(&json!({"title": "hello"}))
///     })
///     .build()?;
/// # Ok::<(), lark_events::error::BuildError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RawReply(pub(crate) Option<RawJson>);

impl RawReply {
    /// No reply: correct for notifications, a failure for callbacks.
    #[must_use]
    pub fn none() -> Self {
        Self(None)
    }

    /// Replies with `value` as JSON.
    ///
    /// # Errors
    ///
    /// [`EncodeError`] when its `Serialize` fails.
    pub fn json(value: &impl Serialize) -> Result<Self, EncodeError> {
        RawJson::encode(value).map(Self::from)
    }
}

impl From<RawJson> for RawReply {
    fn from(json: RawJson) -> Self {
        Self(Some(json))
    }
}

impl IntoReply<RawReply> for () {
    fn into_reply(self) -> Result<RawReply, BoxError> {
        Ok(RawReply::none())
    }
}

impl<E: Into<BoxError>> IntoReply<RawReply> for Result<(), E> {
    fn into_reply(self) -> Result<RawReply, BoxError> {
        self.map(|()| RawReply::none()).map_err(Into::into)
    }
}
