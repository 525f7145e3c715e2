//! What the page of the inbox promises to operators and to the app that mounts it, without a browser.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod actions;
mod browser;
mod conflicts;
mod export;
mod failures;
mod inputs;
mod lanes;
mod limited;
#[path = "../it/logs.rs"]
mod logs;
mod mounted;
mod redaction;
mod shown;
mod stored;
