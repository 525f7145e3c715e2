//! Rejected specs, and the texts of the problems.

use serde_json::{Value, json};

use super::super::generate_domain;
use super::super::problem::Problem;
use super::super::sources::Source;
use super::{READY, overlay, problems, spec, string, tea};

#[test]
fn unreadable_files_are_named() {
    let bad = Source {
        file: "specs/tea/bad.json".to_owned(),
        text: "{\n  \"$schema\": }".to_owned(),
    };
    assert_eq!(
        problems(&tea([bad], "[events]\nx = { dok = \"\" }\n")),
        [
            "overlay.toml: line 2: unknown field `dok`, expected one of `doc`, `title_zh`, `name`, \
             `extern`, `validated_by_hand`, `fields`, `members`, `from_sdks`, `repairs`, `duplicate_key`",
            "bad.json: expected value at line 2 column 14",
        ]
    );
}

#[test]
fn a_fact_that_is_not_understood_is_a_problem() {
    for (field, expected) in [
        (
            json!({"$ref": "#/$defs/cup"}),
            "/$ref: no type `#/$defs/cup` in this file",
        ),
        (
            json!({"type": "string", "pattern": "x"}),
            ": unknown field `pattern`, expected one of `$ref`, `anyOf`, `type`, \
             `properties`, `additionalProperties`, `items`, `minLength`, `maxLength`, `minItems`, \
             `maxItems`, `minimum`, `maximum`, `default`, `x-lark`",
        ),
        (
            json!({"type": "string", "maximum": 1}),
            ": bounds belong beside their `type`, or else in `x-lark`",
        ),
        (
            json!({"type": ["integer", "string"], "maxItems": 1}),
            ": bounds belong beside their `type`, or else in `x-lark`",
        ),
        (
            json!({"type": "string", "maxLength": 1, "x-lark": {"max_length": 2}}),
            ": a fact belongs beside `type` or in `x-lark`, not in both",
        ),
        (
            json!({"type": ["string", "strng"]}),
            ": data did not match any variant of untagged enum Kinds",
        ),
        (json!({"type": []}), ": `type` names no type"),
        (
            json!({"type": "integer", "x-lark": {"default": 1}}),
            ": the default of a number belongs beside its `type`",
        ),
        (
            json!({"type": "array"}),
            ": must be a `$ref`, a string, integer, number or boolean, an array with `items`, an \
             object with either `properties` or `additionalProperties`, or `{}`",
        ),
    ] {
        let spec = spec(READY, json!({"a/b": field}), json!({}));
        let at = "tea.pot.ready_v1.json: /properties/event/properties/a~1b";
        assert_eq!(problems(&tea([spec], "")), [format!("{at}{expected}")]);
    }
}

#[test]
fn a_file_says_what_its_name_and_folder_say() {
    let mut spec = spec(READY, json!({}), json!({}));
    spec.text = spec.text.replace("\"domain\":\"tea\"", "\"domain\":\"vc\"");
    spec.file = "specs/tea/tea.pot.boiled_v1.json".to_owned();
    assert_eq!(
        problems(&tea([spec], "")),
        [
            "tea.pot.boiled_v1.json: /$id: `tea.pot.ready_v1` should be `tea.pot.boiled_v1`",
            "tea.pot.boiled_v1.json: /x-lark/event_type: `tea.pot.ready_v1` should be \
             `tea.pot.boiled_v1`",
            "tea.pot.boiled_v1.json: /x-lark/domain: `vc` should be `tea`",
        ]
    );
}

