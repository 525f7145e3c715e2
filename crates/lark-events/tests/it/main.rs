//! What the crate promises, tested from outside.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod apps;
mod cost;
#[cfg(feature = "derive")]
mod derive;
mod dispatch;
mod event_set;
mod extensions;
mod hygiene;
mod kinds;
mod odd_fields;
#[cfg(feature = "old-card")]
mod old_card;
mod properties;
mod signed;
mod state;
mod support;
#[cfg(feature = "testing")]
mod testing;
mod unread;
mod unsigned;
mod verdicts;
mod webhook;
