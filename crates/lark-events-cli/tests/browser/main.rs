//! The console of `serve`, as a user in a browser and a script see it. Without Chromium, the tests that need it
//! are skipped.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod app;
mod callbacks;
mod composing;
mod connections;
mod console;
mod flood;
mod forms;
mod guarding;
mod hostile;
mod keyboard;
mod looks;
mod outage;
mod page;
#[path = "../it/port.rs"]
mod port;
mod proxy;
mod replaying;
mod secrets;
#[path = "../it/serving.rs"]
mod serving;

/// A small event, without a duplicate key in its body.
const EVENT: &str = "vc.reserve_config.updated_v1";
const MESSAGE: &str = "im.message.receive_v1";
