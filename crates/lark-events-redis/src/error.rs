//! What can go wrong between a store and its server.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use redis::{ErrorKind, RedisError};

/// A [`RedisStore`](crate::RedisStore) cannot be built, or its server did not do what it was asked. The text has
/// neither the URL nor a key.
#[derive(Debug, Clone)]
pub struct RedisStoreError {
    kind: RedisStoreErrorKind,
    text: Arc<str>,
    remedy: Remedy,
}

/// What may help at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Remedy {
    None,
    /// The same call on a new connection.
    Repeat,
    /// The next call on a new connection: another server may be the primary by then.
    Reconnect,
    /// The script instead of its name.
    SendScript,
}

/// The kinds of [`RedisStoreError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RedisStoreErrorKind {
    /// A setting is invalid.
    Invalid,
    /// The server cannot be reached, or the connection was lost.
    Unavailable,
    /// The server did not answer within the [time limit](crate::RedisStoreBuilder::time_limit).
    TimedOut,
    /// The server answered with an error.
    Rejected,
}

const LOGIN: &str = "the server rejects the login: correct the user and the password of the URL";

/// The code of a server's error, and what to do. Redis 6 has the code within the text of a script's error.
const ADVICE: [(&str, &str); 10] = [
    (
        "READONLY",
        "the server is a read-only replica: expected the URL of the primary",
    ),
    (
        "OOM",
        "the memory of the server is full: raise `maxmemory`, or use a server of its own",
    ),
    (
        "NOAUTH",
        "the server requires a password: expected a URL such as redis://USER:PASSWORD@HOST",
    ),
    (
        "NOPERM",
        "the user lacks a permission: allow the commands `eval`, `evalsha`, `get`, `set`, `del` and `pttl`, and keys \
         with the prefix",
    ),
    (
        "MISCONF",
        "the server rejects writes because it cannot save: see its log, and free space on its disk",
    ),
    (
        "NOREPLICAS",
        "the server rejects writes because it has too few replicas: start them again",
    ),
    (
        "LOADING",
        "the server still loads its data after a start: try again later",
    ),
    (
        "MASTERDOWN",
        "the server is a replica that has lost its primary: expected the URL of the primary",
    ),
    (
        "MOVED",
        "the key is on another node of a cluster: use a prefix with a hash tag such as `{lark-events}:`, and the \
         URL of the node that has it",
    ),
    (
        "WRONGTYPE",
        "the key belongs to another program: choose another prefix",
    ),
];

impl RedisStoreError {
    fn new(kind: RedisStoreErrorKind, text: impl Into<Arc<str>>) -> Self {
        Self {
            kind,
            text: text.into(),
            remedy: Remedy::None,
        }
    }

    pub(crate) fn invalid(text: impl Into<Arc<str>>) -> Self {
        Self::new(RedisStoreErrorKind::Invalid, text)
    }

    pub(crate) fn timed_out(lacking: &str, limit: Duration) -> Self {
        let text = format!("no {lacking} within {limit:?}");
        Self::new(RedisStoreErrorKind::TimedOut, text)
    }

    pub(crate) fn unreachable(error: &io::Error) -> Self {
        let text = format!("the server cannot be reached: {error}");
        Self::new(RedisStoreErrorKind::Unavailable, text)
    }

    #[cfg(feature = "rustls")]
    pub(crate) fn handshake(error: &io::Error) -> Self {
        let text = format!("the TLS handshake with the server failed: {error}");
        Self::new(RedisStoreErrorKind::Unavailable, text)
    }

    /// The runtime ends.
    pub(crate) fn cancelled() -> Self {
        Self::new(
            RedisStoreErrorKind::Unavailable,
            "the call was cancelled because the runtime ends",
        )
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> RedisStoreErrorKind {
        self.kind
    }

    pub(crate) fn remedy(&self) -> Remedy {
        self.remedy
    }
}

impl From<RedisError> for RedisStoreError {
    fn from(error: RedisError) -> Self {
        if error.kind() == ErrorKind::AuthenticationFailed {
            return Self::new(RedisStoreErrorKind::Rejected, LOGIN);
        }
        let Some(code) = error.code() else {
            let text = format!("the connection to the server was lost: {error}");
            let mut lost = Self::new(RedisStoreErrorKind::Unavailable, text);
            lost.remedy = Remedy::Repeat;
            return lost;
        };
        let said = match error.detail() {
            Some(detail) => format!("{code} {detail}"),
            None => code.to_owned(),
        };
        let words = || said.split([' ', '-', ':']);
        let known = ADVICE
            .iter()
            .find(|(code, _)| words().any(|word| word == *code));
        let (code, advice) = known.unwrap_or(&(code, "the server answered with an error"));
        let mut rejected = Self::new(RedisStoreErrorKind::Rejected, format!("{advice} ({said})"));
        rejected.remedy = match *code {
            "NOSCRIPT" => Remedy::SendScript,
            "READONLY" | "MASTERDOWN" => Remedy::Reconnect,
            _ => Remedy::None,
        };
        rejected
    }
}

impl fmt::Display for RedisStoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for RedisStoreError {}
