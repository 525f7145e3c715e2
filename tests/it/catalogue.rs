//! Compares the names of events with the list of all events, if that list is beside the checkout.

use std::fs;
use std::path::Path;

use lark_events::event::Schema;
use lark_events::{Delivery, EventHeader, RawJson};

#[test]
fn callbacks_are_told_from_events_by_name() {
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/event-types.tsv");
    let Ok(rows) = fs::read_to_string(&list) else {
        println!("skipped: {} is not there", list.display());
        return;
    };
    let mut callbacks = Vec::new();
    for row in rows.lines().skip(1) {
        let mut columns = row.split('\t');
        let (event_type, version) = (columns.next().unwrap(), columns.next().unwrap());
        let mut header = EventHeader::new(event_type);
        if version == "v1" {
            header.schema = Schema::V1;
        }
        let delivery = Delivery::new(header, RawJson::parse("{}").unwrap());
        assert_eq!(delivery.is_callback(), version == "callback", "{row}");
        callbacks.extend(delivery.is_callback().then_some(event_type));
    }
    let expected = [
        "card.action.trigger",
        "card.action.trigger_v1",
        "url.preview.get",
    ];
    assert_eq!(callbacks, expected);
}
