//! What a browser writes to the console of its developer tools.

use std::fmt;

use serde_json::Value;

/// An entry of the console: of a script, or of the browser, such as an uncaught error, a request that failed, or a
/// violation of the Content Security Policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    level: String,
    source: String,
    text: String,
}

impl Entry {
    pub(super) fn parse(value: &Value) -> Option<Self> {
        let text = |name: &str| value.get(name)?.as_str().map(str::to_owned);
        Some(Self {
            level: text("level")?,
            source: text("source")?,
            text: text("message")?,
        })
    }

    /// Such as `SEVERE`, `WARNING` or `INFO`.
    #[must_use]
    pub fn level(&self) -> &str {
        &self.level
    }

    /// Such as `console-api`, `javascript`, `network` or `security`.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The text, after the address of the page or script and a place in it.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether the page has violated its Content Security Policy.
    #[must_use]
    pub fn is_violation(&self) -> bool {
        self.source != "console-api" && self.text.contains("Content Security Policy")
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.level, self.source, self.text)
    }
}
