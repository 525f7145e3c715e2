//! What the scanner reads from an envelope is what serde reads from it.

use proptest::prelude::*;

use super::*;

/// A version 2 document with a value of each kind.
const VERSION_2: &str = concat!(
    r#"{"schema":"2.0","header":{"event_id":"e","token":"t","create_time":"1","event_type":"a_v1","#,
    r#""tenant_key":"k","app_id":"a","user_list":[{"open_id":"o"}]},"event":{"text":"\"\\\/\b\n\u00e9","#,
    r#""many":[1,-2.5e+3,0,true,false,null,[],{}],"empty":"","long":"a text of thirty-two characters.","#,
    r#""中文":{"a":{"b":[[{"c":"d"}]]}}}}"#
);
/// The same with white space, as version 1.
const VERSION_1: &str = "{ \"ts\" :\"1.5\",\n\t\"uuid\": \"u\", \"token\" : \"t\", \"type\": \"event_callback\"\r\n,\
    \"challenge\":\"c\",\"header\": { } , \"event\" : { \"type\" : \"a\", \"app_id\":\"i\", \"tenant_key\":\"k\" , \
    \"list\": [ 1 , \"two\" , [ ] , { } ] } } ";

/// Compares both readers. Returns whether the scanner accepted the text.
fn agree(text: &str) -> bool {
    let scanned = Document::scan(text);
    if let Some(scanned) = &scanned {
        let read: Document<'_> = from_named(text).expect(text);
        assert_eq!(*scanned, read, "{text}");
    }
    if let Some(scanned) = InnerHeader::scan(text) {
        let read: InnerHeader<'_> = from_named(text).expect(text);
        assert_eq!(scanned, read, "{text}");
    }
    scanned.is_some()
}

#[test]
fn typical_documents_are_scanned() {
    for document in [VERSION_2, VERSION_1, "{}", " { } ", r#"{"event":[]}"#] {
        assert!(agree(document), "{document}");
    }
    let event = Document::scan(VERSION_1).unwrap().event.unwrap();
    let inner = InnerHeader::scan(event).unwrap();
    assert_eq!(inner.event_type.as_str(), Some("a"));
}

#[test]
fn other_documents_are_left_to_serde() {
    for document in [
        r#"{"event":null}"#,
        r#"{"header":null}"#,
        r#"{"ts":1}"#,
        r#"{"ts":null}"#,
        r#"{"ts":"\u0031"}"#,
        r#"{"t\u0073":"1"}"#,
        r#"{"header":{"app_id":{}}}"#,
    ] {
        assert!(!agree(document), "{document}");
        assert!(Document::parse(document).is_ok(), "{document}");
    }
    let nested = |depth| format!("{{\"event\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
    assert!(agree(&nested(64)));
    assert!(!agree(&nested(65)));
    assert!(Document::parse(&nested(10_000)).is_ok());
}

#[test]
fn each_change_of_a_byte_is_read_in_the_same_way() {
    for document in [VERSION_2, VERSION_1] {
        for at in 0..document.len() {
            if document.is_char_boundary(at) {
                agree(&document[..at]);
            }
            for byte in *b" \n\"\\,:{}[]-+.019aeEunf/\0\x1f\x7f" {
                for replaced in [0, 1] {
                    let mut changed = document.as_bytes().to_vec();
                    changed.splice(at..at + replaced, [byte]);
                    if let Ok(changed) = std::str::from_utf8(&changed) {
                        agree(changed);
                    }
                }
            }
        }
    }
}

/// A part of a document, of those that meet each other in all orders.
fn part() -> impl Strategy<Value = String> {
    let known = proptest::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        " ",
        "\n",
        "\"",
        "\\",
        "\\u",
        "0",
        "-1",
        ".5",
        "1e",
        "E+2",
        "true",
        "false",
        "null",
        "\"a\"",
        "\"\":",
        "\"event\":",
        "\"header\":",
        "\"ts\":\"1\"",
        "\"app_id\":\"a\"",
        "\"type\":",
        "\"\\ud800\"",
        "\u{1f}",
        "\u{7f}",
        "é",
        "{}",
        "[]",
    ]);
    prop_oneof![8 => known.prop_map(str::to_owned), 1 => ".{0,20}"]
}

/// JSON of a few levels.
fn json() -> impl Strategy<Value = String> {
    let text = prop_oneof!["[ -~é中]{0,40}", ".{0,12}"];
    let text = text.prop_map(|text| serde_json::to_string(&text).expect("a string"));
    let number = proptest::sample::select(vec!["0", "-0.5", "12", "1e400", "3.25E-2"]);
    let leaf = prop_oneof![
        text.clone(),
        number.prop_map(str::to_owned),
        proptest::sample::select(vec!["true", "false", "null"]).prop_map(str::to_owned),
    ];
    leaf.prop_recursive(5, 40, 5, move |inner| {
        let space = "[ \n\t\r]{0,2}";
        let known =
            proptest::sample::select(vec!["event", "header", "ts", "type", "app_id", "token"]);
        let name = prop_oneof![text.clone(), known.prop_map(|name| format!("\"{name}\""))];
        let member = (space, name, space, inner.clone());
        let member = member.prop_map(|(before, name, after, value)| {
            format!("{before}{name}{after}:{before}{value}{after}")
        });
        prop_oneof![
            proptest::collection::vec(inner, 0..5).prop_map(|list| format!("[{}]", list.join(","))),
            proptest::collection::vec(member, 0..5)
                .prop_map(|all| format!("{{{}}}", all.join(","))),
        ]
    })
}

proptest! {
    #[test]
    fn any_parts_are_read_in_the_same_way(parts in proptest::collection::vec(part(), 0..12)) {
        let parts = parts.concat();
        agree(&parts);
        agree(&format!("{{\"event\":{parts}}}"));
        agree(&format!("{{\"header\":{{{parts}}},\"event\":{{}}}}"));
    }

    #[test]
    fn any_json_is_scanned(json in json()) {
        agree(&json);
        let document = format!("{{\"event\":{json}}}");
        prop_assert!(agree(&document) || json == "null", "{}", document);
    }
}
