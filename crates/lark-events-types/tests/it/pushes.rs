//! The simulator pushes every event of the catalogue as one of the app's own.

use std::time::{Duration, SystemTime};

use lark_events::{Delivery, Transport};
use lark_events_sim::{Document, Platform};
use lark_events_types::catalogue::events;
use serde_json::Value;

use crate::body_of;

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("a body is JSON")
}

#[tokio::test]
async fn every_event_can_be_pushed_as_an_event_of_the_app() {
    let platform = Platform::builder().app("cli_ours", "");
    let platform = platform.start().await.unwrap();
    let mut pushed = 0;
    for known in events() {
        let info = known.info;
        let request = platform.request(Document::sample_of(known));
        if info.event_type == "card.action.trigger_v1" {
            assert_eq!(request.body(), known.sample.unwrap(), "it has no envelope");
            continue;
        }
        let now = SystemTime::now();
        let document = request.into_body();
        let delivery = Delivery::parse_unauthenticated(document, Transport::Local, now).unwrap();
        let header = &delivery.header;
        assert_eq!(
            (&*header.event_type, header.schema),
            (info.event_type, info.schema)
        );
        assert_eq!(
            header.app_id.as_deref(),
            Some("cli_ours"),
            "{}",
            info.event_type
        );
        assert_eq!(
            header.event_id.as_ref().unwrap().len(),
            32,
            "{}",
            info.event_type
        );
        let age = now
            .duration_since(header.created_at().unwrap())
            .unwrap_or_default();
        assert!(
            age < Duration::from_secs(60),
            "{}: {age:?}",
            info.event_type
        );

        // Its body is the sample's, but for the app in an event of version 1, and for what duplicates are
        // known by.
        let Some(sample) = body_of(known) else {
            continue;
        };
        let (mut sent, mut sample) = (json(delivery.raw.as_str()), json(sample.as_str()));
        for body in [&mut sent, &mut sample] {
            if info.schema == lark_events::event::Schema::V1 {
                body.as_object_mut().unwrap().remove("app_id");
            }
            if let Some(key) = lark_events::event::duplicate_key(info.event_type) {
                *body.pointer_mut(key).unwrap() = Value::Null;
            }
        }
        assert_eq!(sent, sample, "{}", info.event_type);
        pushed += 1;
    }
    assert!(pushed > 200, "{pushed}");
}
