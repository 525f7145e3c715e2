//! The page of the inbox, as operators use it in a browser. Without Chromium, the tests are skipped.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod acting;
mod busy;
mod foreign;
mod gate;
mod keyboard;
mod links;
mod looks;
mod page;
mod polling;
mod redacted;
mod restarted;
mod scriptless;
mod site;
#[expect(dead_code, reason = "shared with the tests without a browser")]
#[path = "../page/stored.rs"]
mod stored;
