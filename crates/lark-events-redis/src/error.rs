//! What can go wrong between a store and its server.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use redis::{ErrorKind, RedisError};

use crate::target::{Address, Target};

/// A [`RedisStore`](crate::RedisStore) cannot be built, or a call of its server failed. The text contains neither
/// the URL nor a key.
#[derive(Debug, Clone)]
pub struct RedisStoreError {
    kind: RedisStoreErrorKind,
    text: Arc<str>,
    remedy: Remedy,
}

/// What may help at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Remedy {
    None,
    /// The same call on a new connection.
    Repeat,
    /// The next call on a new connection: another server may be the primary by then.
    Reconnect,
    /// The script instead of its name.
    SendScript,
    /// Another node of the cluster.
    Redirect(Redirect),
}

/// The node of a cluster that has a key, or will have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Redirect {
    node: String,
    /// For this call only: the key is on its way.
    pub(crate) is_once: bool,
}

impl Redirect {
    /// The host and the port, as the node of this target names them: it may leave out its own host.
    pub(crate) fn address(&self, target: &Target) -> Option<(String, u16)> {
        let (host, port) = self.node.rsplit_once(':')?;
        let host = match (host, &target.address) {
            ("" | "?", Address::Tcp(host, _)) => host,
            (host, _) => host,
        };
        Some((host.to_owned(), port.parse().ok()?))
    }
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
        "the memory of the server is full: raise `maxmemory`, or use a separate server",
    ),
    (
        "NOAUTH",
        "the server requires a password: expected a URL such as redis://USER:PASSWORD@HOST",
    ),
    (
        "NOPERM",
        "the user lacks a permission: allow the commands `eval`, `evalsha`, `get`, `set`, `del` and `pttl`, and the keys \
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
        "CLUSTERDOWN",
        "the cluster lacks the node of the key: see its log, and start the node again",
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

    /// An error of the client, which the API does not show.
    pub(crate) fn of(error: &RedisError) -> Self {
        if error.kind() == ErrorKind::AuthenticationFailed {
            return Self::new(RedisStoreErrorKind::Rejected, LOGIN);
        }
        let answers = error.clone().into_server_errors();
        let answer = match answers.as_deref() {
            Some([(_, answer), ..]) => Some((answer.code(), answer.details())),
            _ => error.code().map(|code| (code, error.detail())),
        };
        let Some((code, detail)) = answer else {
            let text = format!("the connection to the server was lost: {error}");
            let mut lost = Self::new(RedisStoreErrorKind::Unavailable, text);
            lost.remedy = Remedy::Repeat;
            return lost;
        };
        Self::answered(code, detail.unwrap_or_default())
    }

    fn answered(code: &str, detail: &str) -> Self {
        let unknown = (code, "the server answered with an error");
        let mut known = ADVICE.iter();
        let words = || detail.split([' ', '-', ':']);
        let (code, advice) = known
            .find(|(known, _)| *known == code || words().any(|word| word == *known))
            .unwrap_or(&unknown);
        let text = format!("{advice} ({code}: {detail})");
        let mut rejected = Self::new(RedisStoreErrorKind::Rejected, text);
        rejected.remedy = match (*code, detail.split(' ').nth(1)) {
            (code @ ("MOVED" | "ASK"), Some(node)) => Remedy::Redirect(Redirect {
                node: node.to_owned(),
                is_once: code == "ASK",
            }),
            ("NOSCRIPT", _) => Remedy::SendScript,
            ("READONLY" | "MASTERDOWN", _) => Remedy::Reconnect,
            _ => Remedy::None,
        };
        rejected
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

    pub(crate) fn remedy(&self) -> &Remedy {
        &self.remedy
    }
}

impl fmt::Display for RedisStoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for RedisStoreError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_within_the_error_of_a_script_is_found() {
        let detail =
            "Error running script (call to f_1): @user_script:3: -READONLY You can't write";
        let error = RedisStoreError::answered("ERR", detail);
        assert_eq!(error.remedy(), &Remedy::Reconnect);
        let text = error.to_string();
        assert!(
            text.starts_with("the server is a read-only replica"),
            "{text}"
        );
        let other = RedisStoreError::answered("ERR", "unknown command");
        let text = "the server answered with an error (ERR: unknown command)";
        assert_eq!(other.to_string(), text);
    }

    #[test]
    fn a_redirection_names_a_node_or_its_port_alone() {
        let tls = crate::target::Tls::None;
        let target = Target::new("redis://h:1", tls, Duration::from_secs(1)).unwrap();
        for (code, detail, host) in [
            ("MOVED", "3999 127.0.0.1:6381", "127.0.0.1"),
            ("MOVED", "3999 ::1:6381", "::1"),
            ("ASK", "3999 :6381", "h"),
            ("ASK", "3999 ?:6381", "h"),
        ] {
            let error = RedisStoreError::answered(code, detail);
            let Remedy::Redirect(redirect) = error.remedy() else {
                panic!("{error:?}");
            };
            assert_eq!(redirect.is_once, code == "ASK");
            let expected = Some((host.to_owned(), 6381));
            assert_eq!(redirect.address(&target), expected);
        }
    }
}
