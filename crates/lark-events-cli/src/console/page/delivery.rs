//! One delivery: each attempt with what was sent and what came back, and what can be done with it.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use maud::{Markup, html};

use super::{Content, badge, needs_script, result};
use crate::console::Console;
use crate::console::shown::{
    AttemptShown, CallShown, CardShown, CommandsShown, DeliveryShown, Header, PreviewShown,
    ReplyShown, RowShown, SentShown, ToastShown,
};
use crate::console::web::masked::Masked;
use crate::figures::time;

pub(crate) async fn get(
    State(console): State<Arc<Console>>,
    number: Result<Path<String>, PathRejection>,
) -> Response {
    let number = match console.segment(number) {
        Ok(number) => number,
        Err(failure) => return super::failed(&console, &failure),
    };
    let position = console.position();
    let history = &console.control.history;
    let delivery = number
        .parse()
        .ok()
        .and_then(|number| history.delivery(number));
    let Some(delivery) = delivery else {
        return super::failed(&console, &console.no_delivery(&number));
    };
    let shown = DeliveryShown::new(&delivery, &history.calls(), &console.masks);
    let content = Content {
        title: format!("#{} {}", shown.row.number, shown.row.event_type),
        path: "/",
        main: main(&shown),
        stream: format!("page=delivery&number={}", shown.row.number),
        position,
    };
    super::respond(&console, content)
}

/// The element of all attempts.
pub(crate) const ATTEMPTS: &str = "attempts";

pub(crate) fn main(shown: &DeliveryShown) -> Markup {
    let row = &shown.row;
    html! {
        h1 { "Delivery #" (row.number) " " span.type { (row.event_type) } }
        (facts(row))
        (actions(row))
        section aria-labelledby="attempts-title" {
            h2 #attempts-title { "Attempts" }
            ol.plain #(ATTEMPTS) data-order="asc" {
                @for (at, attempt) in shown.attempts.iter().enumerate() { (self::attempt(at, attempt)) }
            }
            (next(row))
        }
        (reply(shown.reply.as_ref()))
        (calls(&shown.calls))
        section aria-labelledby="document-title" {
            h2 #document-title { "Document, plain" }
            (shown.document.pretty())
        }
        (commands(&shown.commands))
    }
}

pub(crate) fn facts(row: &RowShown) -> Markup {
    html! {
        dl.facts #facts {
            div { dt { "State" } dd { (badge(row.progress)) } }
            div { dt { "Event id" } dd { code { (row.event_id) } } }
            div { dt { "Transport" } dd { (row.transport.replace('-', " ")) } }
            div {
                dt { "Kind" }
                dd { @if row.callback { "callback, sent once" } @else { "event" } }
            }
            div { dt { "Pushed" } dd { (row.pushed_at.clock()) } }
            @if let Some(of) = row.replay_of {
                div { dt { "Replay of" } dd { a href={ "/deliveries/" (of) } { "#" (of) } } }
            }
        }
    }
}

fn actions(row: &RowShown) -> Markup {
    html! {
        form.actions #actions data-json method="post" action={ "/api/deliveries/" (row.number) "/replay" }
            data-links="deliveries" data-href="/deliveries/" data-did="Replayed as" aria-label="Replay" {
            button name="ids" value="same" { "Replay with the same ids" }
            button name="ids" value="new" { "Replay with new ids" }
            a.button href={ "/compose?from=" (row.number) } { "Edit in the composer" }
            a href={ "/api/deliveries/" (row.number) } { "JSON" }
            (needs_script())
            (result())
        }
    }
}

pub(crate) fn next(row: &RowShown) -> Markup {
    html! {
        p #next {
            @match row.next_attempt {
                Some(next) if row.progress == "acknowledged" => {
                    "Only a copy was acknowledged: the next attempt follows " (next.countdown()) "."
                }
                Some(next) => { "The next attempt follows " (next.countdown()) "." }
                None if row.ended => { "No attempt follows." }
                None if row.progress == "acknowledged" && !row.is_first_under_way => { "Acknowledged; no redelivery follows." }
                None => { "An attempt is under way." }
            }
        }
    }
}

pub(crate) fn attempt_id(at: usize) -> String {
    format!("attempt-{}", at + 1)
}

pub(crate) fn attempt(at: usize, attempt: &AttemptShown) -> Markup {
    let class = if attempt.accepted { "good" } else { "bad" };
    let sign = if attempt.accepted { "✓" } else { "✗" };
    html! {
        li id=(attempt_id(at)) data-n=(at + 1) {
            article.attempt {
                h3 {
                    "Attempt " (attempt.number)
                    @if attempt.copy { " (copy)" }
                    ": " span.(class) { (sign) " " (attempt.answer) }
                }
                dl.facts {
                    div { dt { "Sent" } dd { (attempt.sent_at.clock()) } }
                    div { dt { "Took" } dd { (time(attempt.took)) } }
                    div { dt { "Transport" } dd { (attempt.transport.replace('-', " ")) } }
                    @if !attempt.faults.is_empty() {
                        div {
                            dt { "Faults" }
                            dd { @for fault in &attempt.faults { span.tag.fault { "⚡ " (fault) } " " } }
                        }
                    }
                    @if let Some(time) = attempt.biz_rt {
                        div { dt { "Handler, as reported" } dd { (time) " ms" } }
                    }
                    @if let Some(error) = &attempt.error {
                        div { dt { "Error" } dd.bad { (error) } }
                    }
                }
                (sent(attempt.sent.as_ref()))
                (answer(attempt))
            }
        }
    }
}

