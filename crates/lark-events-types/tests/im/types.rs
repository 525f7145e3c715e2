//! The documented form of every message type, and odd contents.

use lark_events::EventType;
use lark_events_types::im::{Content, EventMessage, MessageReceiveV1, PostElement};
use serde_json::Value;

use super::{message, some, unknown};

/// One content of every type, as documented.
pub(crate) const DOCUMENTED: [(&str, &str); 21] = [
    ("text", r#"{"text":"@_user_1 hello"}"#),
    (
        "post",
        r#"{"title":"Tea","content":[[{"tag":"text","text":"x"}]]}"#,
    ),
    ("image", r#"{"image_key":"img_1"}"#),
    ("file", r#"{"file_key":"file_1","file_name":"tea.txt"}"#),
    ("folder", r#"{"file_key":"file_1","file_name":"teas"}"#),
    ("audio", r#"{"file_key":"file_1","duration":2000}"#),
    (
        "media",
        r#"{"file_key":"file_1","image_key":"img_1","file_name":"tea.mp4","duration":2000}"#,
    ),
    ("sticker", r#"{"file_key":"file_1"}"#),
    (
        "interactive",
        r#"{"title":"Tea","elements":[[{"tag":"hr"}]]}"#,
    ),
    ("hongbao", r#"{"text":"[红包]"}"#),
    (
        "share_calendar_event",
        r#"{"summary":"Tea","start_time":"1608265395000","end_time":"1608267015000"}"#,
    ),
    (
        "calendar",
        r#"{"summary":"Tea","start_time":"1608265395000","end_time":"1608267015000"}"#,
    ),
    (
        "general_calendar",
        r#"{"summary":"Tea","start_time":"1608265395000","end_time":"1608267015000"}"#,
    ),
    ("share_chat", r#"{"chat_id":"oc_1"}"#),
    ("share_user", r#"{"user_id":"ou_1"}"#),
    (
        "system",
        r#"{"template":"{from_user} invited {to_chatters}","from_user":["Bot"],"to_chatters":["Tom","Ada"]}"#,
    ),
    (
        "location",
        r#"{"name":"Tea house","longitude":"12.5","latitude":"-3.25"}"#,
    ),
    (
        "video_chat",
        r#"{"topic":"Tea","start_time":"1623124523829"}"#,
    ),
    (
        "todo",
        r#"{"task_id":"1","summary":{"title":"","content":[[{"tag":"text","text":"brew"}]]},"due_time":"1623124318000"}"#,
    ),
    ("vote", r#"{"topic":"Tea?","options":["Yes","No"]}"#),
    (
        "merge_forward",
        r#"{"content":"Merged and Forwarded Message"}"#,
    ),
];

#[test]
fn every_documented_type_has_a_content_of_its_own() {
    for (message_type, content) in DOCUMENTED {
        let parsed = message(message_type, content).parsed_content();
        let variant = format!("{parsed:?}").to_lowercase();
        let expected = message_type.replace('_', "");
        assert!(variant.starts_with(&expected), "{message_type}: {variant}");
    }
}

#[test]
fn files_have_their_keys_names_and_durations() {
    let Content::Media(media) = Content::parse("media", DOCUMENTED[6].1) else {
        panic!("a video");
    };
    assert_eq!(media.file_key, some("file_1"));
    assert_eq!(media.image_key, some("img_1"));
    assert_eq!(media.file_name, some("tea.mp4"));
    assert_eq!(media.duration, Some(2000));

    let Content::Folder(folder) = Content::parse("folder", DOCUMENTED[4].1) else {
        panic!("a folder");
    };
    assert_eq!(folder.file_name, some("teas"));

    let Content::Audio(audio) = Content::parse("audio", r#"{"file_key":7,"duration":{}}"#) else {
        panic!("a voice message");
    };
    assert_eq!((audio.file_key, audio.duration), (some("7"), None));
}

#[test]
fn notices_places_calls_tasks_and_votes_have_their_fields() {
    let Content::System(system) = Content::parse(
        "system",
        r#"{"template":"{divider_text}","from_user":[],"to_chatters":["Tom",null],
            "divider_text":{"text":"New","i18n_text":{"zh_cn":"新话题"}}}"#,
    ) else {
        panic!("a notice");
    };
    assert_eq!(system.from_user, Some(Vec::new()));
    assert_eq!(system.to_chatters, Some(vec!["Tom".to_owned()]));
    let divider = system.divider_text.unwrap();
    assert_eq!(divider.text, some("New"));
    assert_eq!(divider.i18n_text.unwrap()["zh_cn"], "新话题");

    let Content::Location(place) = Content::parse("location", r#"{"longitude":12.5}"#) else {
        panic!("a place");
    };
    assert_eq!((place.longitude, place.latitude), (some("12.5"), None));

    let Content::VideoChat(call) = Content::parse("video_chat", DOCUMENTED[17].1) else {
        panic!("a call");
    };
    assert_eq!(call.start_time, some("1623124523829"));

    let Content::Todo(todo) = Content::parse("todo", DOCUMENTED[18].1) else {
        panic!("a task");
    };
    let summary = todo.summary.unwrap();
    let text: String = summary.segments(&EventMessage::default()).collect();
    assert_eq!(
        (text.as_str(), todo.due_time),
        ("brew", some("1623124318000"))
    );

    let Content::Vote(vote) = Content::parse("vote", DOCUMENTED[19].1) else {
        panic!("a vote");
    };
    assert_eq!(vote.options.unwrap(), ["Yes", "No"]);
}

#[test]
fn a_card_is_kept_whole() {
    let json = r#"{"title":"Tea","elements":[[{"tag":"note","elements":[]}]],"more":{"a":[null]}}"#;
    let Content::Interactive(card) = Content::parse("interactive", json) else {
        panic!("a card");
    };
    assert_eq!(
        Value::Object(card.card.clone()),
        serde_json::from_str::<Value>(json).unwrap()
    );
    assert_eq!(card.title(), Some("Tea"));
    assert_eq!(card.elements()[0][0]["tag"], "note");

    let Content::Interactive(card) = Content::parse("interactive", r#"{"title":1,"elements":{}}"#)
    else {
        panic!("a card");
    };
    assert_eq!((card.title(), card.elements().len()), (None, 0));
}

#[test]
fn a_merged_message_is_known_bare_too() {
    let bare = Content::parse("merge_forward", "Merged and Forwarded Message");
    assert_eq!(bare, Content::parse("merge_forward", DOCUMENTED[20].1));
    let other = Content::parse("merge_forward", "Merged");
    assert_eq!(other, unknown("merge_forward", "Merged"));
}

#[test]
fn what_is_not_understood_is_kept_as_it_was_sent() {
    let odd = [
        "",
        "null",
        "7",
        "true",
        "[]",
        "{}",
        r#"[{"text":"hello"}]"#,
        r#""{\"text\":\"hello\"}""#,
        r#"{"text":"hello"#,
        r#"{"other":1}"#,
        "hello",
        "\u{feff}{}",
    ];
    for (message_type, documented) in DOCUMENTED {
        for raw in odd {
            let parsed = Content::parse(message_type, raw);
            let is_card = message_type == "interactive" && raw == r#"{"other":1}"#;
            if !is_card {
                assert_eq!(parsed, unknown(message_type, raw));
            }
        }
        // Cut anywhere, it is kept as it is.
        for end in (0..documented.len()).filter(|end| documented.is_char_boundary(*end)) {
            let cut = &documented[..end];
            assert_eq!(
                Content::parse(message_type, cut),
                unknown(message_type, cut)
            );
        }
    }
    assert_eq!(
        Content::parse("Text", r#"{"text":"a"}"#),
        unknown("Text", r#"{"text":"a"}"#)
    );
}

#[test]
fn a_message_without_type_or_content_is_unknown() {
    assert_eq!(EventMessage::default().parsed_content(), unknown("", ""));
    assert_eq!(EventMessage::default().text(), None);
    assert_eq!(message("image", r#"{"image_key":"img_1"}"#).text(), None);

    let mut no_type = message("text", r#"{"text":"hello"}"#);
    no_type.message_type = None;
    assert_eq!(no_type.parsed_content(), unknown("", r#"{"text":"hello"}"#));

    let mut no_content = message("text", "");
    no_content.content = None;
    assert_eq!(no_content.parsed_content(), unknown("text", ""));
}

#[test]
fn the_documented_event_says_hello() {
    let sample = MessageReceiveV1::SAMPLE.unwrap();
    let mut sample: Value = serde_json::from_str(sample).unwrap();
    let body: MessageReceiveV1 = serde_json::from_value(sample["event"].take()).unwrap();
    let message = body.message.unwrap();
    assert_eq!(message.text(), some("@Tom hello"));
    assert_eq!(message.text_without_mentions(), some("hello"));
}

#[test]
fn large_and_deep_contents_are_read_in_bounded_depth() {
    const MIB: usize = 1 << 20;
    let long = "明".repeat(MIB / 3);
    let sent = serde_json::json!({ "text": long }).to_string();
    assert_eq!(message("text", &sent).text(), Some(long));

    let deep = format!("{}{}", "[".repeat(MIB / 2), "]".repeat(MIB / 2));
    assert_eq!(Content::parse("post", &deep), unknown("post", &deep));
    let open = r#"{"content":["#.repeat(MIB / 12);
    assert_eq!(Content::parse("post", &open), unknown("post", &open));

    let inside = format!(r#"{{"title":"Tea","content":{deep}}}"#);
    let Content::Post(post) = Content::parse("post", &inside) else {
        panic!("a post");
    };
    assert_eq!(post.title, some("Tea"));

    let element = format!(r#"{{"content":[[{{"tag":"chart","data":{deep}}},{{"tag":"hr"}}]]}}"#);
    let Content::Post(post) = Content::parse("post", &element) else {
        panic!("a post");
    };
    assert_eq!(post.content.unwrap()[0][1], PostElement::Divider);

    let card = format!(r#"{{"title":"Tea","elements":{deep}}}"#);
    let Content::Interactive(card) = Content::parse("interactive", &card) else {
        panic!("a card");
    };
    assert_eq!(card.title(), Some("Tea"));
}
