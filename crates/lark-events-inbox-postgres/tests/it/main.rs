//! The store on real servers.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../../lark-events-inbox/tests/it/app.rs"]
#[expect(dead_code, reason = "the tests of lark-events-inbox use the rest")]
mod app;
mod contract;
mod dedup;
#[path = "../../../lark-events-inbox/tests/it/listing.rs"]
mod listing;
mod operators;
mod pooler;
mod race;
mod ratios;
mod server;
mod versions;
