//! The webhook, the long connections and the violations of their protocol.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};

use super::Content;
use super::status::webhook;
use crate::console::Console;
use crate::console::shown::{ConnectionShown, ConnectionsShown, WebhookShown};
use crate::figures::count;

pub(crate) async fn get(State(console): State<Arc<Console>>) -> Response {
    let position = console.position();
    let status = super::current(&console);
    let shown = ConnectionsShown::new(&console.control.platform, &console.masks);
    let content = Content {
        title: "Connections".to_owned(),
        path: "/connections",
        main: main(&status.webhook, &shown),
        stream: "page=connections".to_owned(),
        position,
    };
    super::respond(&console, content)
}

pub(crate) fn main(hook: &WebhookShown, shown: &ConnectionsShown) -> Markup {
    html! {
        h1 { "Connections" }
        (connections(hook, shown))
    }
}

/// All that changes.
pub(crate) fn connections(hook: &WebhookShown, shown: &ConnectionsShown) -> Markup {
    html! {
        div #connections {
            section aria-labelledby="webhook-title" {
                h2 #webhook-title { "Webhook" }
                p { (webhook(hook)) }
                @if hook.state == "unset" {
                    p.faint { "Start " code { "lark-events serve --webhook URL" } " to push to one." }
                }
            }
            section aria-labelledby="open-title" {
                h2 #open-title { "Long connections" }
                p {
                    (count(shown.connections.len(), "open connection")) "; "
                    (count(shown.ended, "connection")) " ended before."
                }
                @if !shown.connections.is_empty() { (table(&shown.connections)) }
            }
            section aria-labelledby="violations-title" {
                h2 #violations-title { "Violations of the protocol" }
                @if shown.violations_in_all == 0 { p.faint { "None." } }
                @else {
                    p {
                        (count(shown.violations_in_all, "violation"))
                        @if shown.violations_in_all > shown.violations.len() {
                            "; the first " (shown.violations.len()) " are listed"
                        }
                        "."
                    }
                }
                ul {
                    @for violation in &shown.violations {
                        li { code { (violation.connection) } ": " (violation.violation) }
                    }
                }
            }
        }
    }
}

fn table(connections: &[ConnectionShown]) -> Markup {
    html! {
        div.scroll {
            table.cards {
                caption.hidden { "Open long connections, oldest first" }
                thead {
                    tr {
                        @for name in ["Connection", "State", "Client", "Since", "Messages", "Acks", "Pings", "Violations"] {
                            th scope="col" { (name) }
                        }
                    }
                }
                tbody { @for connection in connections { (row(connection)) } }
            }
        }
    }
}

fn row(connection: &ConnectionShown) -> Markup {
    html! {
        tr {
            th scope="row" { code { (connection.id) } }
            td data-label="State" {
                @if connection.half_open { span.badge.bad { "✗ half-open" } }
                @else { span.badge.good { "✓ open" } }
            }
            td data-label="Client" {
                @if let Some(agent) = &connection.user_agent { (agent) } @else { "-" }
            }
            td data-label="Since" { (connection.since.clock()) }
            td.number data-label="Messages" { (connection.messages) }
            td.number data-label="Acks" { (connection.acks) }
            td data-label="Pings" {
                (connection.pings)
                @if let Some(last) = connection.last_ping { ", last " (last.clock()) }
            }
            td.number data-label="Violations" { (connection.violations) }
        }
    }
}
