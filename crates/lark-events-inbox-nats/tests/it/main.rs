//! The store on real servers.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../../lark-events-inbox/tests/it/app.rs"]
#[expect(dead_code, reason = "the tests of lark-events-inbox use the rest")]
mod app;
mod connecting;
mod contract;
mod full;
mod login;
#[path = "../../../lark-events-inbox/tests/it/logs.rs"]
mod logs;
mod messages;
mod operators;
mod outages;
mod partition;
mod server;
mod settings;
mod sharing;
mod stopped;
#[path = "../../../lark-events-tower/tests/it/support.rs"]
#[expect(dead_code, reason = "the tests of lark-events-tower use the rest")]
mod support;
mod tls;
#[path = "../../../lark-events-inbox-postgres/tests/it/webhook.rs"]
mod webhook;