#[test]
fn a_domain_that_is_described_has_words_for_every_fact() {
    let fields = json!({"cup": {"$ref": "#/$defs/cup"}, "state": {"type": "integer", "x-lark": {"keys": [1]}}});
    let defs = json!({"cup": {"type": "object", "properties": {"size": string()}}});
    let spec = || spec(READY, fields.clone(), defs.clone());
    assert_eq!(
        problems(&tea([spec()], "described = true")),
        [
            "overlay.toml: events.\"tea.pot.ready_v1\".fields.cup: no `doc`",
            "overlay.toml: events.\"tea.pot.ready_v1\".fields.state: no `doc`",
            "overlay.toml: events.\"tea.pot.ready_v1\": no `doc`",
            "overlay.toml: types.cup.fields.size: no `doc`",
            "overlay.toml: types.cup: no `doc`",
        ]
    );
    let words = overlay(READY, "cup")
        + "state = { doc = \"Which.\", enum = \"State\" }\n\
           [types.cup]\nextern = { path = \"cups::Cup\", fields = [\"colour\"] }\n\
           [enums.State]\ndoc = \"no full stop\"\nvariants = []\n";
    let lines = problems(&tea([spec()], &words));
    assert_eq!(
        lines,
        [
            "tea.pot.ready_v1.json: /$defs/cup/properties/size: `cups::Cup` has no such field",
            "tea.pot.ready_v1.json: /properties/event/properties/state: `State` has no variant \
             for the key 1",
            "overlay.toml: enums.State: a `doc` is one line that ends with a full stop",
        ]
    );
}

#[test]
fn words_without_a_fact_are_a_problem() {
    let fields = json!({
        "state": {"type": "integer", "x-lark": {"keys": [1]}},
        "maker": {"type": "object", "properties": {"name": string()}},
    });
    let overlay = r#"
        [events."tea.pot.ready_v1"]
        doc = "A pot is ready"
        fields.state = { doc = "Which.", enum = "State" }
        fields.gone = { doc = "What." }
        [events."tea.pot.lost_v1"]
        [types.cup]
        [types."tea.pot.ready_v1/maker".fields]
        name = { doc = "一." }
        [enums.Old]
        variants = [{ key = 1, name = "A" }]
        [enums.State]
        doc = "What it is doing."
        variants = [
            { key = 1, name = "Idle", doc = "Nothing." },
            { key = 2, name = "Unknown", doc = "Something." },
            { key = "3", name = "Text", doc = "Text." },
        ]
    "#;
    assert_eq!(
        problems(&tea([spec(READY, fields, json!({}))], overlay)),
        [
            "overlay.toml: events.\"tea.pot.lost_v1\": not in the facts",
            "overlay.toml: events.\"tea.pot.ready_v1\".fields.gone: not in the facts",
            "overlay.toml: types.cup: not in the facts",
            "overlay.toml: events.\"tea.pot.ready_v1\": a `doc` is one line that ends with a full \
             stop",
            "overlay.toml: types.\"tea.pot.ready_v1/maker\".fields.name: a `doc` is in English",
            "overlay.toml: enums.Old: no field has this enum",
            "overlay.toml: enums.State.variants.Unknown: no field of this enum has the key 2",
            "overlay.toml: enums.State.variants.Unknown: a variant needs a Rust name and a unique \
             key",
            "overlay.toml: enums.State.variants.Text: no field of this enum has the key \"3\"",
            "overlay.toml: enums.State: expected keys of one type, numbers or strings",
        ]
    );
}

#[test]
fn two_things_cannot_have_one_name() {
    let fields = json!({"openID": string(), "open_id": string(), "a": {"$ref": "#/$defs/tea_cup"},
        "b": {"$ref": "#/$defs/teaCup"}, "c": {"$ref": "#/$defs/option"}});
    let defs = json!({"tea_cup": {"type": "object", "properties": {}},
        "teaCup": {"type": "object", "properties": {}},
        "option": {"type": "object", "properties": {}}});
    let overlay = r#"
        [events."tea.pot.ready_v1"]
        doc = "It is."
        name = "TeaCup"
        fields.openID = { doc = "A." }
        fields.open_id = { doc = "B." }
        [types]
        tea_cup = { doc = "A." }
        teaCup = { doc = "B." }
        option = { doc = "C." }
    "#;
    assert_eq!(
        problems(&tea([spec(READY, fields, defs)], overlay)),
        [
            "tea.pot.ready_v1.json: /$defs/option: the type `option` cannot be called `Option` in \
             Rust; set `name`",
            "tea.pot.ready_v1.json: /$defs/teaCup: the type `teaCup` would be called `TeaCup`, \
             like the event `tea.pot.ready_v1`",
            "tea.pot.ready_v1.json: /$defs/tea_cup: the type `tea_cup` would be called `TeaCup`, \
             like the event `tea.pot.ready_v1`",
            "tea.pot.ready_v1.json: /properties/event/properties/open_id: `open_id` is taken, or \
             is not a field name; set `name`",
        ]
    );
}

