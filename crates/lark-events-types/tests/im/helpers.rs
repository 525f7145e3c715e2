//! What handlers ask: whom a message is for, who sent it, where it is, and which command it is.

use lark_events_types::im::{ChatType, Command, EventMessage, EventSender};

use super::{mention, message, some, text_message};

#[test]
fn a_bot_is_mentioned_by_any_of_its_ids() {
    let mut bot = mention("@_user_1", "ou_bot", "Bot");
    bot.id.as_mut().unwrap().user_id = some("u_bot");
    let message = text_message("@_user_1 hi", vec![mention("@_user_2", "ou_2", "Ada"), bot]);
    assert!(message.mentions_bot("ou_bot") && message.mentions_bot("u_bot"));
    for other in ["", "ou_1", "@_user_1", "Bot"] {
        assert!(!message.mentions_bot(other), "{other}");
    }
    assert!(!EventMessage::default().mentions_bot("ou_bot"));
    let everybody = text_message("@_all hi", vec![mention("@_all", "", "all")]);
    assert!(!everybody.mentions_bot(""));
}

#[test]
fn everybody_is_mentioned_in_texts_and_posts() {
    for (message_type, content, is_mentioned) in [
        ("text", r#"{"text":"@_all hi"}"#, true),
        ("text", r#"{"text":"all"}"#, false),
        (
            "post",
            r#"{"content":[[{"tag":"at","user_id":"all"}]]}"#,
            true,
        ),
        ("image", r#"{"image_key":"@_all"}"#, false),
    ] {
        let message = message(message_type, content);
        assert_eq!(message.mentions_everybody(), is_mentioned, "{content}");
    }
}

#[test]
fn a_sender_is_a_user_a_bot_or_unknown() {
    for (sender_type, is_user, is_bot) in [
        (Some("user"), true, false),
        (Some("bot"), false, true),
        (Some("app"), false, true),
        (Some("anonymous"), false, false),
        (Some(""), false, false),
        (None, false, false),
    ] {
        let mut sender = EventSender::default();
        sender.sender_type = sender_type.map(str::to_owned);
        assert_eq!(
            (sender.is_user(), sender.is_bot()),
            (is_user, is_bot),
            "{sender_type:?}"
        );
    }
}

#[test]
fn a_chat_is_private_and_a_thread_one_where_the_message_says_so() {
    let mut message = EventMessage::default();
    assert!(!message.is_private() && !message.is_in_thread());
    message.chat_type = Some(ChatType::Group);
    message.thread_id = some("");
    assert!(!message.is_private() && !message.is_in_thread());
    message.chat_type = Some(ChatType::P2p);
    message.thread_id = some("omt_1");
    assert!(message.is_private() && message.is_in_thread());
}

#[test]
fn a_command_has_a_name_and_the_rest() {
    for (text, expected) in [
        ("/help", Some(("help", ""))),
        (
            "  /deploy staging  now \n",
            Some(("deploy", "staging  now")),
        ),
        (
            "/deploy\nline one\nline two",
            Some(("deploy", "line one\nline two")),
        ),
        ("/帮助 全部", Some(("帮助", "全部"))),
        ("/set-up_2\u{a0}x", Some(("set-up_2", "x"))),
        ("/say /hello", Some(("say", "/hello"))),
        ("", None),
        ("/", None),
        ("/ help", None),
        ("//help", None),
        ("help", None),
        ("say /help", None),
        ("/usr/bin/env", None),
        ("/help?", None),
    ] {
        let command = Command::parse(text).map(|command| (command.name, command.args));
        assert_eq!(command, expected, "{text:?}");
    }
}

#[test]
fn mentions_are_left_out_of_a_command() {
    let mentions = || {
        vec![
            mention("@_user_1", "ou_bot", "Bot"),
            mention("@_user_2", "ou_2", "Ada"),
        ]
    };
    for (text, bot_alone, all) in [
        ("@_user_1 /assign @_user_2 tea", "@Ada tea", "tea"),
        ("@_user_1/assign @_user_2 tea", "@Ada tea", "tea"),
        ("/assign tea @_user_1", "tea", "tea"),
    ] {
        let message = text_message(text, mentions());
        let args = |text: Option<String>| {
            let text = text.unwrap();
            let command = Command::parse(&text).unwrap();
            assert_eq!(command.name, "assign");
            command.args.to_owned()
        };
        assert_eq!(
            args(message.text_without_mention_of("ou_bot")),
            bot_alone,
            "{text}"
        );
        assert_eq!(args(message.text_without_mentions()), all, "{text}");
    }
}
