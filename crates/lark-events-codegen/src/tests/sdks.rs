//! Fields that only SDKs have, and values that sources disagree on.

use serde_json::json;

use super::{POURED, READY, generate_domain, problems, spec, string, tea};

/// Fields that an overlay takes from SDKs, as TOML.
fn from_sdks(fields: &str) -> String {
    format!("[events.\"{READY}\".from_sdks]\nsdks = [\"tea-sdk 1.2\"]\nfields = {{ {fields} }}\n")
}

#[test]
fn a_field_that_only_sdks_have_is_a_field_and_says_so() {
    let fields = json!({"pot": {"$ref": "#/$defs/pot"}, "cups": {"type": "array", "items": {
        "type": "object", "properties": {"size": string()},
    }}});
    let defs = json!({"pot": {"type": "object", "properties": {"pot": {"type": "array",
        "items": {"$ref": "#/$defs/pot"}}}}});
    let words = from_sdks(
        "hot = \"boolean\", \"pot.lid\" = \"object\", \"pot.lid.colour\" = \"string\", \
         \"pot.pot.pot.users\" = \"user_id[]\", \"cups.by_day\" = \"map<string, int>\"",
    );
    let files = generate_domain(&tea([spec(READY, fields, defs)], &words))
        .unwrap()
        .files;
    let says = "/// Found only in SDKs: `tea-sdk 1.2`.";
    let event = &files["events.rs"];
    let types = &files["types.rs"];
    for (file, field) in [
        (event, "pub hot: Option<bool>"),
        (types, "pub lid: Option<PotLid>"),
        (types, "pub users: Option<Vec<UserId>>"),
        (
            types,
            "pub by_day: Option<std::collections::BTreeMap<String, i64>>",
        ),
    ] {
        let at = file
            .find(field)
            .unwrap_or_else(|| panic!("{field} in {file}"));
        assert!(
            file[..at].lines().rev().take(3).any(|line| line == says),
            "{field}"
        );
    }
    // The fields inside such a field do not repeat the note.
    assert_eq!(types.matches(says).count(), 3);
    assert!(types.contains("pub colour: Option<String>"));
}

#[test]
fn a_field_of_sdks_that_is_no_news_or_has_no_place_is_a_problem() {
    for (field, rule) in [
        (
            "kind = \"string\"",
            "kind: the facts already have this field: remove it here",
        ),
        (
            "tags = \"string[]\"",
            "tags: the facts already have this field: remove it here",
        ),
        (
            "\"kind.of\" = \"string\"",
            "\"kind.of\": no object has this field",
        ),
        (
            "\"pot.lid\" = \"string\"",
            "\"pot.lid\": no object has this field",
        ),
        ("lid = \"a lid\"", "lid: no type `a lid`"),
        ("lid = \"lid\"", "lid: the fact file has no type `lid`"),
    ] {
        let fields = json!({"kind": string(), "tags": {"type": "array", "items": string()}});
        let found = problems(&tea([spec(READY, fields, json!({}))], &from_sdks(field)));
        let at = format!("overlay.toml: events.\"{READY}\".from_sdks.fields.{rule}");
        assert_eq!(found, [at]);
    }
    let words = "[types.cup]\nfrom_sdks = { sdks = [], fields = {} }\n";
    let cup = json!({"cup": {"type": "object", "properties": {}}});
    let fields = json!({"cup": {"$ref": "#/$defs/cup"}});
    let found = problems(&tea([spec(READY, fields, cup)], words));
    assert_eq!(
        found,
        ["overlay.toml: types.cup.from_sdks: only for an event"]
    );
}

#[test]
fn a_value_that_sources_disagree_on_can_be_any_of_its_forms() {
    let fields = json!({"who": {"anyOf": [string(), {"$ref": "#/$defs/user"}]}, "text": string(),
        "many": {"type": "array", "items": {"anyOf": [string(), {"type": "integer"}]}}});
    let defs = json!({"user": {"type": "object", "properties": {"id": string()}}});
    let words = from_sdks("text = \"user\"");
    let specs = || [READY, POURED].map(|event| spec(event, fields.clone(), defs.clone()));
    let files = generate_domain(&tea(specs(), &words)).unwrap().files;
    for line in [
        "pub who: Option<serde_json::Value>",
        "pub text: Option<serde_json::Value>",
        "pub many: Option<Vec<serde_json::Value>>",
        "/// Either a string or an object.",
        "/// Either a string or an integer.",
    ] {
        assert!(files["events.rs"].contains(line), "{line}");
    }
    let by_hand = format!("[events.\"{READY}\".fields]\nwho = {{ extern = \"crate::Who\" }}\n");
    let files = generate_domain(&tea(specs(), &by_hand)).unwrap().files;
    assert!(files["events.rs"].contains("pub who: Option<crate::Who>"));
    for (field, path, rule) in [
        (
            "text",
            "crate::Who",
            "an `extern` is allowed only for a value that comes in several forms",
        ),
        ("who", "a b", "`extern` is not a path of a type"),
    ] {
        let words = format!("[events.\"{READY}\".fields]\n{field} = {{ extern = \"{path}\" }}\n");
        let at = format!("overlay.toml: events.\"{READY}\".fields.{field}: {rule}");
        assert_eq!(problems(&tea(specs(), &words)), [at]);
    }
}

#[test]
fn an_event_says_where_its_fields_are_from() {
    let mut from_sdk = spec(READY, json!({"cup": string()}), json!({}));
    let facts = "\"sdks\":[\"tea-sdk 1.2\"],\"page\":\"https://tea\",\"schema\":";
    from_sdk.text = from_sdk
        .text
        .replace("\"schema\":\"", &format!("{facts}\""));
    let files = generate_domain(&tea([from_sdk], "")).unwrap().files;
    for line in [
        "/// - Documentation (not used for the fields): <https://tea>",
        "/// - Fields from `tea-sdk 1.2`",
    ] {
        assert!(
            files["events.rs"].contains(line),
            "{line}: {}",
            files["events.rs"]
        );
    }
    assert!(files["mod.rs"].contains("| from `tea-sdk 1.2` |"));

    let mut unconfirmed = spec(READY, json!({}), json!({}));
    unconfirmed.text = unconfirmed
        .text
        .replace(
            "{\"properties\":{},\"type\":\"object\"}",
            "{\"type\":\"object\"}",
        )
        .replace(
            "{\"type\":\"object\",\"properties\":{}}",
            "{\"type\":\"object\"}",
        )
        .replace("\"schema\":\"", "\"unconfirmed\":true,\"schema\":\"");
    let files = generate_domain(&tea([unconfirmed], "")).unwrap().files;
    assert!(files["events.rs"].contains("/// No official source describes this event"));
    assert!(files["mod.rs"].contains("| no official source, raw JSON body |"));
}
