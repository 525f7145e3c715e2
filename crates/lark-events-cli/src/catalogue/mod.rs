//! The events of the catalogue, each with the path of its type.

mod search;

use lark_events::EventInfo;
use lark_events::event::KnownEvent;
use lark_events_types::catalogue::{DOMAINS, Domain, Origin};

pub(crate) use self::search::Search;

/// An event that has a type.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known {
    pub(crate) domain: &'static Domain,
    /// Of its type in Rust.
    pub(crate) name: &'static str,
    pub(crate) event: KnownEvent,
    pub(crate) info: &'static EventInfo,
    pub(crate) origin: &'static Origin,
}

impl Known {
    /// What to write in Rust: `vc_events::MeetingStartedV1`.
    pub(crate) fn path(&self) -> String {
        format!("{}::{}", self.domain.module, self.name)
    }
}

pub(crate) fn all() -> impl Iterator<Item = Known> {
    DOMAINS.iter().flat_map(|domain| {
        let named = domain.names.iter().zip(domain.events);
        named
            .zip(domain.origins)
            .map(move |((name, &event), origin)| Known {
                domain,
                name,
                event,
                info: event.info,
                origin,
            })
    })
}

pub(crate) fn find(event_type: &str) -> Option<Known> {
    all().find(|known| known.info.event_type == event_type)
}

/// Finds events by event type or Rust type, with or without the module, ignoring case. There are
/// several where modules have types of the same name.
pub(crate) fn named(name: &str) -> Vec<Known> {
    let is_named = |known: &Known| {
        let names = [known.info.event_type, known.name, &known.path()];
        names.iter().any(|known| known.eq_ignore_ascii_case(name))
    };
    all().filter(is_named).collect()
}

/// The error for an unknown event, which names a similar one.
pub(crate) fn unknown(event_type: &str) -> String {
    /// From 0 for nothing in common to 1 for equal; a lower likeness is not a typing error.
    const ALIKE: f64 = 0.9;
    let likeness = |known: Known| {
        let type_and_name = [known.info.event_type, known.name];
        type_and_name.map(|name| (strsim::jaro_winkler(event_type, name), name))
    };
    let best = all()
        .flat_map(likeness)
        .max_by(|(a, _), (b, _)| a.total_cmp(b));
    match best.filter(|(likeness, _)| *likeness >= ALIKE) {
        Some((_, name)) => format!("no event {event_type} in the catalogue; similar: {name}"),
        None => {
            format!("no event {event_type} in the catalogue; run `lark-events events` for a list")
        }
    }
}
