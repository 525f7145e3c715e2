//! The catalogue as a whole: complete, without doubles, and in step with the list of all events.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use lark_events::{Delivery, EventHeader, RawJson};
use lark_events_test_servers::skipped;
use lark_events_types::catalogue::{DOMAINS, events, find};

#[test]
fn every_event_type_is_there_once() {
    let mut types = BTreeSet::new();
    for info in events().map(|known| known.info) {
        assert!(types.insert(info.event_type), "{} twice", info.event_type);
        assert!(!info.title.is_empty(), "{}", info.event_type);
        assert!(info.title.is_ascii(), "{}", info.event_type);
    }
    let mut names: Vec<_> = DOMAINS.iter().map(|domain| domain.name).collect();
    names.dedup();
    assert_eq!(names.len(), DOMAINS.len());
}

#[test]
fn every_event_has_the_name_of_its_type_beside_it() {
    for domain in DOMAINS {
        assert_eq!(domain.names.len(), domain.events.len(), "{}", domain.name);
        let events = domain.events.iter().map(|known| known.info);
        for (name, info) in domain.names.iter().zip(events) {
            let (_, last) = info
                .event_type
                .rsplit_once('.')
                .unwrap_or(("", info.event_type));
            let last = last.replace('_', "").to_lowercase();
            assert!(
                name.to_lowercase().contains(&last),
                "{name} for {}",
                info.event_type
            );
        }
    }
}

#[test]
fn no_domain_has_a_callback_as_its_set_could_not_reply() {
    for domain in DOMAINS.iter().filter(|domain| domain.name != "core") {
        for info in domain.events.iter().map(|known| known.info) {
            let mut header = EventHeader::new(info.event_type);
            header.schema = info.schema;
            let delivery = Delivery::new(header, RawJson::default());
            assert!(!delivery.is_callback(), "{}", info.event_type);
        }
    }
}

/// Runs where the list of all events lies beside the checkout.
#[test]
fn every_listed_event_has_a_type() {
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/event-types.tsv");
    let Ok(rows) = fs::read_to_string(&list) else {
        skipped(format_args!("{} is not there", list.display()));
        return;
    };
    for row in rows.lines().skip(1) {
        let columns: Vec<&str> = row.split('\t').collect();
        let [event_type, _, domain, ..] = columns[..] else {
            panic!("too few columns: {row}");
        };
        assert!(find(event_type).is_some(), "no {event_type}");
        let mut domains = DOMAINS.iter().filter(|known| known.name == domain);
        let domain = domains
            .next()
            .unwrap_or_else(|| panic!("no domain {domain}"));
        let mut events = domain.events.iter().map(|known| known.info);
        assert!(
            events.any(|info| info.event_type == event_type),
            "{event_type} is in another domain"
        );
    }
}
