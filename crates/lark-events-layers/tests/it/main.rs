//! What the layers of events promise, tested from outside and on both transports.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod dedup;
mod dedup_stores;
mod fair;
mod faults;
mod filter;
mod in_order;
mod large;
#[cfg(feature = "metrics")]
mod metrics;
mod misbehaving;
mod passing;
mod readiness;
mod record;
#[path = "../../../lark-events-tower/tests/it/support.rs"]
#[expect(dead_code, reason = "the tests of lark-events-tower use the rest")]
mod support;
mod threads;
#[path = "../../../lark-events-tower/tests/it/transports.rs"]
mod transports;
mod verdicts;
