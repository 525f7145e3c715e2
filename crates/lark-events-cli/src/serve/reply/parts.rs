//! The parts of a reply: toast, card, preview of a link.

use lark_events::RawJson;
use serde::Serialize;

use super::check::{Check, PREVIEW_LANGUAGES, TOAST_LANGUAGES, within};
use super::laid_out;
use crate::document::members::Members;

/// A pop-up message.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Toast {
    /// `info`, `success`, `error` or `warning`, or whatever the app wrote.
    pub(crate) kind: Option<String>,
    pub(crate) text: Option<String>,
    /// The text by language.
    pub(crate) i18n: Vec<(String, String)>,
}

/// The card that replaces the card of the callback, or that is shown below a link.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Card {
    /// `raw` or `template`, or whatever the app wrote.
    pub(crate) kind: Option<String>,
    /// Its data, laid out.
    pub(crate) json: String,
}

/// The text that replaces a link.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Preview {
    pub(crate) title: Option<String>,
    /// The title by language, which replaces `title`.
    pub(crate) i18n_title: Vec<(String, String)>,
    pub(crate) image_key: Option<String>,
    /// Where it leads, by platform.
    pub(crate) urls: Vec<(String, String)>,
}

impl Toast {
    pub(super) fn read(json: &RawJson, check: &mut Check) -> Option<Self> {
        const KINDS: [&str; 4] = ["info", "success", "error", "warning"];
        let members = check.object("toast", json)?;
        check.members("toast", &members, &["type", "content", "i18n"]);
        let kind = check.text("toast", &members, "type");
        if let Some(kind) = kind.as_deref().filter(|kind| !KINDS.contains(kind)) {
            check.add(format!(
                "`toast.type` is `{}`: expected info, success, error or warning",
                within("", kind)
            ));
        }
        let text = check.text("toast", &members, "content");
        let i18n = check.texts(
            "toast",
            &members,
            "i18n",
            TOAST_LANGUAGES,
            "a language of toasts",
        );
        let i18n = i18n.unwrap_or_default();
        let is_empty = text.as_ref().is_none_or(String::is_empty) && i18n.is_empty();
        if is_empty {
            check.add("`toast` has no text: expected `content` or `i18n`".to_owned());
        }
        Some(Self { kind, text, i18n })
    }
}

impl Card {
    /// The card of a reply, or that of a preview, whose raw form has its components in `elements`.
    pub(super) fn read(json: &RawJson, is_preview: bool, check: &mut Check) -> Option<Self> {
        let members = check.object("card", json)?;
        check.members("card", &members, &["type", "data"]);
        let kind = check.text("card", &members, "type");
        match kind.as_deref() {
            Some("raw" | "template") => {}
            Some(other) => check.add(format!(
                "`card.type` is `{}`: expected raw or template",
                within("", other)
            )),
            None if members.get("type").is_some() => {}
            None => check.add("`card` has no `type`: expected raw or template".to_owned()),
        }
        let Some(data) = members.get("data") else {
            check.add("`card` has no `data`: expected an object".to_owned());
            let json = laid_out(json);
            return Some(Self { kind, json });
        };
        if let Some(data) = check.object("card.data", data) {
            match kind.as_deref() {
                Some("template") => check.template("card.data", &data),
                Some("raw") if is_preview => {
                    let has = |name| data.get(name).is_some();
                    if !has("elements") && !has("body") {
                        check.add(
                            "`card.data` has no `elements`: a raw card has its components there"
                                .to_owned(),
                        );
                    }
                }
                _ => {}
            }
        }
        let json = laid_out(data);
        Some(Self { kind, json })
    }

    /// The card of a reply to the old callback, which has the parts of the card beside the toast.
    pub(super) fn read_old(mut members: Members, check: &mut Check) -> Option<Self> {
        const PARTS: [&str; 5] = ["header", "elements", "i18n_elements", "config", "card_link"];
        if members.get("card").is_some() {
            check.add(
                "`card` is not a member of the reply to the old callback: expected its parts beside \
                 `toast`"
                    .to_owned(),
            );
            members.remove(&["card"]);
        }
        let is_template = members.get("type").is_some() || members.get("data").is_some();
        if is_template {
            check.members("", &members, &["toast", "type", "data"]);
            let kind = check.text("", &members, "type");
            match kind.as_deref() {
                Some("template") => {}
                Some(other) => check.add(format!(
                    "`type` is `{}`: expected template, or the parts of the card beside `toast`",
                    within("", other)
                )),
                None if members.get("type").is_some() => {}
                None => check.add("`data` has no `type` beside it: expected template".to_owned()),
            }
            let data = members.get("data");
            match data {
                Some(data) => {
                    if let Some(data) = check.object("data", data) {
                        check.template("data", &data);
                    }
                }
                None => check.add("the template has no `data`: expected an object".to_owned()),
            }
            let json = data.map(laid_out).unwrap_or_default();
            return Some(Self { kind, json });
        }
        let known: Vec<_> = PARTS.into_iter().chain(["toast", "type", "data"]).collect();
        check.members("", &members, &known);
        members.remove(&["toast"]);
        members.names().next()?;
        Some(Self {
            kind: Some("raw".to_owned()),
            json: laid_out(&members.json()),
        })
    }
}

impl Check {
    /// The data of a template.
    fn template(&mut self, at: &str, data: &Members) {
        let known = ["template_id", "template_variable", "template_version_name"];
        self.members(at, data, &known);
        if data.get("template_id").is_none() {
            self.add(format!(
                "`{at}` has no `template_id`: expected the id of a template"
            ));
        }
        self.text(at, data, "template_id");
        self.text(at, data, "template_version_name");
        if let Some(variables) = data.get("template_variable") {
            self.object(&within(at, "template_variable"), variables);
        }
    }
}

impl Preview {
    pub(super) fn read(json: &RawJson, check: &mut Check) -> Option<Self> {
        const URLS: &[&str] = &["copy_url", "ios", "android", "pc", "web"];
        let members = check.object("inline", json)?;
        check.members(
            "inline",
            &members,
            &["title", "i18n_title", "image_key", "url"],
        );
        let title = check.text("inline", &members, "title");
        let i18n_title = check.texts(
            "inline",
            &members,
            "i18n_title",
            PREVIEW_LANGUAGES,
            "a language of previews",
        );
        if title.is_some() && i18n_title.as_ref().is_some_and(|titles| !titles.is_empty()) {
            check.add(
                "`inline.title` has no effect: `inline.i18n_title` replaces it; expected one of them"
                    .to_owned(),
            );
        }
        let urls = check.texts("inline", &members, "url", URLS, "a platform");
        Some(Self {
            title,
            i18n_title: i18n_title.unwrap_or_default(),
            image_key: check.text("inline", &members, "image_key"),
            urls: urls.unwrap_or_default(),
        })
    }
}
