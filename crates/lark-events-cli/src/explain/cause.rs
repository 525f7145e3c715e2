//! What can have made a request be refused, and how each is mended.

use std::borrow::Cow;

use serde::Serialize;

/// A cause that was found.
#[derive(Debug, Serialize)]
pub(super) struct Cause {
    /// For scripts.
    #[serde(rename = "cause")]
    pub(super) name: &'static str,
    /// What shows it. Never a secret.
    pub(super) found: String,
    pub(super) mend: Cow<'static, str>,
}

impl Cause {
    pub(super) fn new(
        name: &'static str,
        found: impl Into<String>,
        mend: impl Into<Cow<'static, str>>,
    ) -> Self {
        let (found, mend) = (found.into(), mend.into());
        Self { name, found, mend }
    }
}

pub(super) fn wrong_key() -> Cause {
    Cause::new(
        "wrong_key",
        "the Encrypt Key does not open the body",
        "copy the Encrypt Key of this very app from the developer console; after a change, keep the \
         old one beside the new until its redeliveries have run out",
    )
}

pub(super) fn compressed() -> Cause {
    Cause::new(
        "body_compressed",
        "the body is gzip",
        "the platform does not compress: have the proxy in front pass bodies as they are",
    )
}

pub(super) fn not_json(body: &[u8]) -> Cause {
    let error = serde_json::from_slice::<serde::de::IgnoredAny>(body).err();
    let at = error.map(|error| format!(" at line {} column {}", error.line(), error.column()));
    let found = format!("the body is no JSON{}", at.unwrap_or_default());
    let mend = "pass the body on as it was received: neither decoded, nor cut, nor empty";
    Cause::new("body_not_json", found, mend)
}

/// Two secrets that are each other's, or one with something around it.
pub(super) fn misspelt(secret: Misspelt) -> Cause {
    let (name, found) = match secret {
        Misspelt::Spaced => (
            "secret_whitespace",
            "it matches without the white space around it",
        ),
        Misspelt::Quoted => ("secret_quoted", "it matches without the quotes around it"),
        Misspelt::Swapped => (
            "secrets_swapped",
            "it matches with the other secret: Encrypt Key and Verification Token are swapped",
        ),
    };
    let mend = "set the secret to the text that the developer console shows, and nothing else";
    Cause::new(name, found, mend)
}

/// How a secret was written down wrongly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Misspelt {
    Spaced,
    Quoted,
    Swapped,
}

impl Misspelt {
    /// What the secret may have been meant to be.
    pub(super) fn meant<'a>(secret: &'a str, other: Option<&'a str>) -> Vec<(Self, &'a str)> {
        let trimmed = secret.trim();
        let unquoted = trimmed.trim_matches(['"', '\'']);
        let mut meant = vec![(Self::Spaced, trimmed), (Self::Quoted, unquoted)];
        meant.extend(other.map(|other| (Self::Swapped, other)));
        meant.retain(|(_, text)| *text != secret && !text.is_empty());
        meant
    }
}
