//! The API against a platform in memory, with a paused clock.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod calls;
mod exchange;
mod late;
mod platform;
mod rates;
mod store_app;
mod stream;
mod tokens;
