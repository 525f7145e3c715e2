//! Causes of a rejection, each with its fix.

use std::borrow::Cow;

use serde::Serialize;

/// A cause, as found in the request.
#[derive(Debug, Serialize)]
pub(super) struct Cause {
    /// For scripts.
    #[serde(rename = "cause")]
    pub(super) name: &'static str,
    /// What shows the cause. Never a secret.
    pub(super) found: String,
    /// How to fix it.
    pub(super) fix: Cow<'static, str>,
}

impl Cause {
    pub(super) fn new(
        name: &'static str,
        found: impl Into<String>,
        fix: impl Into<Cow<'static, str>>,
    ) -> Self {
        let (found, fix) = (found.into(), fix.into());
        Self { name, found, fix }
    }
}

pub(super) fn wrong_key() -> Cause {
    Cause::new(
        "wrong_key",
        "the Encrypt Key does not decrypt the body",
        "copy this app's Encrypt Key from the developer console; after a key change, accept the \
        old key as well until redeliveries encrypted with it have ended",
    )
}

pub(super) fn compressed() -> Cause {
    Cause::new(
        "body_compressed",
        "the body is gzip",
        "the platform does not compress bodies: configure the proxy to pass them on unchanged",
    )
}

pub(super) fn not_json(body: &[u8]) -> Cause {
    let error = serde_json::from_slice::<serde::de::IgnoredAny>(body).err();
    let at = error.map(|error| format!(" at line {} column {}", error.line(), error.column()));
    let found = format!("the body is not JSON{}", at.unwrap_or_default());
    let fix = "pass the body on as it was received: not decoded, truncated or empty";
    Cause::new("body_not_json", found, fix)
}

/// The secrets are swapped, or one has extra characters around it.
pub(super) fn misspelt(secret: Misspelt) -> Cause {
    let (name, found) = match secret {
        Misspelt::Spaced => (
            "secret_whitespace",
            "the secret matches without the white space around it",
        ),
        Misspelt::Quoted => (
            "secret_quoted",
            "the secret matches without the quotes around it",
        ),
        Misspelt::Swapped => (
            "secrets_swapped",
            "the Encrypt Key and the Verification Token are swapped",
        ),
    };
    let fix = "set the secret to exactly the text that the developer console shows";
    Cause::new(name, found, fix)
}

/// How a configured secret differs from the right one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Misspelt {
    Spaced,
    Quoted,
    Swapped,
}

impl Misspelt {
    /// The candidates for the right secret.
    pub(super) fn meant<'a>(secret: &'a str, other: Option<&'a str>) -> Vec<(Self, &'a str)> {
        let trimmed = secret.trim();
        let unquoted = trimmed.trim_matches(['"', '\'']);
        let mut meant = vec![(Self::Spaced, trimmed), (Self::Quoted, unquoted)];
        meant.extend(other.map(|other| (Self::Swapped, other)));
        meant.retain(|(_, text)| *text != secret && !text.is_empty());
        meant
    }
}
