//! `curl` with the body as sent, signed anew.

use http::HeaderName;
use lark_events::RawJson;
use lark_events::webhook::{SIGNATURE_HEADER, SIGNATURE_NONCE_HEADER, SIGNATURE_TIMESTAMP_HEADER};

use super::{Pushed, guard, in_subshell, pasted};
use crate::document::members::Members;
use crate::escape::escape;
use crate::serve::shell::quoted;
use lark_events_pages::Layout;

// macOS has another command for the same.
const SHA256: &str = "{ sha256sum 2>/dev/null || shasum -a 256; }";
const SHA1: &str = "{ sha1sum 2>/dev/null || shasum; }";

const CONTENT_TYPE: &str = "'Content-Type: application/json; charset=utf-8'";

/// The token, as it is written between the quotation marks of JSON.
const TOKEN_AS_JSON: &str =
    r#"token=$(printf %s "$LARK_VERIFICATION_TOKEN" | sed 's/[\\"]/\\&/g')"#;

impl Pushed<'_> {
    pub(super) fn curl(&self, url: &str) -> String {
        let (body, hash, secret) = match self.encrypted {
            _ if self.is_old_card() => (
                quoted(&pasted(self.document, Layout::Compact)),
                SHA1,
                "LARK_VERIFICATION_TOKEN",
            ),
            Some(body) => (quoted(&escape(body)), SHA256, "LARK_ENCRYPT_KEY"),
            None => return self.plain(url),
        };
        let header = |name, value| format!("\"{}: ${value}\"", in_capitals(&name));
        in_subshell(&[
            guard(secret),
            format!("body={body}"),
            "timestamp=$(date +%s)".to_owned(),
            "nonce=$(od -An -N8 -tx1 /dev/urandom | tr -d ' \\n')".to_owned(),
            format!("signed=\"$timestamp$nonce${secret}$body\""),
            format!("signature=$(printf %s \"$signed\" | {hash} | cut -d' ' -f1)"),
            posted(
                url,
                &[
                    CONTENT_TYPE.to_owned(),
                    header(SIGNATURE_TIMESTAMP_HEADER, "timestamp"),
                    header(SIGNATURE_NONCE_HEADER, "nonce"),
                    header(SIGNATURE_HEADER, "signature"),
                ],
            ),
        ])
    }

    /// Unsigned; the token in the document authenticates it.
    fn plain(&self, url: &str) -> String {
        let mut lines = Vec::new();
        let body = match self.around_token() {
            Some((before, after)) => {
                lines.push(guard("LARK_VERIFICATION_TOKEN"));
                lines.push(TOKEN_AS_JSON.to_owned());
                format!("{}\"$token\"{}", quoted(&before), quoted(&after))
            }
            None => quoted(&pasted(self.document, Layout::Compact)),
        };
        lines.push(format!("body={body}"));
        lines.push(posted(url, &[CONTENT_TYPE.to_owned()]));
        in_subshell(&lines)
    }

    /// The document before and after the text of its token.
    fn around_token(&self) -> Option<(String, String)> {
        let mut mark = "TOKEN".to_owned();
        while self.document.contains(&mark) {
            mark.push('N');
        }
        let marked = RawJson::encode(&mark).ok()?;
        let mut envelope = Members::parse(self.document)?;
        let mut is_marked = envelope.replace("token", marked.clone());
        if !is_marked {
            envelope.change("header", |header| {
                is_marked = header.replace("token", marked);
            });
        }
        let document = pasted(envelope.json().as_str(), Layout::Compact);
        let (before, after) = document.split_once(&mark)?;
        is_marked.then(|| (before.to_owned(), after.to_owned()))
    }
}

/// Posts `$body`. It comes by stdin: an argument has at most 128 KiB on Linux.
fn posted(url: &str, headers: &[String]) -> String {
    let headers = headers.iter().map(|header| format!("  -H {header}"));
    let mut lines = vec![format!(
        "printf %s \"$body\" | curl -i --globoff {}",
        quoted(url)
    )];
    lines.extend(headers);
    lines.push("  --data-binary @-".to_owned());
    lines.join(" \\\n")
}

/// The name of a header as the platform writes it.
fn in_capitals(name: &HeaderName) -> String {
    let words = name.as_str().split('-').map(|word| {
        let (first, rest) = word.split_at(1);
        first.to_uppercase() + rest
    });
    words.collect::<Vec<_>>().join("-")
}
