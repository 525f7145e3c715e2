//! Replies of the library, and replies with mistakes, each with its sentence.

use lark_events::callback::{
    CardActionReply, InlinePreview, OldCardReply, PreviewUrl, ReplyCard, Toast as Shown,
    UrlPreviewReply,
};
use serde_json::json;

use super::*;

const CARD: &str = "card.action.trigger";
const PREVIEW: &str = "url.preview.get";

fn read(event_type: &str, body: &str) -> Reply {
    let body = body.as_bytes();
    Reply::read(event_type, Answered::Response { status: 200, body })
}

fn read_value(event_type: &str, body: &impl Serialize) -> Reply {
    read(event_type, &serde_json::to_string(body).unwrap())
}

#[test]
fn a_reply_of_the_library_has_no_problem_and_is_shown() {
    let toast = || Shown::success("saved").i18n("zh_cn", "已保存");
    let template = || ReplyCard::template("AAq").version("1.0.0").variable("n", 1);
    let raw = || ReplyCard::raw(json!({"schema": "2.0", "body": {}}));

    let reply = read_value(
        CARD,
        &CardActionReply::new().toast(toast()).card(template()),
    );
    assert_eq!(reply.problems, [""; 0]);
    let toast_shown = Toast {
        kind: Some("success".to_owned()),
        text: Some("saved".to_owned()),
        i18n: vec![("zh_cn".to_owned(), "已保存".to_owned())],
    };
    assert_eq!(reply.toast, Some(toast_shown));
    let card = reply.card.unwrap();
    assert_eq!(card.kind.as_deref(), Some("template"));
    assert!(
        card.json.starts_with("{\n  \"template_id\": \"AAq\","),
        "{}",
        card.json
    );

    let reply = read_value(CARD, &CardActionReply::new());
    assert_eq!(
        (reply.problems.len(), reply.json.as_deref()),
        (0, Some("{}"))
    );

    let old = OldCardReply::new().toast(toast()).card(template());
    let reply = read_value(OLD_CARD, &old);
    assert_eq!(reply.problems, [""; 0]);
    assert_eq!(reply.card.unwrap().kind.as_deref(), Some("template"));
    let card = ReplyCard::raw(json!({"elements": [], "header": {}}));
    let reply = read_value(OLD_CARD, &OldCardReply::new().toast(toast()).card(card));
    assert_eq!(reply.problems, [""; 0]);
    assert!(!reply.card.unwrap().json.contains("toast"));
    assert_eq!(read_value(OLD_CARD, &OldCardReply::new()).card, None);

    let mut url = PreviewUrl::default();
    url.web = Some("w".to_owned());
    let inline = InlinePreview::new("t").image_key("img").url(url);
    let reply = read_value(PREVIEW, &UrlPreviewReply::new().inline(inline).card(raw()));
    assert_eq!(reply.problems, [""; 0]);
    let preview = reply.preview.unwrap();
    assert_eq!(preview.title.as_deref(), Some("t"));
    assert_eq!(preview.urls, [("web".to_owned(), "w".to_owned())]);
}

