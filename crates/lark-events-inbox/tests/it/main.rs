//! What an inbox promises, tested from outside and on both transports.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod app;
#[cfg(feature = "sqlite")]
mod auto_traits;
mod contract;
mod ending;
mod fair;
mod faults;
mod faulty;
mod files;
mod listing;
mod logs;
#[cfg(feature = "metrics")]
mod metrics;
#[path = "../../../lark-events-layers/tests/it/misbehaving.rs"]
mod misbehaving;
mod operators;
mod outages;
#[cfg(feature = "sqlite")]
mod ratio;
mod receiving;
mod retries;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(feature = "sqlite")]
#[cfg(target_os = "linux")]
mod sqlite_crash;
#[cfg(feature = "sqlite")]
mod sqlite_failures;
#[cfg(feature = "sqlite")]
mod sqlite_race;
#[cfg(feature = "sqlite")]
mod sqlite_ratios;
mod stopping;
#[path = "../../../lark-events-tower/tests/it/support.rs"]
#[expect(dead_code, reason = "the tests of lark-events-tower use the rest")]
mod support;
mod threads;
#[path = "../../../lark-events-tower/tests/it/transports.rs"]
mod transports;