#[test]
fn two_events_cannot_have_one_sample() {
    let names = ["tea.ab.c_v1", "tea.ab.cv1", "tea.types", "tea.move"];
    let specs = names.map(|name| spec(name, json!({}), json!({})));
    assert_eq!(
        problems(&tea(specs, "")),
        [
            "tea.ab.cv1.json: /$id: the event `tea.ab.cv1` would have its sample in `AB_CV1`, \
             like the event `tea.ab.c_v1`; set `name`",
        ]
    );
}

#[test]
fn an_enum_is_for_keys_of_its_kind() {
    let keyed = |kind: &str, key: Value| json!({"type": kind, "x-lark": {"keys": [key]}});
    let fields = json!({
        "flag": keyed("boolean", json!(1)),
        "count": keyed("integer", json!(1)),
        "text": keyed("string", json!("1")),
        "plain": string(),
        "cup": {"$ref": "#/$defs/cup"},
    });
    let defs = json!({"cup": {"type": "object", "properties": {}}});
    let overlay = r#"
        [events."tea.pot.ready_v1".fields]
        flag.enum = "State"
        count.enum = "State"
        text.enum = "State"
        plain.enum = "State"
        cup.enum = "State"
        [enums.State]
        doc = "What it is doing."
        variants = [{ key = 1, name = "Idle", doc = "Nothing." }]
    "#;
    let at = "overlay.toml: events.\"tea.pot.ready_v1\".fields";
    assert_eq!(
        problems(&tea([spec(READY, fields, defs)], overlay)),
        [
            format!("{at}.flag: an `enum` is allowed only for strings and integers"),
            "tea.pot.ready_v1.json: /properties/event/properties/text: `State` has no variant for \
             the key \"1\""
                .to_owned(),
            format!("{at}.plain: an `enum` is allowed only for a field with keys"),
            format!("{at}.cup: an `enum` is allowed only for strings and integers"),
        ]
    );
}

#[test]
fn words_that_decide_nothing_are_a_problem() {
    let fields = json!({"cup": {"$ref": "#/$defs/cup"}, "size": string()});
    let defs = json!({"cup": {"type": "object", "properties": {"size": string()}}});
    let overlay = r#"
        by_hand = "no path"
        [events."tea.pot.ready_v1".fields]
        size = { type = "integer", doc = "Of [this] `one`." }
        [types.cup]
        doc = "A single ` backtick."
        repairs = [{ find = "a", replace = "b", note = "c" }]
        fields.size = { type = "integer" }
    "#;
    let spec = || spec(READY, fields.clone(), defs.clone());
    assert_eq!(
        problems(&tea([spec()], overlay)),
        [
            "overlay.toml: types.cup.fields.size.type: the pages agree here: remove `type`",
            "overlay.toml: by_hand: not a path of a module",
            "overlay.toml: events.\"tea.pot.ready_v1\".fields.size.type: only for the fields of a \
             type, which several pages share",
            "overlay.toml: types.cup.repairs: only for an event, which has a sample",
            "overlay.toml: events.\"tea.pot.ready_v1\".fields.size: a `doc` may have brackets and \
             backticks only in code",
            "overlay.toml: types.cup: a `doc` may have brackets and backticks only in code",
        ]
    );
    let path = "[types.cup]\nextern = { path = \"no path\", fields = [\"size\"] }\n";
    assert_eq!(
        problems(&tea([spec()], path)),
        ["overlay.toml: types.cup.extern: `path` is not a path of a type"]
    );
}