fn sent(sent: Option<&SentShown>) -> Markup {
    html! {
        @match sent {
            None => p.faint { "Nothing was sent." },
            Some(SentShown::Request { url, headers, body }) => {
                details {
                    summary { "Request as sent: POST " code { (url) } }
                    (self::headers(headers))
                    (body.pretty())
                }
            }
            Some(SentShown::Message { connection, message_id, fragments }) => {
                p {
                    "Sent on connection " code { (connection) } " as message " code { (message_id) }
                    ", in " (crate::figures::count(*fragments, "fragment")) "."
                }
            }
        }
    }
}

fn answer(attempt: &AttemptShown) -> Markup {
    html! {
        @if attempt.headers.is_some() || attempt.body.is_some() {
            details open {
                summary { "Answer: " (attempt.answer) }
                @if let Some(headers) = &attempt.headers { (self::headers(headers)) }
                @if let Some(body) = &attempt.body { (body.pretty()) }
            }
        }
    }
}

fn headers(headers: &[Header]) -> Markup {
    html! {
        dl.headers {
            @for Header(name, value) in headers {
                div { dt { (name) } dd { code { (value) } } }
            }
        }
    }
}

pub(crate) fn calls(calls: &[CallShown]) -> Markup {
    html! {
        section #calls aria-labelledby="calls-title" {
            h2 #calls-title { "API calls that followed" }
            @if calls.is_empty() { p.faint { "None that names this event." } }
            @for call in calls { (super::calls::call(call)) }
        }
    }
}

pub(crate) fn reply(reply: Option<&ReplyShown>) -> Markup {
    html! {
        div #reply {
            @if let Some(reply) = reply {
                section aria-labelledby="reply-title" {
                    h2 #reply-title { "Reply" }
                    @for problem in &reply.problems { p.bad { "✗ " (problem) } }
                    @if reply.problems.is_empty() { p.good { "✓ No problem found." } }
                    @if let Some(toast) = &reply.toast { (self::toast(toast)) }
                    @if let Some(preview) = &reply.preview { (self::preview(preview)) }
                    @if let Some(card) = &reply.card { (self::card(card)) }
                }
            }
        }
    }
}

fn toast(toast: &ToastShown) -> Markup {
    html! {
        h3 { "Toast" }
        p.toast {
            @if let Some(kind) = &toast.kind { span.tag { (kind) } " " }
            @if let Some(text) = &toast.text { (text) }
        }
        (texts(&toast.i18n))
    }
}

fn preview(preview: &PreviewShown) -> Markup {
    html! {
        h3 { "Preview of the link" }
        @if let Some(title) = &preview.title { p.toast { (title) } }
        (texts(&preview.i18n_title))
        dl.facts {
            @if let Some(key) = &preview.image_key { div { dt { "Image" } dd { code { (key) } } } }
            @for (platform, url) in &preview.urls { div { dt { (platform) } dd { code { (url) } } } }
        }
    }
}

fn card(card: &CardShown) -> Markup {
    html! {
        h3 {
            "Card"
            @if let Some(kind) = &card.kind { " " span.tag { (kind) } }
        }
        (card.json.pretty())
    }
}

/// Texts by language.
fn texts(texts: &[(Masked, Masked)]) -> Markup {
    html! {
        @if !texts.is_empty() {
            dl.facts { @for (language, text) in texts { div { dt { (language) } dd { (text) } } } }
        }
    }
}

pub(crate) fn commands(commands: &CommandsShown) -> Markup {
    html! {
        section #commands aria-labelledby="commands-title" {
            h2 #commands-title { "Push it again from a shell" }
            @if commands.withheld {
                p.note { "No command is shown: its URL or document contains a secret, which is masked here." }
            } @else {
                p.faint { "The secrets come from the environment: LARK_ENCRYPT_KEY, LARK_VERIFICATION_TOKEN." }
            }
            @for (name, command) in [("push", &commands.push), ("curl", &commands.curl)] {
                @if let Some(command) = command {
                    details {
                        summary { @if name == "push" { "As lark-events push" } @else { "As curl" } }
                        p {
                            button type="button" data-copy={ "copy-" (name) } aria-describedby={ "copied-" (name) } { "Copy" }
                            " " span id={ "copied-" (name) } role="status" {}
                        }
                        pre id={ "copy-" (name) } tabindex="0" { (command) }
                    }
                }
            }
        }
    }
}

/// Why the delivery of an open page is not shown any more.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Gone {
    /// It ended, and later ones took its place.
    Forgotten(usize),
    /// The page is of an earlier run.
    Restarted(usize),
}

/// In place of the facts. The attempts stay.
pub(crate) fn gone(gone: Gone) -> Markup {
    html! {
        p.note #facts role="status" {
            @match gone {
                Gone::Forgotten(number) => {
                    "Delivery #" (number) " is no longer kept: later ones took its place. The page shows the "
                    "last known state. "
                }
                Gone::Restarted(number) => {
                    "lark-events serve has started again, and #" (number) " is another delivery now, if there is "
                    "one. The page shows the last known state of the earlier one. "
                }
            }
            a href="/" { "All deliveries" }
        }
    }
}

/// In place of what can be done with a delivery.
pub(crate) fn no_actions() -> Markup {
    html! { div #actions {} }
}

/// In place of the next attempt.
pub(crate) fn no_next() -> Markup {
    html! { p #next {} }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::shown;
    use crate::console::web::masked::Masks;

    #[test]
    fn a_long_card_is_cut_and_says_so() {
        let json = format!("{{\"text\":\"{}\"}}", "x".repeat(65 * 1024));
        let card = CardShown {
            kind: None,
            json: shown::Content::any(json.as_bytes(), &Masks::default()),
        };
        let html = super::card(&card).into_string();
        assert!(html.len() < 66 * 1024 && html.contains("Cut after 64 KiB"));
    }
}
