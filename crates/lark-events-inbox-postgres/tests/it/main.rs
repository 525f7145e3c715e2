//! The store on real servers.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../../lark-events-inbox/tests/it/app.rs"]
#[expect(dead_code, reason = "the tests of lark-events-inbox use the rest")]
mod app;
mod claims;
mod completion;
mod contract;
mod dedup;
mod durability;
mod full_disk;
#[path = "../../../lark-events-inbox/tests/it/listing.rs"]
mod listing;
#[path = "../../../lark-events-inbox/tests/it/logs.rs"]
mod logs;
mod million;
mod operators;
mod outages;
mod pooler;
mod race;
#[path = "../../../lark-events-inbox/tests/it/ratio.rs"]
mod ratio;
mod ratios;
mod server;
mod settings;
#[path = "../../../lark-events-tower/tests/it/support.rs"]
#[expect(dead_code, reason = "the tests of lark-events-tower use the rest")]
mod support;
mod tls;
mod unknown;
mod values;
mod versions;
mod webhook;
