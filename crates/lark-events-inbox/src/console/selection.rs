//! The filter of a list, as it is in queries and forms.

use lark_events_pages::query;
use maud::{Markup, html};

use super::params::Params;
use super::redaction::Redaction;
use crate::admin::{Filter, State};

/// The longest text of a filter: twice the longest error.
const MAX_TEXT_BYTES: usize = 8 * 1024;

/// The bytes of an error in a URL, each of which may be percent-encoded.
const MAX_BEGINNING_BYTES: usize = 500;

/// What a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Selection {
    pub(super) state: Option<State>,
    pub(super) event_type: Option<String>,
    pub(super) lane: Option<String>,
    /// A part of the error.
    pub(super) error: Option<String>,
    pub(super) error_is: Option<String>,
    pub(super) id: Option<String>,
}

impl Selection {
    pub(super) fn read(params: &Params, redaction: &Redaction) -> Result<Self, String> {
        let state = params.get("state").map(|name| {
            let mut states = State::ALL.into_iter();
            let state = states.find(|state| state.as_str() == name);
            state.ok_or("expected ready, waiting, leased, dead or done as state")
        });
        let selection = Self {
            state: state.transpose()?,
            event_type: params.text("type"),
            lane: params.text("lane"),
            error: params.text("error"),
            error_is: params.text("error_is"),
            id: params.text("id"),
        };
        // Not the state.
        for (name, text) in selection.pairs().into_iter().skip(1) {
            if text.is_empty() {
                continue;
            }
            if text.len() > MAX_TEXT_BYTES {
                return Err(format!("expected at most {MAX_TEXT_BYTES} bytes as {name}"));
            }
            // A filter would tell whether a guess of a hidden text is right.
            if redaction.text(text).whole().is_none() {
                return Err(format!(
                    "expected a text that may be shown as {name}: filter by something else"
                ));
            }
        }
        if selection.error.is_some() && redaction.hides_texts() {
            return Err(
                "expected no part of an error: this page hides texts of errors, so that it does not search \
                 in them. Filter by something else"
                    .to_owned(),
            );
        }
        Ok(selection)
    }

    pub(super) fn of(state: State) -> Self {
        Self {
            state: Some(state),
            ..Self::default()
        }
    }

    /// Those with an error. Few proxies take a long URL, so a long error is a search for its beginning.
    pub(super) fn with_error(self, error: &str, redaction: &Redaction) -> Option<Self> {
        const MAX_URL_BYTES: usize = 2_000;
        let whole = Self {
            error_is: Some(error.to_owned()),
            ..self.clone()
        };
        if whole.url().len() <= MAX_URL_BYTES {
            return Some(whole);
        }
        let beginning = error.get(..error.floor_char_boundary(MAX_BEGINNING_BYTES))?;
        (!redaction.hides_texts()).then(|| Self {
            error: Some(beginning.to_owned()),
            ..self
        })
    }

    pub(super) fn filter(&self) -> Filter {
        Filter {
            states: self.state.into_iter().collect(),
            event_type: self.event_type.clone(),
            lane: self.lane.clone(),
            error: self.error.clone(),
            error_is: self.error_is.clone(),
            event_id: self.id.clone(),
            ..Filter::default()
        }
    }

    fn pairs(&self) -> [(&'static str, &str); 6] {
        [
            ("state", self.state.map_or("", State::as_str)),
            ("type", self.event_type.as_deref().unwrap_or_default()),
            ("lane", self.lane.as_deref().unwrap_or_default()),
            ("error", self.error.as_deref().unwrap_or_default()),
            ("error_is", self.error_is.as_deref().unwrap_or_default()),
            ("id", self.id.as_deref().unwrap_or_default()),
        ]
    }

    /// The URL of the list.
    pub(super) fn url(&self) -> String {
        self.url_of("events", &[])
    }

    /// The URL of a view of these events, with further values.
    pub(super) fn url_of(&self, view: &str, more: &[(&str, &str)]) -> String {
        let mut pairs = vec![("view", view)];
        pairs.extend(self.pairs());
        pairs.extend(more);
        format!("?{}", query(&pairs))
    }

    /// The filter as fields that are not shown.
    pub(super) fn hidden(&self) -> Markup {
        html! {
            @for (name, value) in self.pairs() {
                @if !value.is_empty() { input type="hidden" name=(name) value=(value); }
            }
        }
    }

    /// The filter in words; empty if there is none.
    pub(super) fn words(&self) -> String {
        let pairs = self.pairs().into_iter();
        let words = pairs.filter(|(_, value)| !value.is_empty());
        let words: Vec<_> = words
            .map(|(name, value)| match name {
                "error" => format!("a part of the error is {value}"),
                "error_is" => format!("error {value}"),
                _ => format!("{name} {value}"),
            })
            .collect();
        words.join(", ")
    }
}
