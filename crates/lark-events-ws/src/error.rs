//! Why there is no connection, or no longer, or not even one to run.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// Why a long connection could not be had, or was lost.
///
/// Its text has the platform's own code and message where it gave them, and never a secret or the
/// address of a connection, which is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectError {
    kind: ConnectErrorKind,
    code: Option<i64>,
    message: String,
}

/// The kinds of [`ConnectError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConnectErrorKind {
    /// The platform gave no address, for a reason that is the app's to mend: its id or secret, or
    /// what it may do. Fatal.
    Refused,
    /// The platform refused the upgrade as forbidden. Fatal.
    Forbidden,
    /// The app has as many connections as the platform allows: 50. Fatal, but for one of several
    /// connections of an app in [`LongConnections`](crate::LongConnections).
    TooManyConnections,
    /// As many attempts as the platform allows have failed. Fatal; the text has the last one's.
    GaveUp,
    /// The platform gave no address or refused the upgrade, for a reason of its own.
    Unavailable,
    /// The platform, or the proxy, could not be reached; or TLS failed.
    Unreachable,
    /// No connection within the connect time-out.
    TimedOut,
    /// What the platform answered makes no sense.
    Protocol,
    /// An open connection broke.
    Lost,
    /// The platform closed an open connection.
    Closed,
    /// Nothing was heard on an open connection for longer than two ping intervals.
    Silent,
}

impl ConnectErrorKind {
    /// The name used in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Forbidden => "forbidden",
            Self::TooManyConnections => "too_many_connections",
            Self::GaveUp => "gave_up",
            Self::Unavailable => "unavailable",
            Self::Unreachable => "unreachable",
            Self::TimedOut => "timed_out",
            Self::Protocol => "protocol",
            Self::Lost => "lost",
            Self::Closed => "closed",
            Self::Silent => "silent",
        }
    }
}

impl ConnectError {
    pub(crate) fn new(kind: ConnectErrorKind, message: impl fmt::Display) -> Self {
        /// More than that is no message.
        const MAX_CHARS: usize = 200;
        // Controls, and what reorders text on a terminal.
        let is_shown = |c: char| {
            !c.is_control()
                && !matches!(c,
                    '\u{61c}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                    | '\u{2066}'..='\u{2069}')
        };
        let shown = |c: char| if is_shown(c) { c } else { ' ' };
        let message = message.to_string();
        Self {
            kind,
            code: None,
            message: message.chars().take(MAX_CHARS).map(shown).collect(),
        }
    }

    /// With an error and what caused it as its message.
    pub(crate) fn caused(
        kind: ConnectErrorKind,
        error: &(dyn std::error::Error + 'static),
    ) -> Self {
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            let text = error.to_string();
            if !message.contains(&text) {
                message = format!("{message}: {text}");
            }
            cause = error.source();
        }
        Self::new(kind, message)
    }

    pub(crate) fn unreachable(error: &(dyn std::error::Error + 'static)) -> Self {
        Self::caused(ConnectErrorKind::Unreachable, error)
    }

    pub(crate) fn with_code(mut self, code: i64) -> Self {
        self.code = Some(code);
        self
    }

    /// What came to its end: the last of the attempts that the platform allows.
    pub(crate) fn gave_up(self) -> Self {
        Self {
            kind: ConnectErrorKind::GaveUp,
            ..self
        }
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> ConnectErrorKind {
        self.kind
    }

    /// The platform's code, if it gave one.
    #[must_use]
    pub fn code(&self) -> Option<i64> {
        self.code
    }

    /// Whether it ends a connection: trying again is of no use. One of several connections of an app
    /// tries again after [`TooManyConnections`](ConnectErrorKind::TooManyConnections) all the same.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        matches!(
            self.kind,
            ConnectErrorKind::Refused
                | ConnectErrorKind::Forbidden
                | ConnectErrorKind::TooManyConnections
                | ConnectErrorKind::GaveUp
        )
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            ConnectErrorKind::Refused => "the platform refused the app",
            ConnectErrorKind::Forbidden => "the platform forbids the connection",
            ConnectErrorKind::TooManyConnections => "the app has too many connections",
            ConnectErrorKind::GaveUp => "no connection after all attempts",
            ConnectErrorKind::Unavailable => "the platform gives no connection now",
            ConnectErrorKind::Unreachable => "the platform cannot be reached",
            ConnectErrorKind::TimedOut => "no connection in time",
            ConnectErrorKind::Protocol => "the platform answered something else",
            ConnectErrorKind::Lost => "the connection was lost",
            ConnectErrorKind::Closed => "the platform closed the connection",
            ConnectErrorKind::Silent => "nothing was heard from the platform",
        };
        f.write_str(what)?;
        match (self.code, &*self.message) {
            (None, "") => Ok(()),
            (None, message) => write!(f, ": {message}"),
            (Some(code), "") => write!(f, ": code {code}"),
            (Some(code), message) => write!(f, ": code {code}, {message}"),
        }
    }
}

impl std::error::Error for ConnectError {}

/// Why a long connection cannot be built.
///
/// Its text says what is wrong with which setting, and what to do. It never has a secret in it, nor a URL,
/// in which there may be one.
#[derive(Debug, Clone)]
pub struct LongConnectionBuildError {
    kind: LongConnectionBuildErrorKind,
    text: Cow<'static, str>,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

/// The kinds of [`LongConnectionBuildError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LongConnectionBuildErrorKind {
    /// The app's id or secret is the empty text.
    NoCredentials,
    /// The domain is none of `http://` or `https://` without a user or a query.
    InvalidDomain,
    /// The proxy is none of `http://`.
    InvalidProxy,
    /// A bound or a time is 0 with which no event could be handled.
    Zero,
    /// There is no connection to run.
    NoConnection,
    /// The user agent, or a header of the app's own, cannot be sent.
    InvalidHeader,
    /// The domain is an `https://` one, and there is no TLS, or nobody to trust.
    NoTls,
}

impl LongConnectionBuildError {
    pub(crate) fn new(
        kind: LongConnectionBuildErrorKind,
        text: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            kind,
            text: text.into(),
            source: None,
        }
    }

    pub(crate) fn with_source(mut self, source: impl Error + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }

    /// Why it cannot be built.
    #[must_use]
    pub fn kind(&self) -> LongConnectionBuildErrorKind {
        self.kind
    }
}

impl fmt::Display for LongConnectionBuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for LongConnectionBuildError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let source = self.source.as_deref()?;
        Some(source)
    }
}
