//! `vc.reserve_config.updated_v1`: the documented sample, and what may come instead of it.

use lark_events::{EventType, UserId};
use serde_json::{Value, json};
use vc_events::{
    ApprovalCondition, ApprovalConfigEvent, EVENTS, MemberScope, ReserveConfigUpdatedV1,
    ReserveScopeConfigEvent, ScopeType, SubscribeDepartment, SubscribeUserEvent, Switch,
    TimeConfig,
};

fn sample() -> Value {
    let sample = ReserveConfigUpdatedV1::SAMPLE.expect("there is a sample");
    let mut document: Value = serde_json::from_str(sample).expect("it is JSON");
    document["event"].take()
}

fn decode(body: &Value) -> ReserveConfigUpdatedV1 {
    serde_json::from_str(&body.to_string()).expect("an object decodes")
}

fn encode(body: &ReserveConfigUpdatedV1) -> Value {
    serde_json::to_value(body).expect("a body encodes")
}

/// Numbers as floats, so that 1 and 1.0 are the same.
fn with_floats(value: Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(list) => list.into_iter().map(with_floats).collect(),
        Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| (name, with_floats(value)))
            .collect(),
        other => other,
    }
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn expected() -> ReserveConfigUpdatedV1 {
    let users = || {
        let mut id = UserId::default();
        id.union_id = text("on_8ed6aa67826108097d9ee143816345");
        id.user_id = text("e33ggbyz");
        id.open_id = text("ou_84aad35d084aa403a838cf73ee18467");
        let mut user = SubscribeUserEvent::default();
        user.user_id = Some(id);
        Some(vec![user])
    };

    let mut approval = ApprovalConfigEvent::default();
    approval.approval_switch = Some(Switch::Off);
    approval.approval_condition = Some(ApprovalCondition::Always);
    approval.meeting_duration = Some(1.0);
    approval.approvers = users();

    let mut times = TimeConfig::default();
    times.time_switch = Some(Switch::On);
    times.days_in_advance = Some(30);
    times.opening_hour = text("27900");
    times.start_time = text("0");
    times.end_time = text("86400");
    times.max_duration = Some(24);

    let mut department = SubscribeDepartment::default();
    department.department_id = text("od-47d8b570b0a011e9679a755efcc5f61a");
    let mut members = ReserveScopeConfigEvent::default();
    members.allow_all_users = Some(MemberScope::All);
    members.allow_users = users();
    members.allow_depts = Some(vec![department]);

    let mut body = ReserveConfigUpdatedV1::default();
    body.scope_id = text("omm_3c5dd7e09bac0c1758fcf9511bd1a771");
    body.scope_type = Some(ScopeType::Room);
    body.approve_config = Some(approval);
    body.time_config = Some(times);
    body.reserve_scope_config = Some(members);
    body
}

#[test]
fn the_sample_decodes_into_every_field() {
    assert_eq!(decode(&sample()), expected());
}

#[test]
fn the_sample_encodes_as_it_came() {
    let encoded = encode(&decode(&sample()));
    assert_eq!(with_floats(encoded), with_floats(sample()));
}

#[test]
fn the_facts_are_those_of_the_page() {
    let info = ReserveConfigUpdatedV1::INFO;
    assert_eq!(info.event_type, "vc.reserve_config.updated_v1");
    assert_eq!(ReserveConfigUpdatedV1::EVENT_TYPE, info.event_type);
    assert_eq!(
        info.page,
        Some("https://open.feishu.cn/document/server-docs/vc-v1/scope_config/events/updated")
    );
    assert_eq!(info.scopes, ["vc:room", "vc:room:readonly"]);
    assert_eq!(info.field_scopes, ["contact:user.employee_id:readonly"]);
    assert_eq!(info.app_types, ["custom", "isv"]);
    assert!(!info.title.is_empty());
    assert!(EVENTS.iter().any(|known| *known.info == info));
}

#[test]
fn numbers_and_strings_stand_for_each_other() {
    let mut body = sample();
    body["scope_id"] = json!(7);
    body["scope_type"] = json!("2");
    body["approve_config"]["meeting_duration"] = json!("1");
    body["time_config"]["days_in_advance"] = json!("30");
    body["time_config"]["opening_hour"] = json!(27900);
    body["time_config"]["start_time"] = json!(0);
    body["reserve_scope_config"]["allow_all_users"] = json!("1");

    let mut expected = expected();
    expected.scope_id = text("7");
    assert_eq!(decode(&body), expected);
}

