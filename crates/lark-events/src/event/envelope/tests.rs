//! Envelopes of both versions, and wrappers.

use super::*;

fn text<'a>(text: &'a Option<Text<'_>>) -> Option<&'a str> {
    text.as_ref().and_then(Text::as_str)
}

#[test]
fn version_2_is_read_in_one_pass_with_its_extra_header_fields() {
    let document = Document::parse(
        r#"{"schema":"2.0","new":[{}],"header":{"event_id":"e","event_type":"drive.file.edit_v1",
            "create_time":1700000000123,"token":"t","app_id":"a","tenant_key":"k",
            "resource_id":"r","user_list":[{"open_id":"o"}]},"event": {"x": 1} }"#,
    )
    .unwrap();
    let header = document.header.as_ref().unwrap();
    assert_eq!(text(&header.event_id), Some("e"));
    assert_eq!(text(&header.event_type), Some("drive.file.edit_v1"));
    assert_eq!(text(&header.create_time), Some("1700000000123"));
    assert_eq!(text(&header.app_id), Some("a"));
    assert_eq!(text(&header.tenant_key), Some("k"));
    assert_eq!(document.token(), Some("t"));
    let extras: Vec<_> = header.extras.iter().map(|(n, v)| (&**n, *v)).collect();
    assert_eq!(
        extras,
        [
            ("resource_id", "\"r\""),
            ("user_list", r#"[{"open_id":"o"}]"#)
        ]
    );
    assert_eq!(document.event.unwrap(), r#"{"x": 1}"#);
    assert_eq!(document.kind(), Kind::Event(Schema::V2));
}

#[test]
fn a_known_member_given_twice_is_an_error() {
    for twice in [
        r#"{"token":"a","token":"b"}"#,
        r#"{"type":"a","type":"b"}"#,
        r#"{"event":{},"event":{}}"#,
        r#"{"header":{},"header":{}}"#,
        r#"{"header":{"token":"a","token":"b"}}"#,
        r#"{"header":{"event_type":"a","event_type":"b"}}"#,
        r#"{"header":{"event_type":null,"event_type":"b"}}"#,
    ] {
        assert!(Document::parse(twice).is_err(), "{twice}");
    }
}

#[test]
fn escaped_names_and_values_are_read_and_null_is_absent() {
    let document = Document::parse(
        r#"{"to\u006ben":"\u0074","header":{"event_id":null,"\u0061pp_id":"\u0061","\u0062":1}}"#,
    )
    .unwrap();
    assert_eq!(document.token(), Some("t"), "no event type, no version 2");
    let header = document.header.as_ref().unwrap();
    assert_eq!(text(&header.event_id), None);
    assert_eq!(text(&header.app_id), Some("a"));
    assert_eq!(header.extras[0].0, "b");
}

#[test]
fn each_version_has_its_token_in_its_place() {
    for (document, kind, token) in [
        (
            r#"{"token":"top","header":{"event_type":"x","token":"h"}}"#,
            Kind::Event(Schema::V2),
            Some("h"),
        ),
        (
            r#"{"token":"top","header":{"event_type":"x"}}"#,
            Kind::Event(Schema::V2),
            None,
        ),
        (
            r#"{"token":"top","type":"event_callback","header":{}}"#,
            Kind::Event(Schema::V1),
            Some("top"),
        ),
        (
            r#"{"token":"top","type":"url_verification"}"#,
            Kind::UrlCheck,
            Some("top"),
        ),
        (
            r#"{"token":"top","header":{"token":"h"}}"#,
            Kind::Unknown,
            Some("top"),
        ),
        (r#"{"type":"another"}"#, Kind::Unknown, None),
    ] {
        let parsed = Document::parse(document).unwrap();
        assert_eq!((parsed.kind(), parsed.token()), (kind, token), "{document}");
    }
}

#[test]
fn numbers_stand_for_strings_digit_for_digit_and_anything_else_is_absent() {
    for (json, expected) in [
        (r#""a""#, Some("a")),
        (r#""""#, Some("")),
        (r#""a\"b""#, Some("a\"b")),
        (r#""\u0061""#, Some("a")),
        (r#""\ud800""#, None),
        ("1502199207.7171419", Some("1502199207.7171419")),
        (
            "123456789012345678901234567890",
            Some("123456789012345678901234567890"),
        ),
        ("-3", Some("-3")),
        ("1e400", Some("1e400")),
        ("null", None),
        ("true", None),
        ("{}", None),
        ("[\"a\"]", None),
    ] {
        let document = format!(r#"{{"uuid": {json} }}"#);
        let document = Document::parse(&document).unwrap();
        assert_eq!(document.uuid.as_str(), expected, "{json}");
    }
}

#[test]
fn a_header_that_is_no_object_is_an_error_that_says_so() {
    let error = Document::parse(r#"{"header":[]}"#).unwrap_err();
    assert!(error.to_string().contains("expected an event header"));
}

#[test]
fn a_text_without_escapes_is_borrowed() {
    let text: Text<'_> = serde_json::from_str(r#""a""#).unwrap();
    assert!(matches!(text.0, Some(Cow::Borrowed("a"))));
}

#[test]
fn the_number_of_extra_header_fields_is_bounded() {
    let with = |count: usize| {
        let fields: Vec<_> = (0..count).map(|n| format!("\"f{n}\":{n}")).collect();
        format!("{{\"header\":{{{}}}}}", fields.join(","))
    };
    for (sent, kept) in [(63, 63), (64, 64), (65, 64), (1_000, 64)] {
        let document = with(sent);
        let header = Document::parse(&document).unwrap().header;
        assert_eq!(header.unwrap().extras.len(), kept, "{sent}");
    }
}

#[test]
fn each_text_of_an_envelope_is_bounded() {
    for document in [
        r#"{"uuid":TEXT}"#,
        r#"{"ts":TEXT}"#,
        r#"{"token":TEXT}"#,
        r#"{"challenge":TEXT}"#,
        r#"{"type":TEXT}"#,
        r#"{"header":{"event_id":TEXT}}"#,
        r#"{"header":{"event_type":TEXT}}"#,
        r#"{"header":{"create_time":TEXT}}"#,
        r#"{"header":{"token":TEXT}}"#,
        r#"{"header":{"app_id":TEXT}}"#,
        r#"{"header":{"tenant_key":TEXT}}"#,
        r#"{"header":{TEXT:{}}}"#,
    ] {
        let with = |text: &str| Document::parse(&document.replace("TEXT", text)).is_ok();
        let quoted = |text: String| format!("\"{text}\"");
        let most = MAX_ENVELOPE_TEXT_BYTES;
        assert!(with(&quoted("x".repeat(most))), "{document}");
        assert!(with(&quoted(r"\u0078".repeat(most))), "{document}");
        assert!(!with(&quoted("x".repeat(most + 1))), "{document}");
        assert!(!with(&quoted(r"\u0078".repeat(most + 1))), "{document}");
        if !document.contains("TEXT:") {
            assert!(with(&"1".repeat(most)), "{document}");
            assert!(!with(&"1".repeat(most + 1)), "{document}");
        }
    }
    // Strings that are not kept have no limit.
    let long = format!("\"{}\"", "x".repeat(1 << 20));
    for document in [r#"{"new":TEXT}"#, r#"{"header":{"new":TEXT}}"#, "{TEXT:1}"] {
        assert!(
            Document::parse(&document.replace("TEXT", &long)).is_ok(),
            "{document}"
        );
    }
    let wrapper = format!(r#"{{"encrypt":{long}}}"#);
    assert!(Wrapper::parse(&wrapper).is_ok());
    for member in ["type", "app_id", "tenant_key"] {
        let event = format!(r#"{{"{member}":{long}}}"#);
        assert!(InnerHeader::parse(&event).is_err(), "{member}");
    }
}

#[test]
fn a_url_check_is_three_members_and_perhaps_others() {
    let good = r#"{"challenge":"c","token":"t","type":"url_verification"}"#;
    let check = UrlCheck::parse(good).unwrap();
    assert_eq!((&*check.token, &*check.challenge), ("t", "c"));
    let more = good.replace("}", r#","event":{}}"#);
    assert!(UrlCheck::parse(&more).is_some());
    for odd in [
        r#"{"challenge":"c","token":"t","type":"event_callback"}"#,
        r#"{"challenge":"c","token":"t"}"#,
        r#"{"challenge":"c","type":"url_verification"}"#,
        r#"{"token":"t","type":"url_verification"}"#,
        r#"{"challenge":"c","token":"t","token":"t","type":"url_verification"}"#,
        r#"{"challenge":1,"token":"t","type":"url_verification"}"#,
        r#"{"challenge":"c","token":"t","type":"url_verification"} {}"#,
        r#"["url_verification","t","c"]"#,
        "",
    ] {
        assert!(UrlCheck::parse(odd).is_none(), "{odd}");
    }
}

#[test]
fn a_wrapper_is_told_from_a_plain_document() {
    assert_eq!(
        Wrapper::parse(r#"{"encrypt":"YQ=="}"#).unwrap().as_deref(),
        Some("YQ==")
    );
    assert_eq!(
        Wrapper::parse(r#"{"encrypt":"a\/b="}"#).unwrap().as_deref(),
        Some("a/b=")
    );
    assert_eq!(Wrapper::parse(r#"{"schema":"2.0"}"#).unwrap(), None);
    assert!(Wrapper::parse(r#"{"encrypt":"a","encrypt":"b"}"#).is_err());
    assert!(Wrapper::parse("{}x").is_err());
    assert!(Wrapper::parse(r#"["YQ=="]"#).is_err());
    assert_eq!(Wrapper::parse(" \t\r\n{} ").unwrap(), None);
}
