//! Posts with files, in every shape that posts come in, and posts that are not understood.

use lark_events_types::im::{Content, EventMessage, PostContent, PostElement};

use super::{parsed, some, unknown};

const FILES: &str = r#"[{"file_key":"file_1","file_name":"plan.xlsx","is_folder":false},
    {"file_key":"file_2","file_name":"teas","is_folder":true}]"#;

fn post(content: &str) -> PostContent {
    match parsed("post", content) {
        Content::Post(post) => post,
        other => panic!("a post message has post content, not {other:?}"),
    }
}

fn readable(content: &str) -> String {
    parsed("post", content).readable(&EventMessage::default())
}

#[test]
fn a_post_has_its_files_in_every_shape() {
    let words = r#""title":"","content":[[{"tag":"text","text":"see"}]]"#;
    let shown = "see\n[file: plan.xlsx]\n[folder: teas]";
    for content in [
        format!(r#"{{{words},"content_v2":[[]],"files":{FILES}}}"#),
        format!(r#"{{"zh_cn":{{{words}}},"files":{FILES}}}"#),
        format!(r#"{{"zh_cn":{{{words},"files":{FILES}}}}}"#),
        format!(r#"{{"post":{{{words},"files":{FILES}}}}}"#),
        format!(r#"{{"post":{{{words}}},"files":{FILES}}}"#),
        format!(r#"{{"post":{{"en_us":{{{words}}},"files":{FILES}}}}}"#),
        format!(r#"{{"post":{{"en_us":{{{words}}}}},"files":{FILES}}}"#),
    ] {
        let files = post(&content).files.unwrap();
        assert_eq!(files.len(), 2, "{content}");
        assert_eq!(files[0].file_key, some("file_1"));
        assert_eq!(
            (&files[1].file_name, files[1].is_folder),
            (&some("teas"), Some(true))
        );
        assert_eq!(readable(&content), shown, "{content}");
        assert_eq!(
            parsed("post", &content).unread(&content),
            [""; 0],
            "{content}"
        );
    }
}

#[test]
fn a_post_of_files_alone_is_one() {
    for content in [
        format!(r#"{{"title":"","content":[[]],"content_v2":[[]],"files":{FILES}}}"#),
        format!(r#"{{"content":[],"files":{FILES}}}"#),
        format!(r#"{{"files":{FILES}}}"#),
        format!(r#"{{"zh_cn":{{"title":"","content":[[]]}},"files":{FILES}}}"#),
        format!(r#"{{"post":{{"zh_cn":{{"title":"","content":[[]]}}}},"files":{FILES}}}"#),
    ] {
        assert_eq!(post(&content).files.unwrap().len(), 2, "{content}");
        assert_eq!(
            readable(&content),
            "[file: plan.xlsx]\n[folder: teas]",
            "{content}"
        );
        assert_eq!(parsed("post", &content).resources().len(), 2, "{content}");
        assert_eq!(
            parsed("post", &content).unread(&content),
            [""; 0],
            "{content}"
        );
    }
    // The text of the message leaves pictures and files out.
    let mut message = EventMessage::default();
    message.message_type = some("post");
    message.content = Some(format!(r#"{{"content":[[]],"files":{FILES}}}"#));
    assert_eq!(message.text(), some(""));
}

#[test]
fn files_of_two_places_are_all_there() {
    let one = |key| format!(r#"[{{"file_key":"{key}"}}]"#);
    let content = format!(
        r#"{{"zh_cn":{{"title":"茶","files":{}}},"en_us":{{"title":"Tea","files":{}}},"files":{}}}"#,
        one("a"),
        one("b"),
        one("c"),
    );
    let keys: Vec<_> = parsed("post", &content)
        .resources()
        .iter()
        .map(|file| file.key.to_owned())
        .collect();
    assert_eq!(keys, ["c", "a", "b"]);
    assert_eq!(post(&content).files.unwrap().len(), 2);
}

#[test]
fn a_flat_list_of_elements_is_one_paragraph() {
    let elements = r#"[{"tag":"text","text":"a "},{"tag":"a","text":"b","href":"https://b"}]"#;
    for content in [
        format!(r#"{{"title":"","content":{elements}}}"#),
        format!(r#"{{"zh_cn":{{"content":{elements}}}}}"#),
        format!(r#"{{"post":{{"zh_cn":{{"content":{elements}}}}}}}"#),
        format!(r#"{{"content_v2":{elements}}}"#),
    ] {
        assert_eq!(readable(&content), "a [b](https://b)", "{content}");
        assert_eq!(
            parsed("post", &content).unread(&content),
            [""; 0],
            "{content}"
        );
    }
    let mixed =
        r#"{"content":[[{"tag":"hr"}],{"tag":"text","text":"a"},7,[],{"tag":"text","text":"b"}]}"#;
    let paragraphs = post(mixed).content.unwrap();
    let lengths: Vec<_> = paragraphs.iter().map(Vec::len).collect();
    assert_eq!(lengths, [1, 2, 0, 1]);
    assert_eq!(paragraphs[1][1], PostElement::Unknown(7.into()));
    assert_eq!(parsed("post", mixed).unread(mixed), [""; 0]);
    // A number outside of the range of a float keeps its text.
    let large = post(r#"{"content":[12345678901234567890123,1e999]}"#)
        .content
        .unwrap();
    let texts = ["12345678901234567890123", "1e999"].map(|text| PostElement::Unknown(text.into()));
    assert_eq!(large, [texts]);
}

#[test]
fn a_post_is_never_empty_because_it_was_not_understood() {
    for raw in [
        r#"{"title":"","content":"hello"}"#,
        r#"{"title":"","content":{"text":"hello"}}"#,
        r#"{"title":"","content":[],"content_v3":[[{"tag":"text","text":"hello"}]]}"#,
        r#"{"title":"","content":[[]],"files":{"file_key":"file_1"}}"#,
        r#"{"zh_cn":{"title":"","content":"hello"}}"#,
        r#"{"post":{"zh_cn":{"title":"","content":"hello"}}}"#,
        r#"{"post":{"a":{"b":{"title":"x"}}}}"#,
        r#"{"post":"hello"}"#,
    ] {
        assert_eq!(Content::parse("post", raw), unknown("post", raw));
        assert_eq!(
            Content::parse("post", raw).readable(&EventMessage::default()),
            raw
        );
    }
    let text = r#"{"text":"","rich_text":"hello"}"#;
    assert_eq!(Content::parse("text", text), unknown("text", text));

    // These say nothing, and all of it was understood.
    for empty in [
        r#"{"title":"","content":[[]]}"#,
        r#"{"title":"","content":[],"files":[]}"#,
        r#"{"zh_cn":{"title":"","content":[[]]}}"#,
        r#"{"post":{"title":"","content":[]}}"#,
    ] {
        assert_eq!(readable(empty), "", "{empty}");
    }
    assert_eq!(
        parsed("text", r#"{"text":""}"#).readable(&EventMessage::default()),
        ""
    );
}

#[test]
fn a_member_that_looks_like_another_shape_changes_no_plain_post() {
    let content = r#"{"title":"Tea","content":[],"post":{"title":"x"},"meta":{"title":"y"}}"#;
    assert_eq!(readable(content), "Tea");
    assert_eq!(parsed("post", content).unread(content), ["/post", "/meta"]);
}
