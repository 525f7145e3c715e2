//! The handlers to paste: those here are compiled, and are what the pages show.

mod bot_muted;
mod card_action;
mod meeting_started;
mod message_receive;
mod old_card;
mod profile_view;
mod url_preview;

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
        let page = text(&format!("events/{event_type}.html"));
        let (_, code) = compiled.split_once("\n\n").unwrap();
        let code = code.replace("pub(super) fn", "fn");
        let escaped = code
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;");
        let escaped = escaped.replace('"', "&quot;");
        assert!(
            page.contains(&escaped),
            "{event_type}: expected {code} in {page}"
        );
        let dispatcher = dispatcher().unwrap();
        assert!(
            dispatcher.manifest().to_string().contains(event_type),
            "{event_type}"
        );
    }
}
