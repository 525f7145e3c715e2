//! What the site consists of, and how it is written.

use std::fs;

use lark_events_site::{build, dead_links};
use lark_events_types::catalogue::events;

use crate::{Folder, root, site, text};

#[test]
fn each_event_has_a_page_and_a_schema() {
    for event in events() {
        let event_type = event.info.event_type;
        let page = text(&format!("events/{event_type}.html"));
        assert!(page.contains(event.info.title), "{event_type}");
        text(&format!("schemas/{event_type}.json"));
        assert!(text("index.html").contains(&format!("events/{event_type}.html")));
    }
}

#[test]
fn the_page_of_an_event_has_its_facts() {
    let page = text("events/im.message.receive_v1.html");
    for fact in [
        "A user sent a message to the bot",
        "接收消息",
        "lark_events_types::im::MessageReceiveV1",
        "?q=im:message.group_msg\"",
        "contact:user.employee_id:readonly",
        "https://open.feishu.cn/document/uAjLw4CM/ukTMukTMukTM/reference/im-v1/message/events/receive",
        "<span class=\"hidden\">message.</span><code>chat_id</code>",
        ".on::&lt;MessageReceiveV1&gt;(on_message_receive)",
        "lark-events push im.message.receive_v1 --to",
        "oc_5ce6d572455d361153b7xx51da133945",
        "typed from its page",
        "the feature <code>im</code>",
        "Version 2.0",
    ] {
        assert!(page.contains(fact), "{fact} in {page}");
    }
    for (event_type, fact) in [
        (
            "card.action.trigger",
            "<span class=\"badge wait\">callback</span>",
        ),
        ("vc.bot.meeting_invited_v1", "lark-oapi 1.7.5"),
        ("vc.bot.meeting_invited_v1", "typed from SDKs"),
        ("im.message.bot_muted_v1", "unconfirmed"),
        ("im.message.bot_muted_v1", "raw JSON"),
        ("im.message.bot_muted_v1", "--file body.json"),
        ("message", "old envelope"),
        (
            "card.action.trigger_v1",
            "the feature <code>old-card</code>",
        ),
        ("card.action.trigger_v1", "<dt>Envelope</dt><dd>None</dd>"),
    ] {
        let page = text(&format!("events/{event_type}.html"));
        assert!(page.contains(fact), "{fact} in {page}");
    }
}

#[test]
fn no_link_is_dead_without_the_guide() {
    assert_eq!(dead_links(site()), [""; 0]);
}

#[test]
fn a_site_is_the_same_when_it_is_built_again() {
    let again = build(root(), None).unwrap();
    assert_eq!(site().differing(&again), [""; 0]);
}

#[test]
fn a_site_replaces_an_earlier_one_and_nothing_else() {
    let folder = Folder::new("site");
    let out = folder.0.join("out");
    site().write(&out).unwrap();
    let old = out.join("events/old.html");
    fs::write(&old, "").unwrap();
    site().write(&out).unwrap();
    assert!(!old.exists() && out.join("events/im.message.receive_v1.html").exists());

    fs::write(folder.0.join("notes.txt"), "mine").unwrap();
    let error = site().write(&folder.0).unwrap_err();
    assert!(error.contains("choose another --out"), "{error}");
    assert!(folder.0.join("notes.txt").exists());
}