#[test]
fn each_mistake_is_a_sentence_that_says_what_is_expected() {
    for (event_type, body, says) in [
        (
            CARD,
            "",
            "the body is empty: expected a JSON object, which is {}",
        ),
        (
            CARD,
            "{\"toast\": }",
            "the body is not JSON at line 1 column 11: expected",
        ),
        (CARD, "ok", "the user sees error 200672"),
        (CARD, " [1]", "the body is a list: expected a JSON object"),
        (
            CARD,
            r#"{"msg": "success"}"#,
            "`msg` is not a documented member: expected toast, card",
        ),
        (
            CARD,
            r#"{"toast": "saved"}"#,
            "`toast` is a string: expected an object",
        ),
        (
            CARD,
            r#"{"toast": {"type": "ok", "content": "a"}}"#,
            "`toast.type` is `ok`: expected info",
        ),
        (
            CARD,
            r#"{"toast": {"type": "info"}}"#,
            "`toast` has no text: expected `content` or `i18n`",
        ),
        (
            CARD,
            r#"{"toast": {"content": 1}}"#,
            "`toast.content` is a number: expected a string",
        ),
        (
            CARD,
            r#"{"toast": {"i18n": {"zh-CN": "a"}}}"#,
            "`toast.i18n.zh-CN` is not a language",
        ),
        (
            CARD,
            r#"{"card": {"data": {}}}"#,
            "`card` has no `type`: expected raw or template",
        ),
        (
            CARD,
            r#"{"card": {"type": "card", "data": {}}}"#,
            "`card.type` is `card`: expected raw",
        ),
        (
            CARD,
            r#"{"card": {"type": "raw"}}"#,
            "`card` has no `data`: expected an object",
        ),
        (
            CARD,
            r#"{"card": {"type": "raw", "data": "{}"}}"#,
            "`card.data` is a string",
        ),
        (
            CARD,
            r#"{"card": {"type": "template", "data": {}}}"#,
            "has no `template_id`",
        ),
        (
            CARD,
            r#"{"card": {"elements": []}}"#,
            "`card.elements` is not a documented member",
        ),
        (
            CARD,
            r#"{"card": null, "toast": {"content": "a"}}"#,
            "`card` is null: expected an object",
        ),
        (
            CARD,
            r#"{"toast": {"content": "a"}, "toast": {"content": "b"}}"#,
            "`toast` is there twice",
        ),
        (
            OLD_CARD,
            r#"{"card": {}}"#,
            "`card` is not a member of the reply to the old callback",
        ),
        (
            OLD_CARD,
            r#"{"type": "raw", "data": {}}"#,
            "`type` is `raw`: expected template",
        ),
        (
            OLD_CARD,
            r#"{"data": {"template_id": "a"}}"#,
            "`data` has no `type` beside it",
        ),
        (
            OLD_CARD,
            r#"{"body": {}}"#,
            "`body` is not a documented member",
        ),
        (
            PREVIEW,
            r#"{"title": "a"}"#,
            "`title` is not a documented member: expected inline, card",
        ),
        (
            PREVIEW,
            r#"{"inline": {"url": "a"}}"#,
            "`inline.url` is a string: expected an object",
        ),
        (
            PREVIEW,
            r#"{"inline": {"url": {"mac": "a"}}}"#,
            "`inline.url.mac` is not a platform",
        ),
        (
            PREVIEW,
            r#"{"inline": {"title": "a", "i18n_title": {"en_us": "a"}}}"#,
            "`inline.title` has no effect",
        ),
        (
            PREVIEW,
            r#"{"card": {"type": "raw", "data": {}}}"#,
            "`card.data` has no `elements`",
        ),
    ] {
        let problems = read(event_type, body).problems;
        assert!(
            problems.iter().any(|problem| problem.contains(says)),
            "{body}: {problems:?}"
        );
    }
}

#[test]
fn the_last_of_duplicates_is_shown_as_decoders_take_it() {
    let body = r#"{"toast": {"content": "a"}, "toast": {"content": "b", "i18n": {"zh_cn": "c", "zh_cn": "d"}}}"#;
    let reply = read(CARD, body);
    let toast = reply.toast.unwrap();
    assert_eq!(toast.text.as_deref(), Some("b"));
    assert_eq!(toast.i18n, [("zh_cn".to_owned(), "d".to_owned())]);
    let twice = "is there twice, and the last one counts: expected one";
    let expected = [
        format!("`toast` {twice}"),
        format!("`toast.i18n.zh_cn` {twice}"),
    ];
    assert_eq!(reply.problems, expected);
}

#[test]
fn an_answer_that_is_not_accepted_is_the_only_problem() {
    for (status, says) in [
        (
            302,
            "got 302; a callback may not be redirected; the user sees error 200671",
        ),
        (
            500,
            "expected status 200, got 500; the user sees error 200671",
        ),
    ] {
        let body = b"oops";
        let reply = Reply::read(CARD, Answered::Response { status, body });
        assert_eq!(reply.problems.len(), 1);
        assert!(reply.problems[0].contains(says), "{:?}", reply.problems);
    }
    let code = 500;
    let reply = Reply::read(CARD, Answered::Ack { code, reply: None });
    assert!(
        reply.problems[0].contains("got 500"),
        "{:?}",
        reply.problems
    );
    let code = 200;
    let reply = Reply::read(CARD, Answered::Ack { code, reply: None });
    assert_eq!(reply, Reply::default());
}

#[test]
fn the_reply_to_an_event_is_ignored_by_the_platform() {
    let event_type = "im.message.receive_v1";
    let problems = read(event_type, r#"{"toast": {"content": "a"}}"#).problems;
    assert!(
        problems[0].contains("the platform ignores the reply"),
        "{problems:?}"
    );
    for body in ["", r#"{"msg":"success"}"#, "ok"] {
        assert_eq!(read(event_type, body).problems, [""; 0]);
    }
    assert_eq!(read("profile.view.get", "[]").problems, [""; 0]);
}

#[test]
fn problems_and_the_names_in_them_are_bounded() {
    let members: Vec<_> = (0..1000)
        .map(|n| format!("\"{}{n}\":1", "消".repeat(500)))
        .collect();
    let problems = read(CARD, &format!("{{{}}}", members.join(","))).problems;
    assert_eq!(problems.len(), 21);
    assert_eq!(problems[20], "980 more problems");
    assert!(problems.iter().all(|problem| problem.len() < 400));
}

#[test]
fn every_digit_of_a_card_is_kept() {
    let body = r#"{"card": {"type": "raw", "data": {"n": 12345678901234567890123.50}}}"#;
    let reply = read(CARD, body);
    assert_eq!(
        reply.card.unwrap().json,
        "{\n  \"n\": 12345678901234567890123.50\n}"
    );
}
