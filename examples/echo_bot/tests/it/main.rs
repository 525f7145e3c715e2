//! The bot as a process, and a simulator that pushes messages and receives the replies.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![cfg(unix)]

mod bot;

use std::time::Duration;

use lark_events_sim::{ApiMessage, Document, Fault, Mode, Platform, PlatformBuilder, Report};
use serde_json::{Value, json};

use self::bot::{APP_ID, Bot, KEY, PATIENCE, SECRET, TOKEN};

/// A message of a user with this content, under a new event id.
fn message(id: &str, message_type: &str, content: &Value) -> Document {
    let message = json!({"message_id": id, "chat_id": "oc_1", "chat_type": "p2p",
        "message_type": message_type, "content": content.to_string()});
    let sender = json!({"sender_id": {"open_id": "ou_1"}, "sender_type": "user"});
    let body = json!({"sender": sender, "message": message});
    Document::v2("im.message.receive_v1", &body).unwrap()
}

fn text(id: &str, text: &str) -> Document {
    message(id, "text", &json!({ "text": text }))
}

fn builder() -> PlatformBuilder {
    Platform::builder()
        .app(APP_ID, SECRET)
        .encrypt_key(KEY)
        .verification_token(TOKEN)
        .events_by(Mode::Webhook)
        .redeliver_after([Duration::from_millis(10); 2])
        .url_check_limit(PATIENCE)
}

/// A platform that pushes to the bot's webhook, and at once again what fails; and the bot.
async fn start(builder: PlatformBuilder) -> (Platform, Bot) {
    let platform = builder.start().await.unwrap();
    let bot = Bot::with_webhook(platform.base_url());
    platform.set_webhook(bot.url()).await.unwrap();
    (platform, bot)
}

/// How often a token was requested.
fn tokens(platform: &Platform) -> usize {
    let calls = platform.api_calls();
    calls.iter().filter(|call| call.is_for_token()).count()
}

/// The only reply.
fn reply(platform: &Platform) -> ApiMessage {
    let mut replies = platform.messages();
    assert_eq!(replies.len(), 1, "{replies:?}");
    replies.remove(0)
}

/// Whatever the number of attempts: a machine may be too slow for the first.
fn acknowledged(report: &Report) {
    assert!(report.acknowledged(), "{report:?}");
}

fn acknowledged_later(report: &Report) {
    acknowledged(report);
    assert!(report.attempts.len() > 1, "{report:?}");
}

#[tokio::test]
async fn a_text_is_answered_with_itself_whatever_is_in_it() {
    let (platform, bot) = start(builder()).await;
    let texts = [
        "hello",
        r#"she said "hi" \ and \n left"#,
        "line\nbreak\tand tab",
        "你好 👩‍👩‍👧 \u{1F600} é",
        "</b> & \u{2028} {\"text\":\"inner\"}",
    ];
    for (at, said) in texts.into_iter().enumerate() {
        let report = platform.push(text(&format!("om_user_{at}"), said)).await;
        acknowledged(&report);
    }
    let replies = platform.messages();
    assert_eq!(replies.len(), texts.len());
    for (at, (said, reply)) in texts.iter().zip(&replies).enumerate() {
        assert_eq!(reply.reply_to, Some(format!("om_user_{at}")));
        assert_eq!(reply.text(), Some(*said));
        assert!(reply.uuid.is_some());
    }
    assert_eq!(tokens(&platform), 1, "a token is kept");
    bot.stop();
}

#[tokio::test]
async fn a_mention_of_the_bot_is_not_echoed() {
    let (platform, bot) = start(builder()).await;
    let mentioning = json!({"sender": {"sender_type": "user"}, "message": {"message_id": "om_1",
        "message_type": "text", "content": r#"{"text":"@_user_1 hello <at user_id=all>"}"#,
        "mentions": [{"key": "@_user_1", "name": "Tom"}]}});
    let mentioning = Document::v2("im.message.receive_v1", &mentioning).unwrap();
    acknowledged(&platform.push(mentioning).await);
    assert_eq!(
        reply(&platform).text(),
        Some("hello <\u{200b}at user_id=all>")
    );
    bot.stop();
}

