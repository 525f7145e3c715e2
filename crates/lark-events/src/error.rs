//! The errors of this crate.
//!
//! Each error has a `kind()`, and its cause as its [source](Error::source). Their texts say what failed
//! and where, and never quote a value of a payload or a secret; no dependency's type shows through.

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

/// Any error, as handlers and services pass it on.
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

/// A value that cannot be written as JSON.
#[derive(Debug)]
pub struct EncodeError {
    source: BoxError,
}

/// What kind of failure an [`EncodeError`] is.
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

    /// What kind of failure it is.
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

/// What kind of failure a [`DispatchError`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DispatchErrorKind {
    /// No handler is registered, and the event may not be acknowledged without one.
    Unhandled,
    /// The body is not what the handler's type takes; no handler ran.
    Decode,
    /// The handler returned an error: the source.
    Handler,
    /// The handler panicked.
    Panic,
    /// The handler of a callback gave no reply.
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
    /// A failure without a cause. The dispatcher makes its own, and logs it; this is for tests, and for
    /// layers, which log what they make.
    #[must_use]
    pub fn new(kind: DispatchErrorKind) -> Self {
        Self { kind, source: None }
    }

    /// A failure with the error that caused it.
    pub fn with_source(kind: DispatchErrorKind, source: impl Into<BoxError>) -> Self {
        Self {
            kind,
            source: Some(source.into()),
        }
    }

    /// What kind of failure it is.
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

/// A dispatcher that cannot be built. The text names all problems with their places in the code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildError(pub(crate) Vec<BuildProblem>);

/// What kind of failure a [`BuildError`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BuildErrorKind {
    /// Two handlers are registered for one event type, or two fallbacks.
    Clash,
    /// A callback is in a set: no handler could reply to it.
    CallbackInSet,
    /// A callback is ignored: its users would wait for a reply in vain.
    CallbackIgnored,
}

impl BuildError {
    /// What kind of failure it is: that of the first problem.
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
    /// Nobody could reply to it.
    CallbackInSet {
        event_type: &'static str,
        place: &'static Location<'static>,
    },
    /// Its users would wait for a reply in vain.
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
                "{event_type} is a callback, which needs its own reply, in a set: at {place}"
            ),
            Self::CallbackIgnored { event_type, place } => write!(
                f,
                "{event_type} is a callback, which needs a reply, and is ignored: at {place}"
            ),
        }
    }
}

impl Error for BuildError {}
