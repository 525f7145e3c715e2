//! An opener with variable timing. Attacks and comparisons must find its leak, otherwise they prove
//! nothing.

use std::borrow::Cow;

use lark_events::EncryptKey;
use serde::Deserialize;

use crate::event::{ENCRYPT_KEY, VERIFICATION_TOKEN};

/// Decrypts what is unsigned and stops at the first thing that is wrong: padding, UTF-8, JSON, a member.
#[derive(Debug)]
pub struct Leaky {
    key: EncryptKey,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UrlCheck<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    token: Cow<'a, str>,
    #[serde(borrow)]
    challenge: Cow<'a, str>,
}

impl Leaky {
    /// An opener with the secrets of the measured event.
    #[must_use]
    pub fn new() -> Self {
        Self {
            key: EncryptKey::new(ENCRYPT_KEY),
        }
    }

    /// The challenge of a URL check.
    #[must_use]
    pub fn open(&self, body: &[u8]) -> Option<String> {
        let encrypted = body.strip_prefix(br#"{"encrypt":""#)?;
        let document = self.key.open(encrypted.strip_suffix(br#""}"#)?).ok()?;
        let text = std::str::from_utf8(&document).ok()?;
        let check: UrlCheck<'_> = serde_json::from_str(text).ok()?;
        let ours = check.kind == "url_verification" && check.token == VERIFICATION_TOKEN;
        ours.then(|| check.challenge.into_owned())
    }
}

impl Default for Leaky {
    fn default() -> Self {
        Self::new()
    }
}