#[test]
fn fractions_of_an_hour_are_kept() {
    let body = json!({"approve_config": {"meeting_duration": 1.5}});
    let decoded = decode(&body);
    let approval = decoded.approve_config.clone().unwrap();
    assert_eq!(approval.meeting_duration, Some(1.5));
    assert_eq!(encode(&decoded), body);
}

#[test]
fn a_missing_or_null_member_is_none() {
    assert_eq!(decode(&json!({})), ReserveConfigUpdatedV1::default());
    let nulls = json!({"scope_id": null, "scope_type": null, "approve_config": null,
        "time_config": null, "reserve_scope_config": null});
    assert_eq!(decode(&nulls), ReserveConfigUpdatedV1::default());
    assert_eq!(encode(&decode(&nulls)), json!({}));

    let decoded = decode(&json!({"reserve_scope_config": {"allow_users": null}}));
    let nothing = Some(ReserveScopeConfigEvent::default());
    assert_eq!(decoded.reserve_scope_config, nothing);
}

#[test]
fn an_empty_list_is_not_a_missing_one() {
    let body = json!({"reserve_scope_config": {"allow_users": [], "allow_depts": []}});
    assert_eq!(encode(&decode(&body)), body);
}

#[test]
fn an_unknown_member_is_passed_over() {
    let mut body = sample();
    body["later"] = json!({"a": [1, {"b": null}]});
    body["time_config"]["later"] = json!("x");
    body["reserve_scope_config"]["allow_users"][0]["later"] = json!(false);
    assert_eq!(decode(&body), expected());
}

#[test]
fn an_unknown_key_is_kept() {
    let body = json!({
        "scope_type": 3,
        "approve_config": {"approval_switch": -1, "approval_condition": 2},
        "reserve_scope_config": {"allow_all_users": 9},
    });
    let decoded = decode(&body);
    assert_eq!(decoded.scope_type, Some(ScopeType::Unknown(3)));
    let approval = decoded.approve_config.clone().unwrap();
    assert_eq!(approval.approval_switch, Some(Switch::Unknown(-1)));
    let condition = ApprovalCondition::Unknown(2);
    assert_eq!(approval.approval_condition, Some(condition));
    assert_eq!(encode(&decoded), body);
}

/// Each member of the sample in turn, at any depth, as something else: the others keep their values.
#[test]
fn a_member_of_another_type_costs_that_member_only() {
    let mut tried = 0;
    for pointer in pointers(&sample(), "") {
        // A list of lists is as wrong for a string as for an object; for a list, a string is.
        let odd = match sample().pointer(&pointer) {
            Some(Value::Array(_)) => json!("odd"),
            _ => json!([["odd"]]),
        };
        let mut body = sample();
        *body.pointer_mut(&pointer).unwrap() = odd;

        let mut without = sample();
        remove(&mut without, &pointer);
        assert_eq!(decode(&body), decode(&without), "{pointer}");
        tried += 1;
    }
    assert_eq!(tried, 27);
}

/// The JSON pointers of all members of objects.
fn pointers(value: &Value, at: &str) -> Vec<String> {
    let mut found = Vec::new();
    if let Value::Object(members) = value {
        for (name, value) in members {
            let at = format!("{at}/{name}");
            found.extend(pointers(value, &at));
            found.push(at);
        }
    }
    if let Value::Array(list) = value {
        for (index, value) in list.iter().enumerate() {
            found.extend(pointers(value, &format!("{at}/{index}")));
        }
    }
    found
}

fn remove(value: &mut Value, pointer: &str) {
    let (owner, name) = pointer.rsplit_once('/').expect("not the root");
    let owner = value.pointer_mut(owner).and_then(Value::as_object_mut);
    owner.expect("members are in objects").remove(name);
}

#[test]
fn an_element_of_another_type_is_left_out() {
    let body = json!({"reserve_scope_config": {"allow_depts": [7, {"department_id": "od-1"}]}});
    let members = decode(&body).reserve_scope_config.unwrap();
    let mut department = SubscribeDepartment::default();
    department.department_id = text("od-1");
    assert_eq!(members.allow_depts, Some(vec![department]));
}
