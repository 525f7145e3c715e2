//! A delivery as commands for a shell, which push the same event again. They take the secrets from the
//! environment, and contain none.

mod curl;
mod push;
#[cfg(test)]
mod tests;

use serde::Serialize;

use crate::document::template::OLD_CARD;
use crate::escape::escape;
use lark_events_pages::{Layout, lay_out};

/// What was pushed, and where to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pushed<'a> {
    pub(crate) event_type: &'a str,
    /// Empty for a document without one.
    pub(crate) event_id: &'a str,
    /// The plain document.
    pub(crate) document: &'a str,
    /// The URL of the webhook, or `None` for a long connection.
    pub(crate) url: Option<&'a str>,
    /// The body as sent, if it was encrypted.
    pub(crate) encrypted: Option<&'a str>,
}

/// The commands. Each is a text of lines, for bash or zsh.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Commands {
    /// `lark-events push`, which encrypts and signs anew. `None` for a document without an envelope.
    pub(crate) push: Option<String>,
    /// `curl`, which signs the same body anew. `None` for a long connection: what it sends has no
    /// signature, and no URL takes it.
    pub(crate) curl: Option<String>,
}

impl Pushed<'_> {
    pub(crate) fn commands(&self) -> Commands {
        Commands {
            push: self.push(),
            curl: self.url.map(|url| self.curl(url)),
        }
    }

    fn is_old_card(&self) -> bool {
        self.event_type == OLD_CARD
    }
}

/// JSON in a layout, with control characters as escapes, since a terminal acts on them.
fn pasted(json: &str, layout: Layout) -> String {
    escape(&lay_out(json, layout)).into_owned()
}

/// A line that ends the shell if the variable of a secret is empty, and says which one it is.
fn guard(secret: &str) -> String {
    format!(": \"${{{secret}:?}}\"")
}

/// Lines in a subshell: without the secret they end there, and send nothing.
fn in_subshell(lines: &[String]) -> String {
    format!("(\n{}\n)\n", lines.join("\n"))
}
