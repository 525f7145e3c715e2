//! `events` and `events show`.

use lark_events_types::catalogue::events;
use serde_json::{Value, json};

use crate::{Ran, lark_events};

fn types(ran: &Ran) -> Vec<String> {
    let lines = ran
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines
        .map(|line| line["event_type"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn all_events_are_listed_a_line_each() {
    let ran = lark_events(&["events"]).run().with_code(0);
    assert_eq!(ran.stdout.lines().count(), events().count() + 1);
    assert!(ran.stdout.starts_with("EVENT TYPE "));
    let ran = lark_events(&["events", "--json"]).run().with_code(0);
    assert_eq!(types(&ran).len(), events().count());
}

#[test]
fn an_event_is_found_by_its_type_its_title_and_its_rust_type() {
    for pattern in [
        "reserve_config.updated",
        "VC.Reserve_Config",
        "ReserveConfigUpdated",
        "limits on reserving",
        "vc.reserve*",
        "*reserve_config*",
        "ReserveConfig?????????",
        "会议室预定限制",
    ] {
        let ran = lark_events(&["events", pattern, "--json"])
            .run()
            .with_code(0);
        assert_eq!(types(&ran), ["vc.reserve_config.updated_v1"], "{pattern}");
    }
    for pattern in [
        "Nothing like it",
        "erve*",
        "*reserve",
        "vc.reserve_config.updated_v?1",
    ] {
        let ran = lark_events(&["events", pattern]).run().with_code(1);
        assert_eq!(ran.stdout, "");
        assert_eq!(
            ran.stderr,
            format!("lark-events: no event matches {pattern}\n")
        );
    }
}

#[test]
fn a_listed_event_says_where_its_type_is_and_what_it_needs() {
    let ran = lark_events(&["events", "reserve_config", "--long"])
        .run()
        .with_code(0);
    assert_eq!(
        ran.stdout,
        "EVENT TYPE                    RUST TYPE                          PERMISSIONS               PAGE\n\
         vc.reserve_config.updated_v1  vc_events::ReserveConfigUpdatedV1  vc:room|vc:room:readonly  \
         https://open.feishu.cn/document/server-docs/vc-v1/scope_config/events/updated\n"
    );
    let ran = lark_events(&["events", "reserve_config", "--json"])
        .run()
        .with_code(0);
    assert_eq!(
        ran.json(),
        json!({
            "event_type": "vc.reserve_config.updated_v1",
            "rust_type": "ReserveConfigUpdatedV1",
            "module": "vc_events",
            "crate": "vc-events",
            "title": "The limits on reserving a meeting room, or the rooms of a level, were changed",
            "scopes": ["vc:room", "vc:room:readonly"],
            "page": "https://open.feishu.cn/document/server-docs/vc-v1/scope_config/events/updated",
            "updated": "2023-01-31",
            "page_title": "更新会议室预定限制",
            "sdks": [],
            "unconfirmed": false,
        })
    );
}

#[test]
fn an_event_is_shown_with_its_fields_and_its_sample() {
    let page = |name| {
        lark_events(&["events", "show", name])
            .run()
            .with_code(0)
            .stdout
    };
    let by_type = page("vc.reserve_config.updated_v1");
    assert_eq!(page("ReserveConfigUpdatedV1"), by_type);
    for line in [
        "any permission of  vc:room, vc:room:readonly",
        "  scope_type              ScopeType                 What `scope_id` names.",
        "    = 2                   Room                      One meeting room.",
        "      user_id             lark_events::UserId       The user's identities.",
        "        open_id           String                    The user's id within one app.",
        "Sample",
    ] {
        assert!(
            by_type.lines().any(|known| known == line),
            "{line}\n{by_type}"
        );
    }
    assert!(by_type.contains("In days, 1 to 730; 365 when not set."));
    assert!(by_type.ends_with("}\n"));
    for (event, label, text) in [
        (
            "vc.reserve_config.updated_v1",
            "in Chinese",
            "更新会议室预定限制",
        ),
        (
            "vc.recording.recording_ended_v1",
            "fields as in",
            "@larksuiteoapi/node-sdk 1.74.0",
        ),
        (
            "im.message.updated_v1",
            "confirmed by",
            "no official source",
        ),
        (
            "passport.session.created_v1",
            "No source",
            "describes them.",
        ),
    ] {
        let page = page(event);
        let mut lines = page.lines();
        assert!(
            lines.any(|line| line.starts_with(label) && line.ends_with(text)),
            "{page}"
        );
    }
}

#[test]
fn an_event_is_shown_whole_to_machines() {
    for known in events() {
        let info = known.info;
        let ran = lark_events(&["events", "show", "--json", info.event_type])
            .run()
            .with_code(0);
        let shown = ran.json();
        assert_eq!(shown["event_type"], info.event_type);
        let sample = known
            .sample
            .map(|json| serde_json::from_str::<Value>(json).unwrap());
        assert_eq!(
            shown["sample"],
            sample.unwrap_or_default(),
            "{}",
            info.event_type
        );
    }
    let show = |name| {
        lark_events(&["events", "show", "--json", name])
            .run()
            .with_code(0)
            .json()
    };
    let shown = show("vc.reserve_config.updated_v1");
    assert_eq!(shown["schema"], "2.0");
    let level = json!({"key": 1, "name": "Level", "doc": "A level of rooms."});
    assert_eq!(shown["fields"][1]["values"][0], level);
    let card = show("card.action.trigger_v1");
    assert_eq!(card["schema"], Value::Null);
    assert_eq!(card["fields"][5]["rust_type"], "object");
    assert_eq!(card["fields"][5]["fields"][0]["name"], "value");
}

#[test]
fn an_event_that_is_not_there_is_status_1_with_what_is_like_it() {
    let ran = lark_events(&["events", "show", "vc.reserve_confg.updated_v1"])
        .run()
        .with_code(1);
    assert!(
        ran.stderr
            .ends_with("similar: vc.reserve_config.updated_v1\n"),
        "{ran:?}"
    );
    let ran = lark_events(&["events", "show", "x"]).run().with_code(1);
    assert!(
        ran.stderr.contains("run `lark-events events` for a list"),
        "{ran:?}"
    );
}

#[test]
fn an_event_is_shown_by_every_name_that_is_printed_of_it() {
    for name in [
        "vc.reserve_config.updated_v1",
        "VC.Reserve_Config.Updated_v1",
        "reserveconfigupdatedv1",
        "vc_events::ReserveConfigUpdatedV1",
    ] {
        let ran = lark_events(&["events", "show", name, "--json"]).run();
        let shown = ran.with_code(0).json();
        assert_eq!(shown["event_type"], "vc.reserve_config.updated_v1");
    }
}

#[test]
fn a_name_of_several_events_is_status_1_with_all_of_them() {
    let ran = lark_events(&["events", "show", "DepartmentCreatedV1"]).run();
    let ran = ran.with_code(1);
    assert_eq!(ran.stdout, "");
    let types: Vec<_> = ran
        .stderr
        .split_whitespace()
        .filter(|word| word.ends_with("::DepartmentCreatedV1"))
        .collect();
    assert!(types.len() > 1, "{ran:?}");
    for name in types {
        lark_events(&["events", "show", name]).run().with_code(0);
    }
}
