//! The state of the platform, at the top of each page.

use maud::{Markup, html};

use crate::console::shown::{Status, WebhookShown};
use crate::figures::count;

pub(crate) fn status(status: &Status) -> Markup {
    html! {
        section #status aria-label="Platform" {
            dl.status {
                div { dt { "App" } dd { code { (status.app_id) } } }
                div { dt { "Base URL" } dd { code { (status.base_url) } } }
                div { dt { "Webhook" } dd { (webhook(&status.webhook)) } }
                div {
                    dt { "Long connections" }
                    dd { a href="/connections" { (status.connections) " open" } }
                }
                div {
                    dt { "Faults" }
                    dd {
                        a href="/faults" {
                            @if status.faults.is_empty() { "none in effect" }
                            @else { (status.faults.len()) " in effect" }
                        }
                        @if let Some(first) = status.faults.first() {
                            ": " code { (first.fault) }
                            @if status.faults.len() > 1 { ", …" }
                        }
                    }
                }
                @if status.violations > 0 {
                    div {
                        dt { "Protocol" }
                        dd.bad { "✗ " (count(status.violations, "violation")) }
                    }
                }
            }
        }
    }
}

pub(crate) fn webhook(webhook: &WebhookShown) -> Markup {
    let (class, text) = match webhook.state {
        "set" => ("good", "✓ set"),
        "connecting" => ("wait", "… connecting"),
        "refused" => ("bad", "✗ refused"),
        "lost" => ("bad", "✗ lost"),
        _ => ("wait", "none"),
    };
    html! {
        span.(class) { (text) }
        @if let Some(url) = &webhook.url { " " code { (url) } }
        @if let Some(why) = &webhook.why { ": " (why) }
    }
}
