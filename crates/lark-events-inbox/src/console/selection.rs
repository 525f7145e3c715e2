//! The filter of a list, as it is in queries and forms.

use lark_events_pages::query;
use maud::{Markup, html};

use super::params::Params;
use crate::admin::{Filter, State};

/// What a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Selection {
    pub(super) state: Option<State>,
    pub(super) event_type: Option<String>,
    pub(super) lane: Option<String>,
    pub(super) error: Option<String>,
    pub(super) id: Option<String>,
}

impl Selection {
    pub(super) fn read(params: &Params) -> Result<Self, String> {
        let state = params.get("state").map(|name| {
            let mut states = State::ALL.into_iter();
            let state = states.find(|state| state.as_str() == name);
            state.ok_or("expected ready, waiting, leased, dead or done as state")
        });
        Ok(Self {
            state: state.transpose()?,
            event_type: params.text("type"),
            lane: params.text("lane"),
            error: params.text("error"),
            id: params.text("id"),
        })
    }

    pub(super) fn of(state: State) -> Self {
        Self {
            state: Some(state),
            ..Self::default()
        }
    }

    pub(super) fn filter(&self) -> Filter {
        Filter {
            states: self.state.into_iter().collect(),
            event_type: self.event_type.clone(),
            lane: self.lane.clone(),
            error: self.error.clone(),
            event_id: self.id.clone(),
            ..Filter::default()
        }
    }

    fn pairs(&self) -> [(&'static str, &str); 5] {
        [
            ("state", self.state.map_or("", State::as_str)),
            ("type", self.event_type.as_deref().unwrap_or_default()),
            ("lane", self.lane.as_deref().unwrap_or_default()),
            ("error", self.error.as_deref().unwrap_or_default()),
            ("id", self.id.as_deref().unwrap_or_default()),
        ]
    }

    /// The URL of the list, or of its page after an event.
    pub(super) fn url(&self, after: Option<u64>) -> String {
        let after = after.map(|seq| seq.to_string()).unwrap_or_default();
        let mut pairs = vec![("view", "events")];
        pairs.extend(self.pairs());
        pairs.push(("after", &after));
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
            .map(|(name, value)| format!("{name} {value}"))
            .collect();
        words.join(", ")
    }
}
