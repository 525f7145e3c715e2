//! The filter of a list, as it is in queries and forms.
//!
//! Browsers change line breaks in the fields of a form, so that a form has the filter as a query in one field.

use lark_events_pages::query;
use maud::{Markup, html};

use super::params::Params;
use super::redaction::Redaction;
use crate::admin::{Filter, State};

/// The longest text of a filter: twice the longest error.
const MAX_TEXT_BYTES: usize = 8 * 1024;

/// The bytes of an error in a URL, each of which may be percent-encoded.
const MAX_BEGINNING_BYTES: usize = 500;

/// The field of a form.
const FIELD: &str = "filter";

/// What a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Selection {
    /// One of these; any if there are none.
    pub(super) states: Vec<State>,
    pub(super) event_type: Option<String>,
    pub(super) lane: Option<String>,
    /// A part of the error.
    pub(super) error: Option<String>,
    pub(super) error_is: Option<String>,
    pub(super) id: Option<String>,
}

impl Selection {
    pub(super) fn read(params: &Params, redaction: &Redaction) -> Result<Self, String> {
        let field = Params::parse(params.get(FIELD).unwrap_or_default())?;
        let value = |name: &str| params.text(name).or_else(|| field.text(name));
        let states = value("state").unwrap_or_default();
        let names = states.split(',').filter(|name| !name.is_empty());
        let states = names.map(|name| {
            let mut states = State::ALL.into_iter();
            let state = states.find(|state| state.as_str() == name);
            state.ok_or("expected ready, waiting, leased, dead or done as state")
        });
        let selection = Self {
            states: states.collect::<Result<_, _>>()?,
            event_type: value("type"),
            lane: value("lane"),
            error: value("error"),
            error_is: value("error_is"),
            id: value("id"),
        };
        // Not the states.
        for (name, text) in selection.pairs().iter().skip(1) {
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
            states: vec![state],
            ..Self::default()
        }
    }

    /// The state, if it is one.
    pub(super) fn state(&self) -> Option<State> {
        match self.states[..] {
            [state] => Some(state),
            _ => None,
        }
    }

    /// The states as the value of a URL.
    pub(super) fn states(&self) -> String {
        let names: Vec<_> = self.states.iter().map(|state| state.as_str()).collect();
        names.join(",")
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
            states: self.states.clone(),
            event_type: self.event_type.clone(),
            lane: self.lane.clone(),
            error: self.error.clone(),
            error_is: self.error_is.clone(),
            event_id: self.id.clone(),
            ..Filter::default()
        }
    }

    fn pairs(&self) -> [(&'static str, String); 6] {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        [
            ("state", self.states()),
            ("type", text(&self.event_type)),
            ("lane", text(&self.lane)),
            ("error", text(&self.error)),
            ("error_is", text(&self.error_is)),
            ("id", text(&self.id)),
        ]
    }

    fn texts(&mut self) -> [(&'static str, &mut Option<String>); 5] {
        [
            ("type", &mut self.event_type),
            ("lane", &mut self.lane),
            ("error", &mut self.error),
            ("error_is", &mut self.error_is),
            ("id", &mut self.id),
        ]
    }

    /// The part that fields of a form can show and change, and the texts that they cannot.
    pub(super) fn split(&self) -> (Self, Self) {
        let (mut fields, mut fixed) = (self.clone(), Self::default());
        for ((name, text), (_, fixed)) in fields.texts().into_iter().zip(fixed.texts()) {
            let has_lines = text
                .as_ref()
                .is_some_and(|text| text.contains(['\r', '\n']));
            if has_lines || matches!(name, "error_is" | "id") {
                *fixed = text.take();
            }
        }
        (fields, fixed)
    }

    /// Each text in words, and the filter without it.
    pub(super) fn removable(&self, all: &Self) -> Vec<(String, Self)> {
        let pairs = self.pairs().into_iter();
        let texts = pairs.filter(|(_, value)| !value.is_empty());
        let removable = texts.map(|(removed, value)| {
            let mut rest = all.clone();
            for (name, text) in rest.texts() {
                if name == removed {
                    *text = None;
                }
            }
            (in_words(removed, &value), rest)
        });
        removable.collect()
    }

    /// The URL of the list.
    pub(super) fn url(&self) -> String {
        self.url_of("events", &[])
    }

    /// The URL of a view of these events, with further values.
    pub(super) fn url_of(&self, view: &str, more: &[(&str, &str)]) -> String {
        let own = self.pairs();
        let mut pairs = vec![("view", view)];
        pairs.extend(own.iter().map(|(name, value)| (*name, value.as_str())));
        pairs.extend(more);
        format!("?{}", query(&pairs))
    }

    /// The filter as a field that is not shown.
    pub(super) fn hidden(&self) -> Markup {
        let pairs = self.pairs();
        let query = query(
            &pairs
                .each_ref()
                .map(|(name, value)| (*name, value.as_str())),
        );
        html! { @if !query.is_empty() { input type="hidden" name=(FIELD) value=(query); } }
    }

    /// The filter in words; empty if there is none.
    pub(super) fn words(&self) -> String {
        let pairs = self.pairs().into_iter();
        let words = pairs.filter(|(_, value)| !value.is_empty());
        let words: Vec<_> = words.map(|(name, value)| in_words(name, &value)).collect();
        words.join(", ")
    }
}

fn in_words(name: &str, value: &str) -> String {
    match name {
        "error" => format!("a part of the error is {value}"),
        "error_is" => format!("error {value}"),
        _ => format!("{name} {value}"),
    }
}
