//! The outlines: one for each event, with all that the samples have.

use lark_events_types::catalogue::{DOMAINS, Field, fields};
use serde_json::Value;

use crate::sampled;

#[test]
fn every_sample_has_only_what_the_outline_of_its_event_has() {
    for (known, body) in sampled() {
        let info = known.info;
        let fields = fields(info.event_type).unwrap();
        let mut body: Value = body.decode().unwrap();
        if let (lark_events::event::Schema::V1, Value::Object(body)) = (info.schema, &mut body) {
            // These belong to the header.
            body.retain(|name, _| !["type", "app_id", "tenant_key"].contains(&name.as_str()));
        }
        if !fields.is_empty() {
            assert_in(&body, &fields, info.event_type);
        }
    }
}

fn assert_in(value: &Value, fields: &[Field], at: &str) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let at = format!("{at}/{name}");
                let field = fields.iter().find(|field| field.name == *name);
                let field = field.unwrap_or_else(|| panic!("{at} is not in the outline"));
                if !field.fields.is_empty() && !field.rust_type.contains("Map") {
                    assert_in(value, &field.fields, &at);
                }
            }
        }
        Value::Array(elements) => {
            for element in elements {
                assert_in(element, fields, at);
            }
        }
        _ => {}
    }
}

#[test]
fn an_event_that_no_source_describes_has_no_fields_and_an_unknown_one_no_outline() {
    assert_eq!(fields("passport.session.created_v1"), Some(Vec::new()));
    assert_eq!(fields("kitchen.tea.ready_v1"), None);
    let described = DOMAINS.iter().flat_map(|domain| domain.events);
    let described = described.map(|known| known.info);
    let described = described.filter(|info| !fields(info.event_type).unwrap().is_empty());
    assert!(described.count() > 260);
}

#[test]
fn a_hand_written_type_has_the_fields_that_the_pages_know() {
    let fields = fields("vc.meeting.meeting_started_v1").unwrap();
    let host = &fields[0]
        .fields
        .iter()
        .find(|field| field.name == "host_user")
        .unwrap();
    let id = &host.fields[0];
    assert_eq!(id.rust_type, "lark_events::UserId");
    let names: Vec<_> = id.fields.iter().map(|field| field.name.as_str()).collect();
    assert_eq!(names, ["union_id", "user_id", "open_id"]);
    let role = &host.fields[1];
    assert_eq!(role.rust_type, "UserRole");
    assert_eq!(role.values[0].key.as_str(), "1");
}