#[tokio::test]
async fn what_is_no_text_of_a_user_is_acknowledged_and_left_alone() {
    let (platform, bot) = start(builder()).await;
    let image = message("om_1", "image", &json!({"image_key": "img_1"}));
    let own = json!({"sender": {"sender_type": "app"}, "message": {"message_id": "om_2",
        "message_type": "text", "content": r#"{"text":"hello"}"#}});
    let own = Document::v2("im.message.receive_v1", &own).unwrap();
    let empty = Document::v2("im.message.receive_v1", &json!({})).unwrap();
    for left in [image, own, empty] {
        acknowledged(&platform.push(left).await);
    }
    assert_eq!(platform.stats().api_calls, 0);
    bot.stop();
}

#[tokio::test]
async fn an_old_message_and_one_with_an_odd_id_are_acknowledged_and_not_answered() {
    let (platform, bot) = start(builder()).await;
    // 2020.
    let old = text("om_1", "hello").create_time("1609073151345");
    acknowledged(&platform.push(old).await);
    bot.logged("ignored a message: it is too old");
    acknowledged(&platform.push(text("om_marked-1/../..", "hello")).await);
    bot.logged("ignored a message: its id is not well-formed");
    assert_eq!(platform.stats().api_calls, 0);
    bot.stop();
}

#[tokio::test]
async fn messages_at_once_ask_for_one_token() {
    let (platform, bot) = start(builder()).await;
    let push = |id| platform.push(text(id, "hello"));
    let (one, two, three) = tokio::join!(push("om_1"), push("om_2"), push("om_3"));
    for report in [one, two, three] {
        acknowledged(&report);
    }
    assert_eq!((tokens(&platform), platform.messages().len()), (1, 3));
    bot.stop();
}

#[tokio::test]
async fn a_message_that_comes_again_is_answered_once() {
    let (platform, bot) = start(builder()).await;
    platform.inject(Fault::LoseAnswer);
    acknowledged_later(&platform.push(text("om_1", "once")).await);
    // And as another event.
    acknowledged(&platform.push(text("om_1", "once")).await);
    assert_eq!(platform.stats().api_calls, 2, "for a token, and to reply");
    bot.stop();

    // Another process knows nothing of it: the API does, by the uuid.
    let bot = Bot::with_webhook(platform.base_url());
    platform.set_webhook(bot.url()).await.unwrap();
    acknowledged(&platform.push(text("om_1", "once")).await);
    assert_eq!(platform.stats().api_calls, 4);
    let reply = reply(&platform);
    assert_eq!((reply.text(), reply.sent), (Some("once"), 2));
    bot.stop();
}

#[tokio::test]
async fn an_expired_token_is_renewed_once_and_the_call_repeated() {
    let (platform, bot) = start(builder()).await;
    acknowledged(&platform.push(text("om_1", "one")).await);
    platform.revoke_tokens();
    acknowledged(&platform.push(text("om_2", "two")).await);
    assert_eq!((tokens(&platform), platform.messages().len()), (2, 2));

    // A new token that is refused too is a failure, not a loop.
    platform.inject(Fault::Api(400, 99_991_663));
    platform.inject(Fault::Api(400, 99_991_663));
    acknowledged_later(&platform.push(text("om_3", "three")).await);
    bot.logged("the platform rejected the token of the call: code 99991663");
    assert_eq!(platform.messages().len(), 3);
    bot.stop();
}

#[tokio::test]
async fn a_token_about_to_expire_is_not_used_again() {
    let (platform, bot) = start(builder().token_lifetime(Duration::from_secs(299))).await;
    for id in ["om_1", "om_2"] {
        acknowledged(&platform.push(text(id, "hello")).await);
    }
    assert_eq!(tokens(&platform), 2);
    bot.stop();
}

#[tokio::test]
async fn a_failed_answer_is_reported_and_the_message_comes_again() {
    let (platform, bot) = start(builder()).await;
    for (at, (fault, line)) in [
        (
            Fault::Api(400, 230_001),
            "the platform rejected the call: code 230001, a fault of the simulator",
        ),
        (
            Fault::ApiStatus(404),
            "expected JSON of the platform's API with a code, got another answer: status 404",
        ),
        (
            Fault::ApiLimit(429, Some(60)),
            "the platform limits the rate of this call: code 99991400",
        ),
        (
            Fault::ApiSilent,
            "the platform's API did not answer before the deadline",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        platform.inject(fault);
        let id = format!("om_user_{at}");
        acknowledged_later(&platform.push(text(&id, "again")).await);
        bot.logged(line);
        let last = platform.messages().pop().unwrap();
        assert_eq!(last.reply_to, Some(id));
    }
    assert_eq!(platform.messages().len(), 4);
    bot.stop();
}

#[tokio::test]
async fn a_lost_connection_and_a_short_limit_are_answered_at_once() {
    let (platform, bot) = start(builder()).await;
    for (at, fault) in [
        Fault::ApiReset,
        Fault::ApiLoseAnswer,
        Fault::ApiStatus(502),
        Fault::ApiLimit(429, Some(1)),
    ]
    .into_iter()
    .enumerate()
    {
        platform.inject(fault);
        acknowledged(&platform.push(text(&format!("om_user_{at}"), "hello")).await);
        assert_eq!(platform.messages().len(), at + 1, "{fault:?}");
    }
    bot.stop();
}

#[tokio::test]
async fn without_a_token_nothing_is_acknowledged() {
    let (platform, bot) = start(builder().app(APP_ID, "another-secret")).await;
    let report = platform.push(text("om_1", "hello")).await;
    assert!(!report.acknowledged());
    assert_eq!(report.attempts.len(), 3);
    bot.logged("the platform rejected the call: code 10014, app secret invalid");
    bot.stop();
}

#[tokio::test]
async fn over_a_long_connection_it_does_the_same() {
    let platform = builder().events_by(Mode::LongConnection);
    let platform = platform.start().await.unwrap();
    let bot = Bot::with_long_connection(platform.base_url());
    platform.until(|stats| stats.connections == 1).await;
    acknowledged(&platform.push(text("om_1", "hello \"you\"")).await);
    assert_eq!(reply(&platform).text(), Some("hello \"you\""));
    bot.stop();
    assert_eq!(platform.violations(), []);
}

#[test]
fn no_secret_goes_in_the_clear_beyond_this_machine() {
    let mut program = bot::program();
    let output = program.env("LARK_BASE_URL", "http://example.com").output();
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        stderr.contains("expected https://, or http:// on this machine"),
        "{stderr}"
    );
}

#[test]
fn without_an_app_it_says_so_and_exits_1() {
    let output = bot::program()
        .env_remove("LARK_APP_SECRET")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("LARK_APP_SECRET is not set"), "{stderr}");
}
