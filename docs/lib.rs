//! The README and the guide as tests: `cargo test --package lark-events-docs` compiles or runs each of
//! their examples.
//!
//! The tests of the root package look at all other blocks, and at the links, of every document.

#![cfg(doctest)]

macro_rules! pages {
    ($($name:ident $text:expr),* $(,)?) => {
        $(#[doc = $text] struct $name;)*
    };
}

pages! {
    Readme include_str!("../README.md"),
    FirstEvent include_str!("guide/README.md"),
    Transports include_str!("guide/transports.md"),
    Secrets include_str!("guide/secrets.md"),
    Messages include_str!("guide/messages.md"),
    Answering include_str!("guide/answering.md"),
    Bot include_str!("guide/bot.md"),
    Callbacks include_str!("guide/callbacks.md"),
    Deliveries include_str!("guide/deliveries.md"),
    Inbox include_str!("guide/inbox.md"),
    Postgres include_str!("guide/postgres.md"),
    Nats include_str!("guide/nats.md"),
    OwnEvents include_str!("guide/own-events.md"),
    Testing include_str!("guide/testing.md"),
    Deploying include_str!("guide/deploying.md"),
    OtherServers include_str!("guide/other-servers.md"),
    Observability include_str!("guide/observability.md"),
    Cookbook include_str!("guide/cookbook.md"),
    Troubleshooting include_str!("guide/troubleshooting.md"),
    Recordings include_str!("recordings.md"),
    InboxPage include_str!("inbox-page.md"),
}