#[test]
fn a_title_in_chinese_is_for_an_event_without_one() {
    let mut titled = spec(READY, json!({}), json!({}));
    titled.text = titled
        .text
        .replacen("\"x-lark\":{", "\"x-lark\":{\"title\":\"茶好了\",", 1);
    let overlay = format!("[events.\"{READY}\"]\ntitle_zh = \"茶壶就绪\"\n");
    assert_eq!(
        problems(&tea([titled], &overlay)),
        [format!(
            "overlay.toml: events.\"{READY}\".title_zh: only for an event whose page has no title in the facts"
        )]
    );
}

#[test]
fn a_key_of_duplicates_is_an_id_in_the_body_of_its_event() {
    let fields = json!({
        "cup": {"$ref": "#/$defs/cup"},
        "sizes": {"type": "array", "items": string()},
        "size": {"type": "integer"},
    });
    let defs = json!({"cup": {"type": "object", "properties": {"cup_id": string()}}});
    let problems_of = |pointer: &str| {
        let overlay = format!("[events.\"{READY}\"]\nduplicate_key = {pointer:?}\n");
        generate_domain(&tea([spec(READY, fields.clone(), defs.clone())], &overlay)).err()
    };
    for id in ["/cup/cup_id", "/size"] {
        assert!(problems_of(id).is_none(), "{id}");
    }
    for stray in [
        "", "size", "/", "/cup", "/cup/", "/sizes", "/sizes/0", "/size/x", "/gone",
    ] {
        let problems = problems_of(stray).unwrap_or_default();
        let lines: Vec<_> = problems.iter().map(Problem::to_string).collect();
        let rule = "expected a JSON pointer to a string or an integer of the body";
        let at = format!("events.\"{READY}\".duplicate_key");
        assert_eq!(
            lines,
            [format!("specs/tea/overlay.toml: {at}: {rule}")],
            "{stray}"
        );
    }
    let elsewhere = "[types.cup]\nduplicate_key = \"/cup_id\"\n";
    assert_eq!(
        problems(&tea([spec(READY, fields, defs)], elsewhere)),
        ["overlay.toml: types.cup.duplicate_key: only for an event that is in the facts"]
    );
}

#[test]
fn a_type_within_itself_is_a_problem() {
    let defs = json!({
        "cup": {"type": "object", "properties": {"saucer": {"$ref": "#/$defs/saucer"}}},
        "saucer": {"type": "object", "properties": {"cup": {"$ref": "#/$defs/cup"}}},
    });
    let words = overlay(READY, "cup")
        + "[types.cup]\ndoc = \"A.\"\nfields.saucer = { doc = \"B.\" }\n\
           [types.saucer]\ndoc = \"C.\"\nfields.cup = { doc = \"D.\" }\n";
    let fields = json!({"cup": {"$ref": "#/$defs/cup"}});
    assert_eq!(
        problems(&tea([spec(READY, fields, defs)], &words)),
        [
            "tea.pot.ready_v1.json: /$defs/cup/properties/saucer: `cup` contains itself here, \
             which is not supported",
            "tea.pot.ready_v1.json: /$defs/saucer/properties/cup: `saucer` contains itself here, \
             which is not supported",
        ]
    );
}

#[test]
fn a_domain_names_a_crate_of_its_own_or_a_module_by_hand() {
    let spec = || spec(READY, json!({}), json!({}));
    for name in ["", "Tea-events", "tea_events", "lark-events", "9-teas"] {
        assert_eq!(
            problems(&tea([spec()], &format!("crate = {name:?}"))),
            ["overlay.toml: crate: not a name for the crate of a domain"]
        );
    }
    let both = "crate = \"tea-events\"\nby_hand = \"teas::hot\"\n";
    assert_eq!(
        problems(&tea([spec()], both)),
        ["overlay.toml: crate: nothing is generated for a domain `by_hand`"]
    );
    assert!(generate_domain(&tea([spec()], "crate = \"tea-events\"")).is_ok());
}
