//! Posts: their elements, their plain text, and the forms with several languages.

use lark_events_types::im::{Content, EventMessage, PostContent, PostElement};
use serde_json::json;

use super::{mention, message, some, unknown};

fn post(content: &str) -> PostContent {
    match Content::parse("post", content) {
        Content::Post(post) => post,
        other => panic!("a post message has post content, not {other:?}"),
    }
}

fn text_of(content: &str) -> String {
    post(content).segments(&EventMessage::default()).collect()
}

/// One element of every kind that is documented, and others.
const ALL: &str = r#"{"title":"A title","content":[
    [{"tag":"text","text":"First: ","style":["bold","underline"],"un_escape":true},
     {"tag":"a","href":"https://example.com","text":"a link","style":["italic"]},
     {"tag":"at","user_id":"@_user_1","user_name":"","style":[]}],
    [{"tag":"img","image_key":"img_1"}],
    [{"tag":"media","file_key":"file_1","image_key":"img_2"}],
    [{"tag":"emotion","emoji_type":"SMILE"}],
    [{"tag":"hr"}],
    [{"tag":"code_block","language":"GO","text":"a := 1\n  @_user_1"}],
    [{"tag":"md","text":"**bold** @_user_1"}],
    [{"tag":"button","text":"Press","type":"primary"},{"text":"no tag"},{"tag":7},7,"words",null]
]}"#;

#[test]
fn every_element_has_its_fields() {
    let post = post(ALL);
    assert_eq!(post.title, some("A title"));
    assert_eq!((&post.locale, post.translations.len()), (&None, 0));
    let paragraphs = post.content.unwrap();

    let PostElement::Text(text) = &paragraphs[0][0] else {
        panic!("words");
    };
    assert_eq!((&text.text, text.un_escape), (&some("First: "), Some(true)));
    assert_eq!(text.style.as_deref().unwrap(), ["bold", "underline"]);
    let PostElement::Link(link) = &paragraphs[0][1] else {
        panic!("a link");
    };
    assert_eq!(link.href, some("https://example.com"));
    let PostElement::At(at) = &paragraphs[0][2] else {
        panic!("a mention");
    };
    assert_eq!((&at.user_id, &at.user_name), (&some("@_user_1"), &some("")));
    let PostElement::Image(image) = &paragraphs[1][0] else {
        panic!("a picture");
    };
    assert_eq!(image.image_key, some("img_1"));
    let PostElement::Media(media) = &paragraphs[2][0] else {
        panic!("a video");
    };
    assert_eq!(
        (&media.file_key, &media.image_key),
        (&some("file_1"), &some("img_2"))
    );
    let PostElement::Emotion(emotion) = &paragraphs[3][0] else {
        panic!("an emoji");
    };
    assert_eq!(emotion.emoji_type, some("SMILE"));
    assert_eq!(paragraphs[4], [PostElement::Divider]);
    let PostElement::CodeBlock(code) = &paragraphs[5][0] else {
        panic!("a program text");
    };
    assert_eq!(code.language, some("GO"));
    let PostElement::Markdown(markdown) = &paragraphs[6][0] else {
        panic!("Markdown");
    };
    assert_eq!(markdown.text, some("**bold** @_user_1"));
}

#[test]
fn elements_with_other_tags_are_kept_as_they_were_sent() {
    let paragraphs = post(ALL).content.unwrap();
    let expected = [
        json!({"tag": "button", "text": "Press", "type": "primary"}),
        json!({"text": "no tag"}),
        json!({"tag": 7}),
        json!(7),
        json!("words"),
    ];
    assert_eq!(paragraphs[7], expected.map(PostElement::Unknown));
}

#[test]
fn the_plain_text_has_a_line_for_each_paragraph() {
    let mut message = message("post", ALL);
    message.mentions = Some(vec![mention("@_user_1", "ou_1", "Tom")]);
    let expected = "A title\nFirst: [a link](https://example.com)@Tom\n\n\n[SMILE]\n---\n\
        a := 1\n  @_user_1\n**bold** @Tom\nPressno tag";
    assert_eq!(message.text().unwrap(), expected);
    let plain = message.text_without_mentions().unwrap();
    assert!(plain.contains("(https://example.com)\n"), "{plain}");
}

#[test]
fn a_mention_in_a_post_is_found_by_key_or_id() {
    let content = r#"{"content":[[{"tag":"at","user_id":"ou_1","user_name":"T"},
        {"tag":"at","user_id":"@_all","user_name":"所有人"},{"tag":"at","user_id":"all"},
        {"tag":"at","user_id":"@_user_10","user_name":"Eve"},{"tag":"at","user_id":"ou_9"},
        {"tag":"at","user_name":"Ada"},{"tag":"at"},{"tag":"at","user_id":"@_user_7"},
        {"tag":"text","text":" hello"}]]}"#;
    let mut message = message("post", content);
    message.mentions = Some(vec![mention("@_user_1", "ou_1", "Tom")]);
    assert_eq!(
        message.text().unwrap(),
        "@Tom@all@all@Eve@ou_9@Ada@_user_7 hello"
    );
    assert_eq!(message.text_without_mentions().unwrap(), "hello");
    assert_eq!(
        message.text_without_mention_of("ou_1").unwrap(),
        "@all@all@Eve@ou_9@Ada@_user_7 hello"
    );
}

