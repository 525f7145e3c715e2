//! Which deliveries a list shows, as a query of a URL.

use std::collections::BTreeMap;

use lark_events_pages::query;
use lark_events_sim::Mode;
use serde::Deserialize;

use super::web::masked::{Masked, Masks};
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
    /// The other parameters of the query.
    #[serde(flatten)]
    others: BTreeMap<String, String>,
}

/// The parameters of a filter.
const NAMES: [&str; 5] = ["type", "progress", "transport", "faults", "before"];

/// Selects deliveries. The default selects all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    /// A part of the event type, in upper or lower case. A page and its URLs repeat it.
    pub(crate) event_type: Masked,
    pub(crate) progress: Option<Progress>,
    pub(crate) transport: Option<Mode>,
    /// Only deliveries to which a fault has happened.
    pub(crate) only_with_faults: bool,
    /// Only deliveries with a lower number.
    pub(crate) before: Option<usize>,
}

impl FilterQuery {
    /// Reads a filter beside other parameters.
    ///
    /// # Errors
    ///
    /// If a value or a name is unknown.
    pub(crate) fn read(&self, masks: &Masks, others: &[&str]) -> Result<Filter, String> {
        let mut unknown = self.others.keys().map(String::as_str);
        if let Some(name) = unknown.find(|name| !others.contains(name)) {
            let known = [&NAMES, others].concat().join(", ");
            return Err(format!("expected only the parameters {known}, got {name}"));
        }
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
            event_type: masks.text(self.event_type.trim()),
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
        let has_fault = || {
            delivery
                .attempts
                .iter()
                .any(|attempt| !attempt.faults.is_empty())
        };
        self.may_select(delivery)
            && self
                .progress
                .is_none_or(|progress| delivery.progress() == progress)
            && (!self.only_with_faults || has_fault())
    }

    /// Whether it selects a delivery at some time, as far as the delivery cannot change.
    pub(crate) fn may_select(&self, delivery: &Delivery) -> bool {
        let part = self.event_type.as_str().to_lowercase();
        let is_of_type = part.is_empty() || delivery.event_type.to_lowercase().contains(&part);
        is_of_type && self.transport.is_none_or(|mode| delivery.mode == mode)
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
            ("type", self.event_type.as_str()),
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
        query.read(&Masks::default(), &[])
    }

    #[test]
    fn a_filter_is_read_from_its_query() {
        let query = FilterQuery {
            event_type: " IM.Message&".to_owned(),
            progress: "given-up".to_owned(),
            transport: "webhook".to_owned(),
            faults: "on".to_owned(),
            before: "12".to_owned(),
            others: BTreeMap::new(),
        };
        let filter = read(query).unwrap();
        let expected = "type=IM.Message%26&progress=given-up&transport=webhook&faults=on&before=12";
        assert_eq!(filter.query(), expected);
        assert!(!filter.is_open());
        let open = read(FilterQuery::default()).unwrap();
        assert_eq!(open.query(), "");
        assert!(open.is_open());
    }

    #[test]
    fn a_secret_in_a_filter_is_masked_as_it_comes() {
        let masks = Masks::new(["Marked-Key"]);
        for (given, shown) in [
            ("Marked-Key", "***"),
            ("x%4Darked-Key", "x***"),
            // Another text, which stays as it is.
            ("MARKED-KEY", "MARKED-KEY"),
        ] {
            let query = FilterQuery {
                event_type: given.to_owned(),
                ..FilterQuery::default()
            };
            let filter = query.read(&masks, &[]).unwrap();
            assert_eq!(filter.event_type.as_str(), shown);
        }
    }

    #[test]
    fn an_unknown_name_is_an_error_with_the_known_ones() {
        let mut query = FilterQuery::default();
        query
            .others
            .insert("progres".to_owned(), "pending".to_owned());
        let error = query.read(&Masks::default(), &["after"]).unwrap_err();
        let names = "type, progress, transport, faults, before, after, got progres";
        assert!(error.contains(names), "{error}");
        query.others = BTreeMap::from([("after".to_owned(), String::new())]);
        assert!(query.read(&Masks::default(), &["after"]).is_ok());
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
