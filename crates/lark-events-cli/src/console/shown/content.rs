//! A body: of a request, an answer, a call. Without secrets, and JSON where it is JSON.

use std::borrow::Cow;

use maud::{Markup, html};
use serde::ser::Error as _;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::credential::{is_credential, without_credentials};
use crate::console::web::masked::{Masked, Masks, Path, is_json};
use lark_events_pages::{Layout, lay_out};

/// The most bytes of a body in a page; the JSON API has all.
const MAX_SHOWN: usize = 64 * 1024;

#[derive(Debug, Clone)]
pub(crate) struct Content {
    text: Masked,
    is_json: bool,
    /// The size of the body as it was.
    bytes: usize,
}

impl Content {
    /// Any body.
    pub(crate) fn any(body: &[u8], masks: &Masks) -> Self {
        Self::of(body, masks, |_| false)
    }

    /// A document of the platform, whose Verification Token is masked although it is the usual one.
    pub(crate) fn document(body: &[u8], masks: &Masks) -> Self {
        Self::of(body, masks, |path| {
            path.is(&["token"]) || path.is(&["header", "token"])
        })
    }

    /// The body of a call of the API by its path, whose secrets and tokens of access are masked by their names.
    pub(crate) fn call(path: &str, body: &[u8], masks: &Masks) -> Self {
        let text = String::from_utf8_lossy(body);
        let is_form = !is_json(&text);
        let text = match is_form {
            true => Cow::Owned(without_credentials(path, &text)),
            false => text,
        };
        let hides = |at: &Path| at.name().is_some_and(|name| is_credential(path, name));
        Self {
            bytes: body.len(),
            ..Self::of(text.as_bytes(), masks, hides)
        }
    }

    fn of(body: &[u8], masks: &Masks, hides: impl Fn(&Path) -> bool) -> Self {
        let text = String::from_utf8_lossy(body);
        let text = masks.json(&text, hides);
        Self {
            is_json: is_json(text.as_str()),
            text,
            bytes: body.len(),
        }
    }

    pub(crate) fn text(&self) -> &str {
        self.text.as_str()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// All of the text, on separate lines if it is JSON.
    pub(crate) fn all(&self) -> Masked {
        match self.is_json {
            true => self.text.laid_out(),
            false => self.text.clone(),
        }
    }

    /// The text on separate lines if it is JSON. Says so if it is cut.
    pub(crate) fn pretty(&self) -> Markup {
        let (start, is_whole) = self.text.start(MAX_SHOWN);
        let pretty = match self.is_json && is_whole {
            true => lay_out(start, Layout::Pretty),
            false => start.to_owned(),
        };
        html! {
            @if self.is_empty() {
                p.faint { "Empty." }
            } @else {
                pre tabindex="0" { code { (pretty) } }
            }
            @if !is_whole {
                p.note {
                    "Cut after " (MAX_SHOWN / 1024) " KiB of " (self.bytes)
                    " bytes. The JSON API has all of it."
                }
            }
        }
    }
}

/// JSON as it is, other text as a string.
impl Serialize for Content {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !self.is_json {
            return self.text.serialize(serializer);
        }
        let json = RawValue::from_string(self.text.as_str().to_owned());
        json.map_err(S::Error::custom)?.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(content: &Content) -> String {
        serde_json::to_string(content).unwrap()
    }

    #[test]
    fn a_body_is_json_or_a_string() {
        let masks = Masks::new(["marked-key"]);
        let any = |body: &[u8]| json(&Content::any(body, &masks));
        assert_eq!(
            any(br#"{"n":1.00,"k":"marked-key"}"#),
            r#"{"n":1.00,"k":"***"}"#
        );
        assert_eq!(any(b"oh marked-key\n"), r#""oh ***\n""#);
        assert_eq!(any(b""), r#""""#);
        assert_eq!(any(b"\xff"), "\"\u{fffd}\"");
    }

    #[test]
    fn a_document_has_no_token() {
        let masks = Masks::default();
        for (document, shown) in [
            (
                r#"{"token":"t","event":{"token":"c-1"}}"#,
                r#"{"token":"***","event":{"token":"c-1"}}"#,
            ),
            (
                r#"{"header":{"token":"t"},"event":[]}"#,
                r#"{"header":{"token":"***"},"event":[]}"#,
            ),
        ] {
            assert_eq!(json(&Content::document(document.as_bytes(), &masks)), shown);
        }
    }

    #[test]
    fn a_call_has_no_credential() {
        let masks = Masks::default();
        let body = r#"{"app_id":"cli_1","app_secret":"s","app_ticket":"t","a":[{"user_access_token":"u"}],"uuid":"1"}"#;
        let shown = r#"{"app_id":"cli_1","app_secret":"***","app_ticket":"***","a":[{"user_access_token":"***"}],"uuid":"1"}"#;
        assert_eq!(json(&Content::call("/a", body.as_bytes(), &masks)), shown);
    }

    #[test]
    fn a_form_of_a_call_has_no_credential() {
        let masks = Masks::new(["marked-key"]);
        let body = "grant_type=authorization_code&client_secret=hunter2&refresh%5Ftoken=a%26b&code=1&x=marked%2Dkey";
        let shown = "\"grant_type=authorization_code&client_secret=***&refresh%5Ftoken=***&code=***&x=***\"";
        let path = "/open-apis/authen/v2/oauth/token";
        let content = Content::call(path, body.as_bytes(), &masks);
        assert_eq!(json(&content), shown);
        assert_eq!(content.bytes, body.len());
    }

    #[test]
    fn a_page_cuts_a_long_body_and_says_so() {
        let masks = Masks::default();
        let long = format!("\"{}\"", "é".repeat(MAX_SHOWN));
        let content = Content::any(long.as_bytes(), &masks);
        let page = content.pretty().into_string();
        assert!(page.len() < MAX_SHOWN + 500, "{}", page.len());
        assert!(page.contains("Cut after 64 KiB of 131074 bytes. The JSON API has all of it."));
        assert_eq!(json(&content), long);
        let page = Content::any(br#"{"a":"<b>"}"#, &masks)
            .pretty()
            .into_string();
        assert!(
            page.contains("{\n  &quot;a&quot;: &quot;&lt;b&gt;&quot;\n}"),
            "{page}"
        );
        assert!(!page.contains("Cut"));
    }
}
