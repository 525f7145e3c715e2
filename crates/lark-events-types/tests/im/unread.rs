//! Nothing of a content is lost silently: what no field takes is listed, in every type.

use lark_events_types::im::{Content, EventMessage};
use serde_json::{Value, json};

use super::types::DOCUMENTED;
use super::{message, parsed};

#[test]
fn documented_contents_are_read_whole() {
    for (message_type, content) in DOCUMENTED {
        assert_eq!(
            parsed(message_type, content).unread(content),
            [""; 0],
            "{message_type}"
        );
        assert_eq!(
            message(message_type, content).unread_content(),
            [""; 0],
            "{message_type}"
        );
    }
    let bare = "Merged and Forwarded Message";
    assert_eq!(parsed("merge_forward", bare).unread(bare), [""; 0]);
    assert_eq!(EventMessage::default().unread_content(), [""; 0]);
}

#[test]
fn a_content_that_is_not_understood_is_unread_altogether() {
    for (message_type, content) in [
        ("hologram", r#"{"a":1}"#),
        ("text", "no JSON"),
        ("text", "{}"),
        ("image", r#"{"text":"a"}"#),
        ("merge_forward", "Merged"),
        ("post", r#"{"title":"","content":"hello"}"#),
        ("", "[1]"),
    ] {
        assert_eq!(
            message(message_type, content).unread_content(),
            [""],
            "{message_type} {content}"
        );
    }
}

/// The places of all values in `value`, but those inside of elements that are kept as they are.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    let mut inside = |key: String, value: &Value| {
        let at = format!("{at}/{key}");
        places(value, &at, found);
        found.push(at);
    };
    match value {
        Value::Object(members) => members
            .iter()
            .for_each(|(key, value)| inside(key.clone(), value)),
        Value::Array(list) => list
            .iter()
            .enumerate()
            .for_each(|(index, value)| inside(index.to_string(), value)),
        _ => {}
    }
}

/// The contents that the next tests change, each with the members of its type.
fn contents() -> Vec<(&'static str, Value)> {
    let documented = DOCUMENTED.iter().map(|(message_type, content)| {
        let content = serde_json::from_str(content).expect("documented contents are JSON");
        (*message_type, content)
    });
    let mut contents: Vec<_> = documented.collect();
    let post = json!({"title": "Tea", "content": [[
        {"tag": "text", "text": "a", "style": ["bold"], "un_escape": true},
        {"tag": "a", "text": "b", "href": "https://b", "style": []},
        {"tag": "at", "user_id": "@_user_1", "user_name": "Tom", "style": []},
        {"tag": "img", "image_key": "img_1", "width": 1, "height": 2}], [
        {"tag": "media", "file_key": "file_1", "image_key": "img_1"},
        {"tag": "emotion", "emoji_type": "SMILE"}, {"tag": "hr"},
        {"tag": "code_block", "language": "GO", "text": "x"}, {"tag": "md", "text": "**x**"}]],
        "content_v2": [{"tag": "md", "text": "flat"}],
        "files": [{"file_key": "file_1", "file_name": "a", "is_folder": true}]});
    contents.push(("post", post.clone()));
    contents.push((
        "post",
        json!({"zh_cn": post, "en_us": {"title": "Tea"}, "files": post["files"]}),
    ));
    contents.push((
        "post",
        json!({"post": {"zh_cn": post}, "files": post["files"]}),
    ));
    contents.push(("post", json!({"post": post})));
    contents.push((
        "todo",
        json!({"task_id": "1", "summary": post, "due_time": "1"}),
    ));
    contents.push((
        "video_chat",
        json!({"topic": "a", "start_time": "1", "end_time": "2", "meet_number": "3"}),
    ));
    contents.push((
        "system",
        json!({"template": "a", "divider_text": {"text": "b", "i18n_text": {"zh_cn": "c"}}}),
    ));
    contents
}

#[test]
fn a_member_that_no_type_knows_is_listed_wherever_it_is() {
    for (message_type, content) in contents() {
        let text = content.to_string();
        assert_eq!(
            parsed(message_type, &text).unread(&text),
            [""; 0],
            "{message_type} {text}"
        );
        let mut at = vec![String::new()];
        places(&content, "", &mut at);
        for at in at {
            let mut changed = content.clone();
            let Some(Value::Object(members)) = changed.pointer_mut(&at) else {
                continue;
            };
            // Maps and cards take any name.
            if at.ends_with("i18n_text") || message_type == "interactive" {
                continue;
            }
            members.insert("no_such_member".to_owned(), json!([1]));
            let text = changed.to_string();
            let unread = Content::parse(message_type, &text).unread(&text);
            assert_eq!(
                unread,
                [format!("{at}/no_such_member")],
                "{message_type} {text}"
            );
        }
    }
}

#[test]
fn an_odd_value_is_read_or_listed_and_never_lost() {
    let odd = [
        json!(null),
        json!({"no_such": 1}),
        json!([["x"]]),
        json!("odd"),
        json!(7),
        json!(true),
        json!(""),
    ];
    let mut changes = 0;
    for (message_type, content) in contents() {
        let mut at = Vec::new();
        places(&content, "", &mut at);
        for at in at {
            for odd in &odd {
                let mut changed = content.clone();
                *changed.pointer_mut(&at).unwrap() = odd.clone();
                let text = changed.to_string();
                let parsed = Content::parse(message_type, &text);
                let unread = parsed.unread(&text);
                if let Content::Unknown { raw, .. } = &parsed {
                    assert_eq!((raw, &*unread), (&text, &[String::new()][..]));
                    continue;
                }
                // What is not listed is in the debug output, which shows every field.
                let is_listed = unread
                    .iter()
                    .any(|path| at.starts_with(&**path) || path.starts_with(&at));
                let shown = format!("{parsed:?}");
                let is_read = match odd {
                    Value::String(text) if !text.is_empty() => shown.contains(text.as_str()),
                    Value::Number(number) => shown.contains(&number.to_string()),
                    Value::Object(_) => shown.contains("no_such"),
                    Value::Array(_) => shown.contains("\"x\""),
                    _ => true,
                };
                assert!(is_listed || is_read, "{message_type} {at}: {text}");
                changes += 1;
            }
        }
    }
    assert!(changes > 500, "{changes}");
}

#[test]
fn what_no_decoder_takes_is_listed() {
    for (message_type, content, unread) in [
        ("text", r#"{"text":"a","more":"\ud83d"}"#, "/more"),
        ("image", r#"{"image_key":"a","x":1,"x":2}"#, "/x"),
        (
            "post",
            r#"{"title":"Tea","content":[[{"tag":"text","text":"\ud83d"}]]}"#,
            "/content/0/0/text",
        ),
        (
            "interactive",
            r#"{"title":"Tea","elements":["\ud83d"]}"#,
            "/elements/0",
        ),
        ("todo", r#"{"task_id":"1","summary":7}"#, "/summary"),
        (
            "vote",
            r#"{"topic":"Tea?","options":["Yes",{}]}"#,
            "/options/1",
        ),
    ] {
        assert_eq!(
            parsed(message_type, content).unread(content),
            [unread],
            "{content}"
        );
    }
    let deep = format!(
        r#"{{"title":"Tea","elements":{}{}}}"#,
        "[".repeat(200_000),
        "]".repeat(200_000)
    );
    let unread = parsed("interactive", &deep).unread(&deep);
    assert!(
        unread.len() == 1 && unread[0].starts_with("/elements/0/0"),
        "{unread:?}"
    );
}
