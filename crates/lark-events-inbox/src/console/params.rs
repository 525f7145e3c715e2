//! The values of a query or a form.

use lark_events_pages::{Malformed, pairs};

#[derive(Debug, Default)]
pub(super) struct Params(Vec<(String, String)>);

impl Params {
    pub(super) fn parse(text: &str) -> Result<Self, Malformed> {
        pairs(text).map(Self)
    }

    /// A value that is not empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(str::to_owned)
    }

    /// A number; an error if it is something else.
    pub(super) fn number(&self, name: &str) -> Result<Option<u64>, String> {
        self.get(name).map(|text| number(name, text)).transpose()
    }

    pub(super) fn numbers(&self, name: &str) -> Result<Vec<u64>, String> {
        self.all(name).map(|text| number(name, text)).collect()
    }

    fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = self.0.iter().filter(move |(known, _)| known == name);
        named
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }
}

fn number(name: &str, text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| {
        format!("expected the number of an event as {name}: follow a link of the page")
    })
}
