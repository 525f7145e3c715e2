//! What the generated types promise, held against every sample of the documentation.

mod lists;
mod oddities;
mod outlines;
mod pushes;
mod samples;

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use lark_events::event::KnownEvent;
use lark_events::{Delivery, EventInfo, RawJson, Transport};
use lark_events_types::catalogue::DOMAINS;
use serde_json::Value;

/// The body of an event's sample.
fn body_of(known: &KnownEvent) -> Option<RawJson> {
    body_in(known.info, known.sample?)
}

/// The body in a sample of an event.
fn body_in(info: &EventInfo, sample: &str) -> Option<RawJson> {
    // The old card callback has no envelope.
    if info.event_type == "card.action.trigger_v1" {
        return RawJson::parse(sample.to_owned()).ok();
    }
    let delivery = Delivery::parse_unauthenticated(
        sample.to_owned(),
        Transport::Webhook,
        SystemTime::UNIX_EPOCH,
    );
    let delivery = delivery.unwrap_or_else(|error| panic!("{}: {error}", info.event_type));
    assert_eq!(delivery.header.event_type, info.event_type);
    assert_eq!(delivery.header.schema, info.schema, "{}", info.event_type);
    Some(delivery.raw)
}

/// Every event that has a sample, with the body of each: pages have a few for some events, of which the
/// type has the first.
fn sampled() -> impl Iterator<Item = (&'static KnownEvent, RawJson)> {
    let specs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../specs");
    let events = DOMAINS.iter().flat_map(|domain| {
        let events = domain.events.iter();
        events.map(move |known| (domain.name, known))
    });
    events.flat_map(move |(domain, known)| {
        let info = known.info;
        let path = specs.join(domain).join(format!("{}.json", info.event_type));
        let facts = fs::read_to_string(path).expect("every event has a fact file");
        let facts: Value = serde_json::from_str(&facts).expect("a fact file is JSON");
        let samples = facts["examples"].as_array().expect("a list of samples");
        let others = samples.iter().skip(1).map(ToString::to_string);
        let samples = known.sample.map(str::to_owned).into_iter().chain(others);
        let bodies = samples.filter_map(|sample| body_in(info, &sample));
        bodies.map(move |body| (known, body)).collect::<Vec<_>>()
    })
}
