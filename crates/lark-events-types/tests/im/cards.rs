//! Cards, as events have them: what older clients show, and what was sent.

use lark_events_types::im::{Content, EventMessage, InteractiveContent, ResourceKind, Segment};
use serde_json::{Value, json};

use super::{mention, parsed};

/// What an event has of a card that older clients cannot show.
fn event_of(card: &Value) -> String {
    let upgrade = json!([[
        {"tag": "img", "image_key": "img_upgrade"},
        {"tag": "text", "text": "upgrade"},
    ]]);
    json!({"title": null, "elements": upgrade, "user_dsl": card.to_string()}).to_string()
}

fn card(content: &str) -> InteractiveContent {
    match parsed("interactive", content) {
        Content::Interactive(card) => card,
        other => panic!("an interactive message has a card, not {other:?}"),
    }
}

fn readable(content: &str) -> String {
    let mut message = EventMessage::default();
    message.mentions = Some(vec![mention("@_user_1", "ou_1", "Tom")]);
    parsed("interactive", content).readable(&message)
}

/// The text of a card of version 2 with this element alone.
fn element(element: &Value) -> String {
    readable(&event_of(
        &json!({"schema": "2.0", "body": {"elements": [element]}}),
    ))
}

fn plain(text: &str) -> Value {
    json!({"tag": "plain_text", "content": text})
}

#[test]
fn title_and_text_are_found_in_every_form() {
    let header = json!({"title": plain("Tea"), "subtitle": plain("green")});
    let markdown = json!({"tag": "markdown", "content": "**Ready**"});
    let v2 = json!({"schema": "2.0", "header": header, "body": {"elements": [markdown]}});
    let v1 = json!({"header": header, "elements": [{"tag": "div", "text": {"tag": "lark_md", "content": "**Ready**"}}]});
    let localised = json!({"i18n_header": {"en_us": {"title": plain("x")}, "zh_cn": header},
        "i18n_elements": {"zh_cn": [markdown], "en_us": []}});
    for content in [
        event_of(&v2),
        event_of(&v1),
        event_of(&localised),
        v2.to_string(),
        v1.to_string(),
        json!({"card": v2}).to_string(),
    ] {
        assert_eq!(card(&content).title(), Some("Tea"), "{content}");
        assert_eq!(card(&content).elements().len(), 1, "{content}");
        assert_eq!(readable(&content), "Tea\ngreen\n**Ready**", "{content}");
        assert_eq!(parsed("interactive", &content).unread(&content), [""; 0]);
    }
    let sent = card(&event_of(&v2));
    assert_eq!(sent.sent().map(|sent| &sent["schema"]), Some(&json!("2.0")));
    assert_eq!(card(&v2.to_string()).sent(), None);
}

