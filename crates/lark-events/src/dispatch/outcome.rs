//! What became of a delivery, and how handlers say it.

use std::error::Error;

use serde::Serialize;

use crate::error::{BoxError, EncodeError, with_sources};
use crate::json::RawJson;

/// What became of a delivery. A failure is no outcome: it is the service's error,
/// [`DispatchError`](crate::DispatchError) from the dispatcher.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// A handler ran and succeeded.
    Handled,
    /// A handler ran and answered with this JSON.
    Replied(RawJson),
    /// No handler is registered, and the event is acknowledged all the same.
    Unhandled,
    /// A handler [rejected](crate::Reject) the event, which is acknowledged and never delivered
    /// again. The text is that of the error with its sources.
    Rejected(String),
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
        }
    }
}

/// What a handler may return: the reply itself (`()` for notifications), or a `Result` of it with
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
    /// The handler's own.
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

/// The reply of an untyped handler. One that returns `()` or `Result<(), E>` replies nothing.
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
    /// Replies nothing: right for notifications, a failure for callbacks.
    #[must_use]
    pub fn none() -> Self {
        Self(None)
    }

    /// Replies `value` as JSON.
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
