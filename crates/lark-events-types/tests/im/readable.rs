//! Every type of message as people read it, and the pictures and files in it.

use lark_events_types::im::{Content, EventMessage, MentionEvent, ResourceKind};

use super::{mention, message, parsed, text_message};

/// Kind, key and name.
type Found = (ResourceKind, &'static str, Option<&'static str>);

/// A content of every type as it comes, how it reads, and what is in it.
const READ: [(&str, &str, &str, &[Found]); 39] = {
    use ResourceKind::{Audio, File, Folder, Image, Sticker, Video};
    [
        (
            "text",
            r#"{"text":"@_user_1 look: [menu](https://a) @_all"}"#,
            "@Tom look: [menu](https://a) @all",
            &[],
        ),
        (
            "post",
            r#"{"title":"Tea","content":[[{"tag":"at","user_id":"@_user_1","user_name":"Tom"},{"tag":"text","text":" see "},
                {"tag":"a","text":"menu","href":"https://a"}],[{"tag":"img","image_key":"img_1","width":300,"height":200}],
                [{"tag":"media","file_key":"file_1","image_key":"img_2"}],[{"tag":"code_block","language":"GO","text":"a := 1"}]],
                "content_v2":[[{"tag":"md","text":"![image](img_1) ![image](img_3)"}]],
                "files":[{"file_key":"file_2","file_name":"plan.xlsx","is_folder":false},{"file_key":"file_3","file_name":"teas","is_folder":true},
                {"file_key":"file_4"}]}"#,
            "Tea\n@Tom see [menu](https://a)\n[image]\n[video]\na := 1\n[file: plan.xlsx]\n[folder: teas]\n[file]",
            &[
                (Image, "img_1", None),
                (Video, "file_1", None),
                (Image, "img_2", None),
                (Image, "img_3", None),
                (File, "file_2", Some("plan.xlsx")),
                (Folder, "file_3", Some("teas")),
                (File, "file_4", None),
            ],
        ),
        (
            "post",
            r#"{"content":[[{"tag":"new","text":"x","inside":[{"image_key":"img_1"}]}]]}"#,
            "x",
            &[(Image, "img_1", None)],
        ),
        (
            "post",
            r#"{"content":[[{"tag":"at","user_id":"all_members","user_name":""}]]}"#,
            "@all",
            &[],
        ),
        (
            "image",
            r#"{"image_key":"img_v3_1"}"#,
            "[image]",
            &[(Image, "img_v3_1", None)],
        ),
        ("image", r#"{"image_key":""}"#, "[image]", &[]),
        (
            "file",
            r#"{"file_key":"file_1","file_name":"tea.txt"}"#,
            "[file: tea.txt]",
            &[(File, "file_1", Some("tea.txt"))],
        ),
        (
            "file",
            r#"{"file_key":"file_1","file_name":""}"#,
            "[file]",
            &[(File, "file_1", Some(""))],
        ),
        (
            "folder",
            r#"{"file_key":"file_1","file_name":"teas"}"#,
            "[folder: teas]",
            &[(Folder, "file_1", Some("teas"))],
        ),
        (
            "audio",
            r#"{"file_key":"file_1","duration":2000}"#,
            "[audio: 2 s]",
            &[(Audio, "file_1", None)],
        ),
        (
            "audio",
            r#"{"file_key":"file_1"}"#,
            "[audio]",
            &[(Audio, "file_1", None)],
        ),
        (
            "media",
            r#"{"file_key":"file_1","image_key":"img_1","file_name":"tea.mp4","duration":1500}"#,
            "[video: tea.mp4, 1.5 s]",
            &[(Video, "file_1", Some("tea.mp4")), (Image, "img_1", None)],
        ),
        (
            "video",
            r#"{"file_key":"file_1","duration":30000}"#,
            "[video: 30 s]",
            &[(Video, "file_1", None)],
        ),
        (
            "sticker",
            r#"{"file_key":"file_1"}"#,
            "[sticker]",
            &[(Sticker, "file_1", None)],
        ),
        (
            "interactive",
            r#"{"title":"Tea","elements":[[{"tag":"text","text":"Ready"},{"tag":"img","image_key":"img_1"}]]}"#,
            "Tea\nReady[image]",
            &[(Image, "img_1", None)],
        ),
        ("share_chat", r#"{"chat_id":"oc_1"}"#, "[chat: oc_1]", &[]),
        ("share_user", r#"{"user_id":"ou_1"}"#, "[user: ou_1]", &[]),
        (
            "merge_forward",
            "Merged and Forwarded Message",
            "[forwarded messages]",
            &[],
        ),
        (
            "merge_forward",
            r#"{"content":"Merged and Forwarded Message"}"#,
            "[forwarded messages]",
            &[],
        ),
        (
            "location",
            r#"{"name":"Tea house","longitude":"116.4","latitude":"39.9"}"#,
            "[location: Tea house, 39.9, 116.4]",
            &[],
        ),
        (
            "location",
            r#"{"name":"Tea house"}"#,
            "[location: Tea house]",
            &[],
        ),
        (
            "share_calendar_event",
            r#"{"summary":"Tea","start_time":"1608265395000","end_time":"1608267015000"}"#,
            "[calendar event: Tea, 2020-12-18 04:23 to 2020-12-18 04:50 UTC]",
            &[],
        ),
        (
            "calendar",
            r#"{"summary":"Tea","start_time":"1608265395000"}"#,
            "[calendar event: Tea, from 2020-12-18 04:23 UTC]",
            &[],
        ),
        (
            "general_calendar",
            r#"{"summary":"Tea","end_time":1608267015000}"#,
            "[calendar event: Tea, until 2020-12-18 04:50 UTC]",
            &[],
        ),
        (
            "calendar",
            r#"{"summary":"Tea","start_time":"soon"}"#,
            "[calendar event: Tea]",
            &[],
        ),
        (
            "video_chat",
            r#"{"topic":"Tea","meet_number":"976464587","start_time":"1623124523829","end_time":"1623126323000"}"#,
            "[video call: Tea, 976464587, 2021-06-08 03:55 to 2021-06-08 04:25 UTC]",
            &[],
        ),
        ("video_chat", r#"{"topic":"Tea"}"#, "[video call: Tea]", &[]),
        (
            "vote",
            r#"{"topic":"Tea?","options":["Yes","No"]}"#,
            "[vote: Tea?]\n- Yes\n- No",
            &[],
        ),
        (
            "todo",
            r#"{"task_id":"1","summary":{"title":"","content":[[{"tag":"text","text":"brew for @_user_1"}],[{"tag":"img","image_key":"img_1"}]]},"due_time":"1623124318000"}"#,
            "[task: brew for @Tom\n[image], due 2021-06-08 03:51 UTC]",
            &[(Image, "img_1", None)],
        ),
        ("todo", r#"{"task_id":"1"}"#, "[task]", &[]),
        ("hongbao", r#"{"text":"[红包]"}"#, "[红包]", &[]),
        ("hongbao", r#"{"text":""}"#, "[red packet]", &[]),
        (
            "system",
            r#"{"template":"{from_user} invited {to_chatters} to {group}.","from_user":["Bot"],"to_chatters":["Tom","Ada"]}"#,
            "Bot invited Tom, Ada to {group}.",
            &[],
        ),
        (
            "system",
            r#"{"template":"{divider_text}","divider_text":{"text":"New","i18n_text":{"zh_cn":"新话题"}}}"#,
            "New",
            &[],
        ),
        (
            "system",
            r#"{"template":"{from_user} { } {from_user","from_user":[]}"#,
            " { } {from_user",
            &[],
        ),
        ("system", r#"{"from_user":["Bot"]}"#, "[notice]", &[]),
        ("hologram", r#"{"key":1}"#, r#"{"key":1}"#, &[]),
        ("text", "no JSON", "no JSON", &[]),
        ("text", "", "", &[]),
    ]
};

#[test]
fn every_type_reads_as_people_read_it_and_has_its_resources() {
    for (message_type, content, readable, resources) in READ {
        let mut message = message(message_type, content);
        message.mentions = Some(vec![mention("@_user_1", "ou_1", "Tom")]);
        assert_eq!(message.readable(), readable, "{message_type}: {content}");
        let parsed = message.parsed_content();
        let found = parsed.resources();
        let found: Vec<_> = found
            .iter()
            .map(|found| (found.kind, found.key, found.name))
            .collect();
        assert_eq!(found, resources, "{message_type}: {content}");
    }
}

#[test]
fn every_documented_type_reads_as_something() {
    for (message_type, content) in super::types::DOCUMENTED {
        let readable = parsed(message_type, content).readable(&EventMessage::default());
        assert!(!readable.is_empty(), "{message_type}");
        let is_listed = READ.iter().any(|(listed, ..)| *listed == message_type);
        assert!(is_listed, "{message_type} has no row above");
    }
}

#[test]
fn only_what_the_api_downloads_has_a_type_for_it() {
    use ResourceKind::{Audio, File, Folder, Image, Sticker, Video};
    let types = [Image, File, Audio, Video, Folder, Sticker].map(ResourceKind::download_type);
    let file = Some("file");
    assert_eq!(types, [Some("image"), file, file, file, None, None]);
}

#[test]
fn names_take_bounded_memory_however_often_they_are_mentioned() {
    const COUNT: usize = 100_000;
    let name = "N".repeat(1000);
    let long = |key: &str, name: &str| vec![mention(key, "ou_1", name)];
    let most = (1 << 20) / name.len();
    let expected = format!("@{name}").repeat(most) + &"@".repeat(COUNT - most);
    let by_key = text_message(&"@a".repeat(COUNT), long("@a", &name));
    let by_tag = text_message(
        &r#"<at user_id="ou_1">x</at>"#.repeat(COUNT),
        long("@a", &name),
    );
    let by_tag_alone = text_message(
        &r#"<at user_id="ou_1">x</at>"#.repeat(COUNT),
        long(&name, ""),
    );
    for message in [by_key, by_tag, by_tag_alone] {
        assert!(message.text().unwrap() == expected);
        assert!(message.readable() == expected);
        let other = message.text_without_mention_of("ou_2").unwrap();
        assert!(other == expected);
    }
    // The first long one leaves no less for the others.
    let mut mentions = long("@a", &"N".repeat(1 << 21));
    mentions.push(mention("@b", "ou_2", "Tom"));
    assert_eq!(text_message("@a @b", mentions).text().unwrap(), "@ @Tom");
    let none = MentionEvent::default();
    assert_eq!(text_message("@", vec![none]).text().unwrap(), "@");
}

#[test]
fn a_notice_that_names_one_thing_again_and_again_does_not_grow() {
    const COUNT: usize = 100_000;
    let names = vec![r#""Tom""#; COUNT].join(",");
    let template = "{from_user}".repeat(COUNT);
    let content = format!(r#"{{"template":"{template}","from_user":[{names}]}}"#);
    let Content::System(_) = parsed("system", &content) else {
        panic!("a notice");
    };
    let text = parsed("system", &content).readable(&EventMessage::default());
    assert!(text.len() < content.len() + 2 * COUNT, "{}", text.len());
}
