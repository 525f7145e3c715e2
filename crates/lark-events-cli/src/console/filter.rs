//! Which deliveries a list shows, as a query of a URL.

use lark_events_sim::Mode;
use serde::Deserialize;

use super::url::query;
use super::web::masked::Masks;
use crate::serve::history::{Delivery, Progress};

/// A query as it comes: a form sends empty values too.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct FilterQuery {
    #[serde(rename = "type")]
    event_type: String,
    progress: String,
    transport: String,
    faults: String,
    before: String,
}

/// Selects deliveries. The default selects all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    /// A part of the event type, in lower case.
    pub(crate) event_type: String,
    pub(crate) progress: Option<Progress>,
    pub(crate) transport: Option<Mode>,
    /// Only deliveries to which a fault has happened.
    pub(crate) only_with_faults: bool,
    /// Only deliveries with a lower number.
    pub(crate) before: Option<usize>,
}

impl FilterQuery {
    /// The filter is a part of pages and URLs, so its text is masked first.
    pub(crate) fn read(&self, masks: &Masks) -> Result<Filter, String> {
        let one_of = |name: &str, value: &str, names: &str| {
            format!("{name}: expected one of {names}, or nothing, got {value}")
        };
        let progress = match self.progress.as_str() {
            "" => None,
            value => {
                let mut all = PROGRESSES.into_iter();
                let found = all.find(|progress| progress_name(*progress) == value);
                let names = "pending, acknowledged and given-up";
                Some(found.ok_or_else(|| one_of("progress", value, names))?)
            }
        };
        let transport = match self.transport.as_str() {
            "" => None,
            value => {
                let found = transport(value);
                let names = "webhook and long-connection";
                Some(found.ok_or_else(|| one_of("transport", value, names))?)
            }
        };
        let before =
            match self.before.as_str() {
                "" => None,
                value => Some(value.parse().map_err(|_| {
                    format!("before: expected the number of a delivery, got {value}")
                })?),
            };
        let only_with_faults = match self.faults.as_str() {
            "" => false,
            "on" => true,
            value => return Err(one_of("faults", value, "on")),
        };
        Ok(Filter {
            event_type: masks.text(self.event_type.trim()).as_str().to_lowercase(),
            progress,
            transport,
            only_with_faults,
            before,
        })
    }
}

impl Filter {
    /// Whether it selects a delivery, regardless of its number.
    pub(crate) fn selects(&self, delivery: &Delivery) -> bool {
        let is_of_type = self.event_type.is_empty()
            || delivery
                .event_type
                .to_lowercase()
                .contains(&self.event_type);
        let has_fault = || {
            delivery
                .attempts
                .iter()
                .any(|attempt| !attempt.faults.is_empty())
        };
        is_of_type
            && self
                .progress
                .is_none_or(|progress| delivery.progress() == progress)
            && self.transport.is_none_or(|mode| delivery.mode == mode)
            && (!self.only_with_faults || has_fault())
    }

    /// Whether it selects all deliveries.
    pub(crate) fn is_open(&self) -> bool {
        *self
            == Self {
                before: self.before,
                ..Self::default()
            }
    }

    /// The query that gives this filter.
    pub(crate) fn query(&self) -> String {
        let before = self.before.map(|number| number.to_string());
        query(&[
            ("type", &self.event_type),
            ("progress", self.progress.map_or("", progress_name)),
            ("transport", self.transport.map_or("", transport_name)),
            ("faults", if self.only_with_faults { "on" } else { "" }),
            ("before", &before.unwrap_or_default()),
        ])
    }
}

pub(crate) const PROGRESSES: [Progress; 3] =
    [Progress::Pending, Progress::Acknowledged, Progress::GivenUp];
pub(crate) const TRANSPORTS: [Mode; 2] = [Mode::Webhook, Mode::LongConnection];

pub(crate) fn progress_name(progress: Progress) -> &'static str {
    match progress {
        Progress::Pending => "pending",
        Progress::Acknowledged => "acknowledged",
        Progress::GivenUp => "given-up",
    }
}

pub(crate) fn transport_name(mode: Mode) -> &'static str {
    match mode {
        Mode::Webhook => "webhook",
        _ => "long-connection",
    }
}

pub(crate) fn transport(name: &str) -> Option<Mode> {
    TRANSPORTS
        .into_iter()
        .find(|mode| transport_name(*mode) == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: FilterQuery) -> Result<Filter, String> {
        query.read(&Masks::default())
    }

    #[test]
    fn a_filter_is_read_from_its_query() {
        let query = FilterQuery {
            event_type: " IM.Message&".to_owned(),
            progress: "given-up".to_owned(),
            transport: "webhook".to_owned(),
            faults: "on".to_owned(),
            before: "12".to_owned(),
        };
        let filter = read(query).unwrap();
        let expected = "type=im.message%26&progress=given-up&transport=webhook&faults=on&before=12";
        assert_eq!(filter.query(), expected);
        assert!(!filter.is_open());
        let open = read(FilterQuery::default()).unwrap();
        assert_eq!(open.query(), "");
        assert!(open.is_open());
    }

    #[test]
    fn an_unknown_value_names_the_known_ones() {
        let of = |change: fn(&mut FilterQuery)| {
            let mut query = FilterQuery::default();
            change(&mut query);
            read(query).unwrap_err()
        };
        for (error, says) in [
            (
                of(|query| query.progress = "tea".to_owned()),
                "pending, acknowledged and given-up",
            ),
            (
                of(|query| query.transport = "tea".to_owned()),
                "webhook and long-connection",
            ),
            (
                of(|query| query.before = "-1".to_owned()),
                "the number of a delivery",
            ),
            (
                of(|query| query.faults = "off".to_owned()),
                "on, or nothing",
            ),
        ] {
            assert!(error.contains(says), "{error}");
        }
    }
}
