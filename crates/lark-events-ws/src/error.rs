//! The errors of building, opening and running connections.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// A long connection could not be opened, or was lost.
///
/// The text contains the platform's code and message, if it sent any. It contains no secret, nor the address of a
/// connection, which is secret too.
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
    /// The platform gave no address because of the app: a wrong id or secret, or a missing permission
    /// or setting. Fatal.
    Refused,
    /// The platform rejected the upgrade as forbidden. Fatal.
    Forbidden,
    /// The app has as many connections as the platform allows: 50. Fatal, except for one of several
    /// connections of an app in [`LongConnections`](crate::LongConnections).
    TooManyConnections,
    /// All attempts that the platform allows have failed. Fatal. The text contains the error of the last attempt.
    GaveUp,
    /// The platform gave no address or rejected the upgrade, for a reason that does not concern the app.
    Unavailable,
    /// The platform or the proxy could not be reached, or TLS failed.
    Unreachable,
    /// The connect time-out expired.
    TimedOut,
    /// The platform sent an unexpected answer.
    Protocol,
    /// An open connection broke.
    Lost,
    /// The platform closed an open connection.
    Closed,
    /// An open connection was silent for longer than two ping intervals.
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
        /// The maximum length of a message.
        const MAX_CHARS: usize = 200;
        // Control characters, and characters that reorder text on a terminal.
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

    /// Creates an error whose message is another error with its causes.
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

    /// Creates the error of the last allowed attempt.
    pub(crate) fn gave_up(self) -> Self {
        Self {
            kind: ConnectErrorKind::GaveUp,
            ..self
        }
    }

    /// The kind of failure.
    #[must_use]
    pub fn kind(&self) -> ConnectErrorKind {
        self.kind
    }

    /// The platform's error code, if it sent one.
    #[must_use]
    pub fn code(&self) -> Option<i64> {
        self.code
    }

    /// Whether the failure is permanent and ends the connection. One of several connections of an app
    /// retries after [`TooManyConnections`](ConnectErrorKind::TooManyConnections) nevertheless.
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
            ConnectErrorKind::Refused => "the platform rejected the app",
            ConnectErrorKind::Forbidden => "the platform rejected the connection as forbidden",
            ConnectErrorKind::TooManyConnections => "the app has too many connections",
            ConnectErrorKind::GaveUp => "no connection after the last allowed attempt",
            ConnectErrorKind::Unavailable => "the platform cannot provide a connection now",
            ConnectErrorKind::Unreachable => "the platform cannot be reached",
            ConnectErrorKind::TimedOut => "the connection attempt timed out",
            ConnectErrorKind::Protocol => "the platform sent an unexpected answer",
            ConnectErrorKind::Lost => "the connection was lost",
            ConnectErrorKind::Closed => "the platform closed the connection",
            ConnectErrorKind::Silent => "the platform was silent for too long",
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

/// A long connection cannot be built.
///
/// The text names the setting, what is wrong with it, and what to do. It contains no secret and no URL.
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
    /// The app's id or secret is empty.
    NoCredentials,
    /// The domain is not an `http://` or `https://` URL without user and query.
    InvalidDomain,
    /// The proxy is not an `http://` URL.
    InvalidProxy,
    /// A limit or a time is 0, so that no event could be handled.
    Zero,
    /// There is no connection to run.
    NoConnection,
    /// The user agent or a header of the app is invalid.
    InvalidHeader,
    /// The domain uses `https://`, but no cryptography provider or no root certificates are enabled.
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

    pub(crate) fn caused(self, cause: Option<impl Error + Send + Sync + 'static>) -> Self {
        match cause {
            Some(cause) => self.with_source(cause),
            None => self,
        }
    }

    /// The reason.
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
