//! Mentions in texts: which are found, whose they are, and what is left without them.

use lark_events_types::im::{Content, EventMessage, MentionEvent, Segment};

use super::{mention, message, some, text_message};

fn names(text: &str, mentions: Vec<MentionEvent>) -> String {
    let message = text_message(text, mentions);
    message.text().expect("a text message has a text")
}

#[test]
fn a_key_that_begins_another_is_not_taken_for_it() {
    let twelve =
        (1..=12).map(|n| mention(&format!("@_user_{n}"), &format!("ou_{n}"), &format!("T{n}")));
    let twelve: Vec<_> = twelve.collect();
    assert_eq!(
        names(
            "@_user_10 @_user_1, @_user_1@_user_12!@_user_2",
            twelve.clone()
        ),
        "@T10 @T1, @T1@T12!@T2"
    );
    let only_first = twelve[..1].to_vec();
    assert_eq!(names("@_user_10 @_user_1", only_first), "@_user_10 @T1");
}

#[test]
fn a_mention_needs_no_space_around_it() {
    let tom = vec![mention("@_user_1", "ou_1", "Tom")];
    assert_eq!(names("hi@_user_1你好", tom.clone()), "hi@Tom你好");
    assert_eq!(names("@_user_1hello", tom.clone()), "@Tomhello");
    assert_eq!(names("@@_user_1@", tom.clone()), "@@Tom@");
    assert_eq!(names("<@_user_1>", tom), "<@Tom>");
}

#[test]
fn what_only_looks_like_a_mention_stays() {
    let tom = vec![mention("@_user_1", "ou_1", "Tom")];
    for text in [
        "@",
        "@_",
        "@_user_",
        "@_user_2",
        "@_user_x1",
        "@Tom",
        "_user_1",
        "a@b.c",
        "@_al",
        "<at",
    ] {
        assert_eq!(names(text, tom.clone()), text);
    }
    assert_eq!(names("", tom), "");
    assert_eq!(names("@_user_1", Vec::new()), "@_user_1");
}

#[test]
fn everybody_is_told_by_the_key_with_and_without_a_mention() {
    assert_eq!(names("@_all hello", Vec::new()), "@all hello");
    assert_eq!(names("@_all123 @_all_", Vec::new()), "@all123 @all_");
    assert_eq!(names("@_allhello", Vec::new()), "@allhello");
    let longer = vec![mention("@_all123", "ou_1", "Tom")];
    assert_eq!(names("@_all123 @_all12", longer), "@Tom @all12");
    assert_eq!(
        names("@_all大家好", vec![mention("@_all", "", "所有人")]),
        "@all大家好"
    );
    let message = text_message("<at user_id=\"all\"></at> hello", Vec::new());
    let content = message.parsed_content();
    assert_eq!(content.segments(&message).next(), Some(Segment::Everybody));
}

#[test]
fn a_mention_without_key_name_or_id_spoils_nothing() {
    let mut no_name = mention("@_user_1", "ou_1", "");
    no_name.name = None;
    no_name.id = None;
    let mut no_key = mention("", "ou_2", "Ada");
    no_key.key = None;
    let mentions = vec![
        MentionEvent::default(),
        no_key,
        no_name,
        mention("", "", ""),
    ];
    assert_eq!(
        names("@ @_user_1 @_user_2", mentions),
        "@ @_user_1 @_user_2"
    );
}

#[test]
fn the_first_of_two_mentions_with_one_key_counts() {
    let two = vec![
        mention("@_user_1", "ou_1", "Tom"),
        mention("@_user_1", "ou_2", "Ada"),
    ];
    assert_eq!(names("@_user_1", two), "@Tom");
}

