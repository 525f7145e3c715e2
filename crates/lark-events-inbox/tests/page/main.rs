//! What the page of the inbox promises to operators and to the app that mounts it, without a browser.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod actions;
mod browser;
mod mounted;
mod redaction;
mod shown;
mod stored;
