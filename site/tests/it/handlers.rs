//! The handlers to paste: those here are compiled, and are what the pages show. The others have the form of one of
//! them.

mod bot_muted;
mod card_action;
mod meeting_started;
mod message_receive;
mod old_card;
mod profile_view;
mod url_preview;

use lark_events_types::catalogue::DOMAINS;

use crate::text;

#[test]
fn the_handlers_of_the_pages_compile() {
    for (event_type, compiled, dispatcher) in [
        (
            "im.message.receive_v1",
            include_str!("handlers/message_receive.rs"),
            message_receive::dispatcher as fn() -> _,
        ),
        (
            "im.message.bot_muted_v1",
            include_str!("handlers/bot_muted.rs"),
            bot_muted::dispatcher,
        ),
        (
            "vc.meeting.meeting_started_v1",
            include_str!("handlers/meeting_started.rs"),
            meeting_started::dispatcher,
        ),
        (
            "card.action.trigger",
            include_str!("handlers/card_action.rs"),
            card_action::dispatcher,
        ),
        (
            "card.action.trigger_v1",
            include_str!("handlers/old_card.rs"),
            old_card::dispatcher,
        ),
        (
            "url.preview.get",
            include_str!("handlers/url_preview.rs"),
            url_preview::dispatcher,
        ),
        (
            "profile.view.get",
            include_str!("handlers/profile_view.rs"),
            profile_view::dispatcher,
        ),
    ] {
        let (_, code) = compiled.split_once("\n\n").unwrap();
        assert_eq!(shown(event_type), code.replace("pub(super) fn", "fn"));
        let dispatcher = dispatcher().unwrap();
        assert!(
            dispatcher.manifest().to_string().contains(event_type),
            "{event_type}"
        );
    }
}

/// The code that the page of an event shows.
fn shown(event_type: &str) -> String {
    let page = text(&format!("events/{event_type}.html"));
    let start = "data-label=\"the handler\"><pre><code>";
    let (_, code) = page.split_once(start).unwrap();
    let (code, _) = code.split_once("</code>").unwrap();
    let code = code.replace("&lt;", "<").replace("&gt;", ">");
    code.replace("&quot;", "\"").replace("&amp;", "&")
}

/// Code without the names of one event, and without the line breaks of long names.
fn form(code: &str, module: &str, name: &str) -> String {
    let (_, handler) = code.split_once("async fn ").unwrap();
    let (handler, _) = handler.split_once('(').unwrap();
    let code: String = code.split_whitespace().collect();
    let code = code.replace(handler, "handler").replace(",)", ")");
    code.replace(&format!("{module}::{name};"), "Type;")
        .replace(&format!("<{name}>"), "<Type>")
}

#[test]
fn every_other_handler_has_the_form_of_one_that_compiles() {
    let of_event = form(
        &shown("im.message.receive_v1"),
        "lark_events_types::im",
        "MessageReceiveV1",
    );
    assert!(of_event.contains("asyncfnhandler(event:Event<Type>)->"));
    // Each callback is compiled above.
    for domain in DOMAINS.iter().filter(|domain| domain.name != "core") {
        for (name, event) in domain.names.iter().zip(domain.events) {
            let code = shown(event.info.event_type);
            assert_eq!(form(&code, domain.module, name), of_event, "{code}");
            for line in code.lines() {
                assert!(line.len() <= 100, "rustfmt would break {line}");
            }
        }
    }
}