#[test]
fn segments_tell_words_mentions_and_everybody_apart() {
    let tom = mention("@_user_1", "ou_1", "Tom");
    let text = "hi @_user_1 and @_all, <at user_id=\"ou_1\">T</at><at user_id=\"ou_9\">Eve</at>";
    let message = text_message(text, vec![tom.clone()]);
    let content = message.parsed_content();
    let segments: Vec<_> = content.segments(&message).collect();
    let eve = Segment::Unlisted {
        user_id: "ou_9",
        name: "Eve",
    };
    assert_eq!(
        segments,
        [
            Segment::Text("hi "),
            Segment::Mention(&tom),
            Segment::Text(" and "),
            Segment::Everybody,
            Segment::Text(", "),
            Segment::Mention(&tom),
            eve,
        ]
    );
    assert!(segments[1].mentions("ou_1") && eve.mentions("ou_9"));
    assert!(
        !segments[1].mentions("") && !segments[3].mentions("all") && !segments[0].mentions("hi ")
    );
    assert_eq!(message.text(), some("hi @Tom and @all, @Tom@Eve"));
}

#[test]
fn a_mention_leaves_no_gap_behind() {
    let bot = || {
        vec![
            mention("@_user_1", "ou_bot", "Bot"),
            mention("@_user_2", "ou_2", "Ada"),
        ]
    };
    for (text, without_bot, plain) in [
        ("@_user_1 hello", "hello", "hello"),
        ("hello @_user_1", "hello", "hello"),
        ("tell @_user_1 this", "tell this", "tell this"),
        ("@_user_1 @_user_2 hello", "@Ada hello", "hello"),
        ("@_user_1\u{a0}hello  you", "hello  you", "hello  you"),
        (
            "@_user_1\n  code\n    more",
            "code\n    more",
            "code\n    more",
        ),
        ("a@_user_1 b", "a b", "a b"),
        ("@_all @_user_1", "@all", ""),
        ("@_user_1", "", ""),
        ("  ", "", ""),
    ] {
        let message = text_message(text, bot());
        assert_eq!(
            message.text_without_mention_of("ou_bot"),
            some(without_bot),
            "{text}"
        );
        assert_eq!(message.text_without_mentions(), some(plain), "{text}");
    }
}

#[test]
fn a_bot_is_known_by_each_of_its_ids() {
    let mut bot = mention("@_user_1", "ou_bot", "Bot");
    let id = bot.id.as_mut().unwrap();
    id.union_id = some("on_bot");
    id.user_id = some("bot");
    let message = text_message("@_user_1 hello", vec![bot]);
    for id in ["ou_bot", "on_bot", "bot"] {
        assert_eq!(message.text_without_mention_of(id), some("hello"));
    }
    for id in ["", "ou_1", "@_user_1", "Bot"] {
        assert_eq!(message.text_without_mention_of(id), some("@Bot hello"));
    }
}

#[test]
fn messages_that_are_no_text_have_no_segments() {
    let image = message("image", r#"{"image_key":"@_all"}"#);
    assert_eq!(image.parsed_content().segments(&image).count(), 0);
    assert_eq!(image.text_without_mentions(), None);
    assert_eq!(image.text_without_mention_of("ou_1"), None);
    let unknown = Content::parse("text", "@_all");
    assert_eq!(unknown.segments(&EventMessage::default()).count(), 0);
}

#[test]
fn a_mebibyte_of_mentions_takes_linear_time() {
    const COUNT: usize = 100_000;
    let many: Vec<_> = (0..COUNT)
        .map(|n| mention(&format!("@_user_{n}"), "ou_1", "T"))
        .collect();
    let text: String = (0..COUNT).map(|n| format!("@_user_{n}")).collect();
    assert_eq!(names(&text, many), "@T".repeat(COUNT));
    for piece in [
        "@",
        "<at ",
        "@_user_",
        "<at user_id=\"a\">",
        "@_user_1",
        "<",
    ] {
        let text = piece.repeat((1 << 20) / piece.len());
        assert_eq!(names(&text, Vec::new()), text);
    }
    let word = format!("@{}", "a".repeat(1 << 20));
    assert_eq!(names(&word, Vec::new()), word);
}
