//! What an inbox promises, tested from outside and on both transports.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod app;
mod contract;
mod ending;
mod fair;
mod faulty;
mod files;
mod logs;
mod operators;
mod outages;
mod receiving;
mod retries;
#[cfg(feature = "sqlite")]
mod sqlite;
mod stopping;
#[path = "../../../lark-events-tower/tests/it/support.rs"]
#[expect(dead_code, reason = "the tests of lark-events-tower use the rest")]
mod support;
#[path = "../../../lark-events-tower/tests/it/transports.rs"]
mod transports;