#[test]
fn links_are_shown_once() {
    for (link, shown) in [
        (r#"{"tag":"a","text":"x","href":"y"}"#, "[x](y)"),
        (r#"{"tag":"a","text":"y","href":"y"}"#, "y"),
        (r#"{"tag":"a","href":"y"}"#, "y"),
        (r#"{"tag":"a","text":"x"}"#, "x"),
        (r#"{"tag":"a"}"#, ""),
    ] {
        assert_eq!(text_of(&format!(r#"{{"content":[[{link}]]}}"#)), shown);
    }
}

#[test]
fn a_title_or_paragraphs_alone_are_a_post() {
    assert_eq!(text_of(r#"{"title":"Tea"}"#), "Tea");
    assert_eq!(text_of(r#"{"title":"","content":[]}"#), "");
    assert_eq!(
        text_of(r#"{"content":[[],[{"tag":"text","text":"x"}]]}"#),
        "x"
    );
    assert_eq!(
        text_of(r#"{"content":[[{"tag":"emotion"},{"tag":"text"}]]}"#),
        ""
    );
    // A paragraph of nothing has no line before the first words, whatever it is made of.
    for nothing in [
        "",
        r#"{"tag":"text"}"#,
        r#"{"tag":"text","text":""}"#,
        r#"{"tag":"a"}"#,
        r#"{"tag":"at"}"#,
        r#"{"tag":"img","image_key":"i"}"#,
        r#"{"tag":"code_block","text":""}"#,
        r#"{"tag":"other","text":""}"#,
    ] {
        let at = r#"[{"tag":"at","user_id":"U1"}]"#;
        let content = |title| format!(r#"{{"title":"{title}","content":[[{nothing}],{at}]}}"#);
        assert_eq!(text_of(&content("")), "@U1", "{nothing}");
        assert_eq!(text_of(&content("Tea")), "Tea\n\n@U1", "{nothing}");
    }
    // Elements outside of paragraphs are one, as far as they follow each other.
    assert_eq!(
        text_of(r#"{"content":[7,{"tag":"hr"},null,[{"tag":"hr"}]]}"#),
        "---\n---"
    );
}

#[test]
fn the_form_with_markdown_stands_in_where_it_is_alone() {
    let both = r#"{"title":"","content":[[{"tag":"text","text":"bold"}]],
        "content_v2":[[{"tag":"md","text":"**bold**"}]]}"#;
    assert_eq!(text_of(both), "bold");
    assert!(matches!(
        post(both).content_v2.unwrap()[0][0],
        PostElement::Markdown(_)
    ));
    let alone = r#"{"content":[],"content_v2":[[{"tag":"md","text":"**bold**"}]]}"#;
    assert_eq!(text_of(alone), "**bold**");
}

#[test]
fn a_post_in_several_languages_is_all_there() {
    let content = r#"{"more":1,"empty":{},"ja_jp":{"title":"お茶"},"en_us":{"title":"Tea","content":[[{"tag":"hr"}]]},
        "de_de":{"title":"Tee"}}"#;
    let several = post(content);
    assert_eq!(several.locale, some("en_us"));
    assert_eq!(several.title, some("Tea"));
    let others: Vec<_> = several.translations.keys().collect();
    assert_eq!(others, ["de_de", "ja_jp"]);
    assert_eq!(several.in_locale("de_de").title, some("Tee"));
    assert_eq!(several.in_locale("en_us").title, some("Tea"));
    assert_eq!(message("post", content).text(), some("Tea\n---"));

    let other = post(r#"{"de_de":{"title":"Tee"},"fr_fr":{"title":"Thé"}}"#);
    assert_eq!((other.locale, other.title), (some("de_de"), some("Tee")));
}

#[test]
fn what_is_a_post_in_no_language_is_kept_raw() {
    for raw in [
        r#"{"zh_cn":{}}"#,
        r#"{"zh_cn":[]}"#,
        r#"{"zh_cn":{"a":1}}"#,
        r#"{"a":{"b":{"title":"x"}}}"#,
    ] {
        assert_eq!(Content::parse("post", raw), unknown("post", raw));
    }
}

#[test]
fn half_a_surrogate_pair_costs_its_own_words_only() {
    let content = r#"{"title":"Tea","content":[[{"tag":"text","text":"\ud83d"},{"tag":"text","text":"\ud83c\udf75 ready"}]]}"#;
    assert_eq!(text_of(content), "Tea\n🍵 ready");
    let localised = r#"{"zh_cn":{"title":"\ud83d","content":[[{"tag":"text","text":"茶"}]]}}"#;
    assert_eq!(text_of(localised), "茶");
}

#[test]
fn numbers_too_large_for_any_type_cost_nothing_else() {
    let content = r#"{"content":[[{"tag":"chart","size":1e999},{"tag":"text","text":12345678901234567890123}]]}"#;
    assert_eq!(text_of(content), "12345678901234567890123");
    let paragraphs = post(content).content.unwrap();
    let chart = json!({"tag": "chart", "size": "1e999"});
    assert_eq!(paragraphs[0][0], PostElement::Unknown(chart));
}

#[test]
fn a_mebibyte_of_paragraphs_is_read() {
    const COUNT: usize = 30_000;
    let paragraphs = vec![r#"[{"tag":"text","text":"@_all"}]"#; COUNT].join(",");
    let text = text_of(&format!(r#"{{"content":[{paragraphs}]}}"#));
    assert_eq!(text, vec!["@all"; COUNT].join("\n"));
}
