//! The errors of this crate.
//!
//! Each error has a `kind()`, and its cause as its [source](Error::source). The texts say what failed
//! and where, and never quote a payload value or a secret. No type of a dependency is exposed.

mod decode;

use std::error::Error;
use std::fmt;
use std::panic::Location;

pub(crate) use self::decode::NOT_AN_OBJECT;
pub use self::decode::{DecodeError, DecodeErrorKind};
#[doc(inline)]
pub use crate::crypto::{CipherError, CipherErrorKind};
#[doc(inline)]
pub use crate::webhook::build_error::{WebhookBuildError, WebhookBuildErrorKind};
#[doc(inline)]
pub use crate::webhook::rejection::{Rejection, RejectionKind};

/// A boxed error, as handlers and services return it.
pub type BoxError = Box<dyn Error + Send + Sync + 'static>;

/// An error and its sources.
pub(crate) fn sources<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// The text of an error with its sources.
pub(crate) fn with_sources(error: &(dyn Error + 'static)) -> String {
    let texts: Vec<_> = sources(error).map(ToString::to_string).collect();
    texts.join(": ")
}

/// A value cannot be written as JSON.
#[derive(Debug)]
pub struct EncodeError {
    source: BoxError,
}

/// The kinds of [`EncodeError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EncodeErrorKind {
    /// The `Serialize` of the value failed, as it does for a map whose keys are not strings.
    Serialize,
}

impl EncodeError {
    pub(crate) fn new(source: impl Into<BoxError>) -> Self {
        let source = source.into();
        Self { source }
    }

    /// The kind of failure.
    #[must_use]
    pub fn kind(&self) -> EncodeErrorKind {
        EncodeErrorKind::Serialize
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the value cannot be written as JSON")
    }
}

impl Error for EncodeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.source)
    }
}

/// Why a delivery was not handled.
#[derive(Debug)]
pub struct DispatchError {
    kind: DispatchErrorKind,
    source: Option<BoxError>,
}

/// The kinds of [`DispatchError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DispatchErrorKind {
    /// No handler is registered, and the policy does not allow acknowledging the event without one.
    Unhandled,
    /// The body does not fit the handler's type; no handler ran.
    Decode,
    /// The handler returned an error, which is the source.
    Handler,
    /// The handler panicked.
    Panic,
    /// The handler of a callback returned no reply.
    NoReply,
    /// The handler's reply could not be written as JSON.
    Encode,
}

impl DispatchErrorKind {
    /// The name used in spans and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unhandled => "unhandled",
            Self::Decode => "undecodable",
            Self::Handler => "failed",
            Self::Panic => "panicked",
            Self::NoReply => "no_reply",
            Self::Encode => "unencodable",
        }
    }
}

impl DispatchError {
    /// A failure without a cause, for tests and layers. The dispatcher logs the failures that it
    /// creates; a layer must log its own.
    #[must_use]
    pub fn new(kind: DispatchErrorKind) -> Self {
        Self { kind, source: None }
    }

    /// A failure with its cause.
    pub fn with_source(kind: DispatchErrorKind, source: impl Into<BoxError>) -> Self {
        Self {
            kind,
            source: Some(source.into()),
        }
    }

    /// The kind of failure.
    #[must_use]
    pub fn kind(&self) -> DispatchErrorKind {
        self.kind
    }
}

impl fmt::Display for DispatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            DispatchErrorKind::Unhandled => "no handler for the event type",
            DispatchErrorKind::Decode => "the body does not fit the handler's type",
            DispatchErrorKind::Handler => "the handler failed",
            DispatchErrorKind::Panic => "the handler panicked",
            DispatchErrorKind::NoReply => "the callback was handled without a reply",
            DispatchErrorKind::Encode => "the reply could not be written as JSON",
        })
    }
}

impl Error for DispatchError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let source = self.source.as_deref()?;
        Some(source)
    }
}

/// A dispatcher cannot be built. The text names all problems with their places in the code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildError(pub(crate) Vec<BuildProblem>);

/// The kinds of [`BuildError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BuildErrorKind {
    /// Two handlers are registered for one event type, or two fallbacks.
    Clash,
    /// A callback is in a set, where no handler can reply to it.
    CallbackInSet,
    /// A callback is ignored, although its users wait for a reply.
    CallbackIgnored,
}

impl BuildError {
    /// The kind of the first problem.
    #[must_use]
    pub fn kind(&self) -> BuildErrorKind {
        match self.0.first() {
            Some(BuildProblem::CallbackInSet { .. }) => BuildErrorKind::CallbackInSet,
            Some(BuildProblem::CallbackIgnored { .. }) => BuildErrorKind::CallbackIgnored,
            Some(BuildProblem::Clash { .. }) | None => BuildErrorKind::Clash,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum BuildProblem {
    /// Two handlers for one event type, or two fallbacks.
    Clash {
        event_type: Option<String>,
        first: &'static Location<'static>,
        second: &'static Location<'static>,
    },
    /// No handler could reply to it.
    CallbackInSet {
        event_type: &'static str,
        place: &'static Location<'static>,
    },
    /// Its users would wait for a reply that never comes.
    CallbackIgnored {
        event_type: String,
        place: &'static Location<'static>,
    },
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for BuildProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clash {
                event_type,
                first,
                second,
            } => {
                match event_type {
                    Some(event_type) => write!(f, "two handlers for {event_type}")?,
                    None => f.write_str("two fallbacks")?,
                }
                write!(f, ": at {first} and at {second}")
            }
            Self::CallbackInSet { event_type, place } => write!(
                f,
                "{event_type} is a callback and needs its own reply: register it with `on`, not in a \
                 set, at {place}"
            ),
            Self::CallbackIgnored { event_type, place } => write!(
                f,
                "{event_type} is a callback and needs a reply: register a handler instead of ignoring \
                 it, at {place}"
            ),
        }
    }
}

impl Error for BuildError {}
