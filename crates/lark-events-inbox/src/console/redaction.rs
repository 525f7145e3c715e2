//! The only place where the texts and bodies of events become those of a page, an export or an error.

use std::ops::Deref;
use std::sync::Arc;

use lark_events::{Delivery, RawJson};
use maud::{Markup, Render};

type RedactBody = Arc<dyn Fn(&Delivery) -> RawJson + Send + Sync>;
type RedactText = Arc<dyn Fn(&str) -> String + Send + Sync>;

/// What is hidden.
#[derive(Clone, Default)]
pub(super) struct Redaction {
    pub(super) body: Option<RedactBody>,
    pub(super) text: Option<RedactText>,
}

/// A text of an event as it may be shown.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Text {
    shown: String,
    /// Nothing of it is hidden.
    is_whole: bool,
}

impl Redaction {
    pub(super) fn text(&self, text: &str) -> Text {
        let shown = match &self.text {
            Some(redact) => redact(text),
            None => text.to_owned(),
        };
        let is_whole = shown == text;
        Text { shown, is_whole }
    }

    pub(super) fn body(&self, delivery: &Delivery) -> RawJson {
        match &self.body {
            Some(redact) => redact(delivery),
            None => delivery.raw.clone(),
        }
    }

    /// A search for a part of a text would find what is hidden.
    pub(super) fn hides_texts(&self) -> bool {
        self.text.is_some()
    }
}

impl Text {
    /// The text for a URL or a form; `None` if a part of it is hidden, or no filter can have it.
    pub(super) fn whole(&self) -> Option<&str> {
        let is_whole = self.is_whole && !self.shown.is_empty() && !self.shown.contains('\0');
        is_whole.then_some(&*self.shown)
    }

    /// The text of several that look the same.
    pub(super) fn of_several(self) -> Self {
        Self {
            is_whole: false,
            ..self
        }
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.shown
    }
}

impl Render for Text {
    fn render(&self) -> Markup {
        self.shown.render()
    }
}
