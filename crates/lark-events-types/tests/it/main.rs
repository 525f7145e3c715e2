//! What the generated types promise, held against every sample of the documentation.

mod lists;
mod oddities;
mod outlines;
mod pushes;
mod samples;

use std::time::SystemTime;

use lark_events::event::KnownEvent;
use lark_events::{Delivery, RawJson, Transport};
use lark_events_types::catalogue::events;

/// The body of an event's sample.
fn body_of(known: &KnownEvent) -> Option<RawJson> {
    let (info, sample) = (known.info, known.sample?);
    // The old card callback has no envelope.
    if info.event_type == "card.action.trigger_v1" {
        return RawJson::parse(sample).ok();
    }
    let delivery =
        Delivery::parse_unauthenticated(sample, Transport::Webhook, SystemTime::UNIX_EPOCH);
    let delivery = delivery.unwrap_or_else(|error| panic!("{}: {error}", info.event_type));
    assert_eq!(delivery.header.event_type, info.event_type);
    assert_eq!(delivery.header.schema, info.schema, "{}", info.event_type);
    Some(delivery.raw)
}

/// Every event that has a sample, with the sample's body.
fn sampled() -> impl Iterator<Item = (&'static KnownEvent, RawJson)> {
    events().filter_map(|known| Some((known, body_of(known)?)))
}