#[test]
fn what_older_clients_show_is_shown_where_nothing_else_is() {
    for odd in [
        Value::Null,
        json!(7),
        json!(""),
        json!("no JSON"),
        json!("[1]"),
        json!(r#"{"type":"template","data":{"template_id":"ctp_1"}}"#),
        json!(r#"{"schema":"2.0","body":{"elements":{}}}"#),
    ] {
        let content = json!({"title": "Tea", "elements": [[{"tag": "text", "text": "Ready"}]], "user_dsl": odd});
        assert_eq!(readable(&content.to_string()), "Tea\nReady", "{content}");
    }
    for nothing in [
        r#"{"title":null,"elements":[]}"#,
        r#"{"type":"template","data":{}}"#,
    ] {
        assert_eq!(readable(nothing), "[card]", "{nothing}");
    }
}

#[test]
fn rows_of_older_clients_are_lines() {
    let content = json!({"title": "Tea", "elements": [
        [{"tag": "at", "user_id": "@_user_1", "user_name": ""}, {"tag": "text", "text": ": "},
            {"tag": "a", "href": "https://example.com", "text": "menu"}],
        [{"tag": "img", "image_key": "img_1"}],
        [{"tag": "hr"}],
        [{"tag": "note", "elements": [{"tag": "text", "text": "one"}, {"tag": "text", "text": "two"}]}],
        [{"tag": "button", "text": "Yes", "type": "primary"}, {"tag": "button", "text": "No"}],
        [{"tag": "emotion", "emoji_type": "SMILE"}, null, 7],
    ]});
    let expected =
        "Tea\n@Tom: [menu](https://example.com)\n[image]\n---\none two\n[Yes][No]\n[SMILE]";
    assert_eq!(readable(&content.to_string()), expected);
}

#[test]
fn each_element_shows_what_people_see() {
    for (json, shown) in [
        (plain("hello"), "hello"),
        (
            json!({"tag": "div", "text": plain("a"), "fields": [{"text": plain("b")}, {"text": plain("c")}]}),
            "a\nb\nc",
        ),
        (
            json!({"tag": "column_set", "columns": [
            {"tag": "column", "elements": [plain("a"), plain("b")]}, {"tag": "column", "elements": [plain("c")]}]}),
            "a\nb\nc",
        ),
        (
            json!({"tag": "img", "img_key": "img_1", "alt": plain("a cup")}),
            "[image: a cup]",
        ),
        (
            json!({"tag": "button", "text": plain("Open"), "behaviors": [
            {"type": "callback", "value": "secret"}, {"type": "open_url", "default_url": "https://a"}]}),
            "[Open](https://a)",
        ),
        (
            json!({"tag": "button", "text": plain("Open"), "multi_url": {"url": "https://a"}}),
            "[Open](https://a)",
        ),
        (
            json!({"tag": "button", "text": plain("Go"), "value": {"content": "secret"}, "confirm": {"text": plain("sure?")}}),
            "[Go]",
        ),
        (
            json!({"tag": "action", "actions": [
            {"tag": "button", "text": plain("A")}, {"tag": "button", "text": plain("B")}]}),
            "[A] [B]",
        ),
        (
            json!({"tag": "overflow", "options": [{"text": plain("Edit")}, {"text": plain("Delete")}]}),
            "Edit Delete",
        ),
        (
            json!({"tag": "select_static", "placeholder": plain("which?"), "options": [
            {"text": plain("green"), "value": "1"}, {"text": plain("black"), "value": "2"}]}),
            "which?\ngreen\nblack",
        ),
        (
            json!({"tag": "input", "label": plain("Why"), "placeholder": plain("say")}),
            "Why\nsay",
        ),
        (
            json!({"tag": "checker", "text": plain("Brew"), "checked": true}),
            "Brew",
        ),
        (
            json!({"tag": "form", "name": "f", "elements": [{"tag": "input", "label": plain("Why")}]}),
            "Why",
        ),
        (
            json!({"tag": "collapsible_panel", "header": {"title": plain("More")}, "elements": [plain("inside")]}),
            "More\ninside",
        ),
        (
            json!({"tag": "interactive_container", "elements": [plain("inside")]}),
            "inside",
        ),
        (json!({"tag": "person", "user_id": "ou_1"}), "@Tom"),
        (
            json!({"tag": "person_list", "persons": [{"id": "ou_1"}, {"id": "ou_2"}]}),
            "@Tom @ou_2",
        ),
        (
            json!({"tag": "chart", "chart_spec": {"title": {"text": "Sales"}, "data": {"values": []}}}),
            "Sales",
        ),
        (
            json!({"tag": "table", "columns": [{"name": "a", "display_name": "Tea"}, {"name": "b"}],
            "rows": [{"a": "green", "b": 3.5}, {"a": "black", "b": [{"text": "x"}, {"text": "y"}]}]}),
            "Tea b\ngreen 3.5\nblack x y",
        ),
        (json!({"tag": "audio", "file_key": "file_1"}), "[audio]"),
        (json!({"tag": "video", "file_key": "file_1"}), "[video]"),
        (json!({"tag": "standard_icon", "token": "alarm"}), "[card]"),
        (
            json!({"tag": "div", "property": {"text": {"property": {"content": "raw"}}}}),
            "raw",
        ),
        (json!({"tag": "new_one", "text": plain("still")}), "still"),
        (json!("loose"), "loose"),
    ] {
        assert_eq!(element(&json), shown, "{json}");
    }
}

#[test]
fn mentions_in_the_markdown_of_a_card_are_names() {
    for (markdown, shown) in [
        ("hi <at id=ou_x mention_key=@_user_1></at>!", "hi @Tom!"),
        ("<at id=ou_1></at>", "@Tom"),
        (r#"<at id="ou_9">Eve</at>"#, "@Eve"),
        ("<at id=ou_9></at>", "@ou_9"),
        ("<at id=all></at> and @_all", "@all and @all"),
        (
            "<at ids=ou_x,ou_2,ou_3 mentions_key=@_user_1,,@_user_7></at>.",
            "@Tom@ou_2@ou_3.",
        ),
        ("<at mention_key=@_user_1></at>", "@Tom"),
        ("a < b <at> <at id=> @_user_1", "a < b <at> <at id=> @Tom"),
    ] {
        assert_eq!(
            element(&json!({"tag": "markdown", "content": markdown})),
            shown,
            "{markdown}"
        );
    }
    let mut message = EventMessage::default();
    message.message_type = Some("interactive".to_owned());
    message.content = Some(event_of(&json!({"body": {"elements": [
        {"tag": "markdown", "content": "<at id=all></at>"}]}})));
    assert!(message.mentions_everybody());
    let content = message.parsed_content();
    assert_eq!(content.segments(&message).next(), Some(Segment::Everybody));
    assert_eq!(message.text(), None);
}

#[test]
fn pictures_and_files_of_a_card_are_those_that_it_shows() {
    let content = event_of(&json!({"schema": "2.0", "body": {"elements": [
        {"tag": "img", "img_key": "img_1"},
        {"tag": "column_set", "columns": [{"elements": [{"tag": "img_combination", "img_list": [
            {"img_key": "img_2"}, {"img_key": "img_1"}]}]}]},
        {"tag": "markdown", "content": "![a](img_3) ![b](https://example.com/b.png) ![c ![d](img_4)"},
        {"tag": "audio", "file_key": "file_1"}, {"tag": "video", "file_key": "file_2"},
    ]}}));
    let content = parsed("interactive", &content);
    let found: Vec<_> = content
        .resources()
        .iter()
        .map(|found| (found.kind, found.key))
        .collect();
    use ResourceKind::{Audio, Image, Video};
    assert_eq!(
        found,
        [
            (Image, "img_1"),
            (Image, "img_2"),
            (Image, "img_3"),
            (Image, "img_4"),
            (Audio, "file_1"),
            (Video, "file_2"),
        ]
    );
    let old = parsed(
        "interactive",
        r#"{"title":"","elements":[[{"tag":"img","image_key":"img_9"}]]}"#,
    );
    assert_eq!(old.resources()[0].key, "img_9");
}

#[test]
fn large_and_deep_cards_are_read_in_bounded_depth() {
    const MIB: usize = 1 << 20;
    let nested = |depth: usize, inside: &str| {
        let open = r#"{"tag":"column","elements":["#.repeat(depth);
        format!("{open}{inside}{}", "]}".repeat(depth))
    };
    let text = r#"{"tag":"plain_text","content":"deep"}"#;
    for (depth, shown) in [(1, "deep"), (30, "deep"), (MIB / 64, "[card]")] {
        let card = format!(r#"{{"body":{{"elements":[{}]}}}}"#, nested(depth, text));
        assert_eq!(readable(&card), shown, "{depth}");
        let sent = json!({ "user_dsl": card }).to_string();
        assert_eq!(readable(&sent), shown, "{depth}");
        assert!(parsed("interactive", &sent).resources().is_empty());
    }
    // Tags and pictures that never end are looked for once.
    for piece in [
        "<at ",
        "<at id=",
        "<at ids=a,",
        "![",
        "![a](",
        "<",
        "<at id=a>",
    ] {
        let markdown = piece.repeat(MIB / piece.len());
        let content = json!({"elements": [{"tag": "markdown", "content": markdown}]}).to_string();
        let content = parsed("interactive", &content);
        let text = content.readable(&EventMessage::default());
        let expected = if piece == "<at id=a>" {
            "@a".repeat(MIB / piece.len())
        } else {
            markdown
        };
        assert!(text == expected, "{piece}");
        assert!(content.resources().is_empty(), "{piece}");
    }
    let ids = "a,".repeat(MIB / 2);
    let tag = element(&json!({"tag": "markdown", "content": format!("<at ids={ids}></at>")}));
    assert!(tag == "@a".repeat(MIB / 2));
}
