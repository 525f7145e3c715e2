//! `lark-events push` with the document in a here-document.

use lark_events::event::duplicate_key;
use lark_events_sim::{APP_ID, Document};

use super::{Pushed, guard, in_subshell, pasted};
use crate::document::members::Members;
use crate::document::template::OLD_CARD;
use crate::escape::escape;
use crate::serve::shell::{option, quoted};
use lark_events_pages::Layout;

impl Pushed<'_> {
    pub(super) fn push(&self) -> Option<String> {
        let is_plain = self.url.is_some() && self.encrypted.is_none() && !self.is_old_card();
        // An empty variable is no key, whatever the environment has.
        let without_key = if is_plain { "LARK_ENCRYPT_KEY= " } else { "" };
        let mut lines = vec![format!("{without_key}lark-events push")];
        let mut guards = Vec::new();
        if self.encrypted.is_some() && !self.is_old_card() {
            guards.push(guard("LARK_ENCRYPT_KEY"));
        }
        let document = match self.is_old_card() {
            true => {
                lines[0] += &format!(" {OLD_CARD}");
                guards.push(guard("LARK_VERIFICATION_TOKEN"));
                self.document.to_owned()
            }
            false => {
                let document = Document::parse(self.document.to_owned()).ok()?;
                if !self.event_type.starts_with('-') {
                    lines[0] += &format!(" {}", quoted(self.event_type));
                }
                let mut envelope = Members::parse(self.document)?;
                if let Some(id) = app_id(&envelope).filter(|id| id != APP_ID) {
                    lines.push(option("--app-id", &id));
                }
                if !self.event_id.is_empty() {
                    lines.push(option("--event-id", self.event_id));
                }
                if let Some(key) = self.own_key(&document) {
                    lines.push(format!("--set {}", quoted(&key)));
                }
                if has_token(&envelope) {
                    guards.push(guard("LARK_VERIFICATION_TOKEN"));
                }
                without_token(&mut envelope);
                envelope.json().to_string()
            }
        };
        let to = match self.url {
            Some(url) => option("--to", url),
            None => r#"--to "${WEBHOOK_URL:?expected the URL of a webhook}""#.to_owned(),
        };
        lines.insert(1, to);
        // Some shells expand exclamation marks here, even those of a text that is quoted otherwise.
        let document = pasted(&document, Layout::Pretty).replace('!', r"\u0021");
        let end = delimiter(&document);
        lines.push(format!("--file - <<'{end}'"));
        let command = format!("{}\n{document}\n{end}", lines.join(" \\\n  "));
        guards.push(command);
        Some(in_subshell(&guards))
    }

    /// The set that keeps the duplicate key of a body, where it is not made from the event id: `push`
    /// would otherwise make it so.
    fn own_key(&self, document: &Document) -> Option<String> {
        let pointer = duplicate_key(self.event_type)?;
        let mut value = document.body()?;
        for name in pointer.split('/').skip(1) {
            value = Members::parse(value.as_str())?.get(name)?.clone();
        }
        let text: Option<String> = value.decode().ok();
        let is_made = text.is_some_and(|text| {
            let id = text.rsplit_once('_').map_or(text.as_str(), |(_, id)| id);
            !self.event_id.is_empty() && id == self.event_id
        });
        let value = escape(value.as_str());
        (!is_made).then(|| format!("{pointer}={value}"))
    }
}

/// A line that ends a here-document and is not in its text.
fn delimiter(text: &str) -> String {
    let mut end = "EOF".to_owned();
    while text.lines().any(|line| line == end) {
        end.push('F');
    }
    end
}

/// The id of the app that receives a document.
fn app_id(envelope: &Members) -> Option<String> {
    let inner = ["header", "event"].into_iter().filter_map(|name| {
        let members = Members::parse(envelope.get(name)?.as_str())?;
        members.get("app_id")?.decode().ok()
    });
    inner.into_iter().next()
}

/// Whether a document has a token that is not empty.
fn has_token(envelope: &Members) -> bool {
    let header = envelope.get("header");
    let header = header.and_then(|header| Members::parse(header.as_str()));
    let of_header = header.as_ref().and_then(|header| header.get("token"));
    let mut tokens = envelope.get("token").into_iter().chain(of_header);
    tokens.any(|token| token.as_str() != "\"\"")
}

/// Removes the token, which is a secret, and the other members that `push` sets itself.
fn without_token(envelope: &mut Members) {
    envelope.remove(&["uuid", "ts", "token"]);
    envelope.change("header", |header| {
        header.remove(&["event_id", "create_time", "token", "app_id"]);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_here_document_ends_with_a_line_that_is_not_in_it() {
        assert_eq!(delimiter("{}"), "EOF");
        assert_eq!(delimiter("a EOF\nb"), "EOF");
        assert_eq!(delimiter("a\nEOF\nEOFF\nb"), "EOFFF");
    }
}
